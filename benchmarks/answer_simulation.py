"""Does the answer keep its promises? Whole experiments with known truth: coverage, false claims, power against Holm's correction, time.

usage: python benchmarks/answer_simulation.py [--experiments 200]
Test objects differ in difficulty, seeds in luck, and a child shares its parent's errors: about 2 % of the answers change by pruning.
Goals stand beside the figures. About five minutes on one core.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from voxprune.answer import sequence, statistics
from voxprune.measurement.noise import Ratio, paired_ratio, percent_apart, verdict

OBJECTS, MARGIN, ALLOWED = 901, 1.0, 0.05
ACCURACY, DIFFICULTY, SEED_NOISE, CHILD_NOISE = 0.9, 1.0, 0.5, 0.12  # standard deviations of a latent score
NOTHING_LOST = [[0.0] * 5] * 3  # points, of three methods with five levels each
LOST_LATER = [[0.0, 0.0, 0.0, 5.0, 20.0]] * 3  # as pruning does: three safe levels, then too much
ON_THE_MARGIN = [[0.0, 0.5, 1.0, 1.0, 3.0], [0.0, 1.0, 1.0, 3.0, 9.0], [1.0, 1.0, 3.0, 3.0, 9.0]]
SLOWEST_FIRST = [[1.0, 0.0, 1.0, 0.0, 1.0]] * 3  # a dip first: nothing above it may be claimed
NETWORKS, CELLS = 12, 6  # in one table of times: networks, and engines times batch sizes


def score_spread(luck, child):
    return np.sqrt(DIFFICULTY**2 + SEED_NOISE**2 + luck**2 + (2 * CHILD_NOISE**2 if child else 0))


def experiment(rng, seeds, losses, seed_sd_points):
    """(parent, [[child of each level] of each method]): bool (seeds, objects) each. losses: in points, the truth."""
    density = stats.norm.pdf(stats.norm.ppf(ACCURACY))
    luck = seed_sd_points / 100 / density  # of a seed's latent score, so that its accuracy varies by so much
    hard = rng.normal(0, DIFFICULTY, OBJECTS) + rng.normal(0, SEED_NOISE, (seeds, OBJECTS))
    parent = hard + stats.norm.ppf(ACCURACY) * score_spread(0, False) > 0
    children = []
    for levels in losses:
        children.append([])
        for loss in levels:
            ease = stats.norm.ppf(ACCURACY - loss / 100) * score_spread(luck, True)
            own = rng.normal(0, CHILD_NOISE * np.sqrt(2), (seeds, OBJECTS)) + rng.normal(0, luck, (seeds, 1))
            children[-1].append(hard + own + ease > 0)
    return parent, children


def shown_by(parent, children):
    """(levels shown in sequence, levels shown by Holm over all): bool lists by method; and the estimates."""
    found = [[statistics.difference(child, parent, conservative=True) for child in levels] for levels in children]
    p_values = [[statistics.non_inferiority(one, MARGIN) for one in levels] for levels in found]
    in_sequence = [[p <= ALLOWED for p in levels] for levels in sequence.adjusted(p_values)]
    flat = iter(statistics.holm([p for levels in p_values for p in levels]))
    by_holm = [[next(flat) <= ALLOWED for _ in levels] for levels in p_values]
    return in_sequence, by_holm


def accuracy(experiments):
    print(
        f"{experiments} experiments a row, {OBJECTS} objects, margin {MARGIN:g} point, 3 methods x 5 levels; goals in brackets"
    )
    print(
        "wrong: experiments that call any level non-inferior that loses the margin or more; shown: of the levels that lose nothing"
    )
    print(f"{'':11}| {'':14} | {'wrong, %':>19} | {'shown, nothing lost':>19} | {'shown, lost later':>17}")
    print(
        f"{'seeds':>5} {'sd':>4} | {'coverage, %':>14} | {'sequence':>12} {'Holm':>6} | {'sequence':>12} {'Holm':>6} | {'sequence':>10} {'Holm':>6}"
    )
    for seeds in (3, 6, 10):
        for spread in (0.0, 0.3, 0.6):
            row = np.mean(
                [
                    one_experiment(np.random.default_rng((seeds, number)), seeds, spread, number)
                    for number in range(experiments)
                ],
                axis=0,
            )
            print(
                "{:5} {:4.1f} | {:6.1f} (93-97) | {:6.1f} (<=5) {:6.1f} | {:12.0f} {:6.0f} | {:10.0f} {:6.0f}".format(
                    seeds, spread, *100 * row
                ),
                flush=True,
            )


def one_experiment(rng, seeds, spread, number):
    """(the interval covers the truth, wrong by sequence, by Holm, share shown by sequence, by Holm, twice)."""
    parent, children = experiment(rng, seeds, NOTHING_LOST, spread)
    interval = statistics.difference(children[0][0], parent)
    shown = [np.mean(found) for found in shown_by(parent, children)]
    shown += [np.array(found)[:, :3].mean() for found in shown_by(*experiment(rng, seeds, LOST_LATER, spread))]
    truths = (ON_THE_MARGIN, SLOWEST_FIRST)[number % 2]
    claims = shown_by(*experiment(rng, seeds, truths, spread))
    wrong = [bool(np.any(np.array(found) & (np.array(truths) >= MARGIN))) for found in claims]
    return [interval.low <= 0 <= interval.high, *wrong, *shown]


def rounds(rng, shape, count, disturbed, offset_percent):
    """Median times of networks in rounds: noise of 1.5 %, some rounds of one network disturbed by 10 to 60 %, lasting offsets."""
    logs = rng.normal(0, 0.015, (*shape, count)) + rng.normal(0, offset_percent / 100, shape)[..., None]
    return np.exp(logs + np.where(rng.random(logs.shape) < disturbed, rng.uniform(0.1, 0.5, logs.shape), 0))


def speeds(rng, shape, count, changes, factor=1.7):
    """The factor on each median of `rounds` when the machine's speed changes at random moments, networks in random order in each round."""
    numbers, size = [rng.permutation(np.prod(shape)) for _ in range(count)], np.prod(shape)
    moments = np.stack([number + order / size for number, order in enumerate(numbers)], axis=1).reshape(*shape, count)
    return np.where((moments[..., None] > rng.uniform(0, count, changes)).sum(axis=-1) % 2, 1 / factor, 1.0)


def old_verdict(parent, again, own):
    """As it was: a t interval that must lie beyond the worst round of the parent against itself."""
    logs = np.log(np.sqrt(parent * again) / own)
    reach = stats.t.ppf(0.975, len(logs) - 1) * stats.sem(logs)
    floor = 100 * np.expm1(np.abs(np.log(parent / again)).max())
    return verdict(Ratio(*np.exp([logs.mean(), logs.mean() - reach, logs.mean() + reach])), floor)


def new_verdict(parent, again, own):
    control = percent_apart(paired_ratio(parent, again))
    return verdict(paired_ratio(np.sqrt(parent * again), own), max(1.0, control))


def times(experiments):
    print(
        f"\ntimes: {experiments} tables of {NETWORKS} networks x {CELLS} cells that are all as fast as their parent; goal: claims in <= 5 % of tables"
    )
    print(
        f"{'rule':>14} {'rounds':>6} {'disturbed':>9} {'offset %':>8} {'changes':>7} | {'claims %':>8} {'of tables':>9} | smallest speedup found in 80 of 100"
    )
    for disturbed, offset, changes in ((0, 0, 0), (0.05, 0, 0), (0, 0.5, 0), (0, 0, 1), (0, 0, 8)):
        for name, judge, count in (("worst round", old_verdict, 5), ("trimmed, 1 %", new_verdict, 10)):
            rng, claims = np.random.default_rng(1), []
            for _ in range(experiments):
                shape = (CELLS, NETWORKS + 2)
                measured = rounds(rng, shape, count, disturbed, offset) * speeds(rng, shape, count, changes)
                claims.append([judge(cell[0], cell[1], own) != "no difference" for cell in measured for own in cell[2:]])
            print(
                f"{name:>14} {count:6} {disturbed:9} {offset:8} {changes:7} | {100 * np.mean(claims):8.2f} {100 * np.mean(np.any(claims, axis=1)):9.1f} | "
                f"{smallest_found(rng, judge, count, disturbed, offset, changes, min(200, 10 * experiments))}",
                flush=True,
            )


def smallest_found(rng, judge, count, disturbed, offset, changes, tries):
    for percent in [*np.arange(1.5, 10, 0.5), *range(10, 61, 2)]:
        changing = np.stack([speeds(rng, (3,), count, changes) for _ in range(tries)])
        measured = rounds(rng, (tries, 3), count, disturbed, offset) * changing
        found = [judge(one[0], one[1], one[2] / (1 + percent / 100)) == "faster" for one in measured]
        if np.mean(found) >= 0.8:
            return f"{percent:.1f} %"
    return "none up to 60 %"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=200)
    parser.add_argument("--only", choices=["accuracy", "times"])
    options = parser.parse_args()
    for name, simulate in {"accuracy": accuracy, "times": times}.items():
        if options.only in (None, name):
            simulate(options.experiments)
