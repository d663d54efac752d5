"""Whether two folders of results hold the same networks, predictions and figures, to the bit; provenance aside.

usage: python benchmarks/compare_results.py results/quick /elsewhere/results/quick     before and after a change of the code

Compared are the tensors of every checkpoint, the logits of every prediction, and the columns of summary.csv that both have
and that don't say when, where or how long.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

UNSTABLE = ("provenance.", "checkpoint_bytes", "compressed_bytes")  # the metadata of a checkpoint names its settings


def checkpoints_differ(one, other):
    first, second = load_file(one), load_file(other)
    return first.keys() != second.keys() or not all(np.array_equal(first[name], second[name]) for name in first)


def predictions_differ(one, other):
    with np.load(one) as first, np.load(other) as second:
        return set(first) != set(second) or not all(np.array_equal(first[name], second[name]) for name in first)


def columns_that_differ(one, other):
    first, second = pd.read_csv(one), pd.read_csv(other)
    common = [name for name in first if name in second and not name.startswith(UNSTABLE)]
    return [name for name in common if not first[name].equals(second[name])], len(common)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    options = parser.parse_args()
    found = []
    for pattern, differ in (("checkpoint.safetensors", checkpoints_differ), ("predictions.npz", predictions_differ)):
        paths = sorted(path.relative_to(options.first) for path in options.first.rglob(pattern))
        found += [str(path) for path in paths if differ(options.first / path, options.second / path)]
        print(f"{len(paths)} {pattern} compared")
    columns, count = columns_that_differ(options.first / "summary.csv", options.second / "summary.csv")
    print(f"{count} columns of summary.csv compared")
    found += [f"summary.csv: {name}" for name in columns]
    print("\n".join(["DIFFERENT:", *found]) if found else "the same to the bit")
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
