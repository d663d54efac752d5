"""How often do 95 % intervals of an accuracy difference contain the true value? Ours, and a bootstrap over seeds and objects.

usage: python benchmarks/interval_coverage.py [--experiments 2000]
Simulated experiments of 300 test objects, whose difficulty and seeds vary; the truth is known in closed form. `spread` is the
standard deviation that seeds add to an object's difficulty (which has 1): how much networks of different seeds differ.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from voxprune.answer.statistics import difference

OBJECTS, EASE, DROP, NOISE, RESAMPLES = 300, 1.5, 0.3, 0.5, 500


def experiment(rng, seeds, spread):
    """(parent, child): bool (seeds, objects)."""
    difficulty = rng.normal(0, 1, (1, OBJECTS))
    luck, noise = rng.normal(0, spread, (2, seeds, 1)), rng.normal(0, NOISE, (2, seeds, OBJECTS))
    return difficulty + luck[0] + noise[0] + EASE > 0, difficulty + luck[1] + noise[1] + EASE - DROP > 0


def bootstrap(rng, values):
    """Percentile interval of the mean, seeds and objects resampled."""
    seeds, objects = values.shape
    of_seeds = rng.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES)
    of_objects = rng.multinomial(objects, np.full(objects, 1 / objects), RESAMPLES)
    means = ((of_seeds @ values) * of_objects).sum(axis=1) / values.size
    return np.percentile(means, [2.5, 97.5])


def main(options):
    print(f"{'seeds':>5} {'spread':>6} {'ours':>6} {'bootstrap':>9}   (percent of {options.experiments} experiments)")
    for seeds in (2, 3, 6, 10):
        for spread in (0.02, 0.1, 0.4):
            rng, total = np.random.default_rng(seeds), np.sqrt(1 + spread**2 + NOISE**2)
            truth = stats.norm.cdf((EASE - DROP) / total) - stats.norm.cdf(EASE / total)
            ours, resampled = [], []
            for _ in range(options.experiments):
                parent, child = experiment(rng, seeds, spread)
                found = difference(child, parent)
                ours.append(found.low <= truth <= found.high)
                low, high = bootstrap(rng, child.astype(float) - parent)
                resampled.append(low <= truth <= high)
            print(f"{seeds:5} {spread:6} {100 * np.mean(ours):6.1f} {100 * np.mean(resampled):9.1f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=2000)
    main(parser.parse_args())
