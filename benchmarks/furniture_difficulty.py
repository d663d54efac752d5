"""How hard the furniture data set is: a linear classifier on raw voxels against the parents of the default experiment.

usage: python benchmarks/furniture_difficulty.py     after `make run`; it should stay at least 8 points below them
"""

import sys
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from sklearn.linear_model import LogisticRegression

from voxprune.core.files import read_json
from voxprune.networks.checkpoint import load_checkpoint
from voxprune.voxels.dataset import load_split, unpack


def flat(voxels):
    return unpack(voxels.packed[:], voxels.resolution).flatten(1).numpy()


def main():
    warnings.filterwarnings("ignore", module="sklearn")  # it says that 200 iterations weren't enough to the last digit
    results = ROOT / "results/furniture"
    network, _ = load_checkpoint(results / "seed0/parent/checkpoint.safetensors")
    folder = next((ROOT / "results/voxels/furniture").iterdir())
    train, test = (load_split(folder, split, network.description["classes"]) for split in ("train", "test"))
    scores = {}
    for strength in (1e-4, 1e-3, 1e-2, 1e-1):
        fitted = LogisticRegression(C=strength, max_iter=200).fit(flat(train), train.labels)
        scores[strength] = 100 * fitted.score(flat(test), test.labels)
        print(f"linear, C = {strength:<8g} {scores[strength]:6.2f} %")
    parents = [read_json(path)["accuracy_percent"] for path in sorted(results.glob("seed*/parent/metrics.json"))]
    print(f"parents of {len(parents)} seeds    {np.mean(parents):6.2f} %  ({min(parents):.2f} to {max(parents):.2f})")
    print(f"the best linear is       {np.mean(parents) - max(scores.values()):6.2f} points below")


if __name__ == "__main__":
    main()
