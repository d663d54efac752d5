"""An epoch of training: voxprune's loop against bare forward and backward, and against the original study's loader.

usage: python benchmarks/training_epoch.py [--resolution 32] [--objects 512] [--rounds 5]     the ratios are what counts

bare: the same steps on tensors that lie unpacked in memory. study: one compressed int64 array a mesh, read and unpacked
at every epoch, in default memory format. The loaders alone are compared too, because the network's time hides them.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch.nn.functional import cross_entropy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from voxprune.networks import device
from voxprune.networks.build import build_network
from voxprune.settings.training import Recipe
from voxprune.training.fit import _train_epoch
from voxprune.training.step import training_step
from voxprune.voxels.dataset import Voxels, batches, unpack
from voxprune.voxels.voxelize import pack

BATCH = 64
RECIPE = Recipe(
    epochs=1, batch_size=BATCH, optimiser="sgd", learning_rate=0.001, weight_decay=0.0, schedule="constant", validation_share=0.0
)  # fmt: skip


def bare(network, optimiser, inputs, labels):
    network.train()
    for batch, wanted in zip(inputs.split(BATCH), labels.split(BATCH)):
        optimiser.zero_grad(set_to_none=True)
        cross_entropy(network(batch), wanted).backward()
        optimiser.step()


def study_batches(folder, labels):
    for start in range(0, len(labels), BATCH):
        numbers = range(start, min(start + BATCH, len(labels)))
        arrays = [np.load(folder / f"{number}.npz")["arr_0"] for number in numbers]
        yield torch.from_numpy(np.stack(arrays)).float()[:, None], labels[start : start + BATCH]


def study(network, optimiser, folder, labels):
    network.train()
    for batch, wanted in study_batches(folder, labels):
        optimiser.zero_grad()
        cross_entropy(network(batch), wanted).backward()
        optimiser.step()


def exhaust(iterator):
    for _ in iterator:
        pass


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resolution", type=int, default=32)
    parser.add_argument("--objects", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.manual_seed(0)
    grids = np.random.default_rng(0).random((options.objects, *(options.resolution,) * 3)) < 0.05
    labels = torch.arange(options.objects) % 10
    voxels = Voxels(
        torch.from_numpy(pack(grids)), labels, np.array([str(n) for n in range(options.objects)]), options.resolution
    )

    def fresh(last):
        network = build_network("original", options.resolution, list("abcdefghij"))
        network = device.to_device(network, torch.device("cpu")) if last else network
        return network, torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9)

    mine, theirs, plain = fresh(True), fresh(True), fresh(False)
    job = SimpleNamespace(voxels=voxels, teacher=None)
    step = training_step(*mine, RECIPE, job)
    inputs = unpack(voxels.packed, options.resolution)
    rates = [RECIPE.learning_rate] * -(-options.objects // BATCH)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for number, grid in enumerate(grids):
            np.savez_compressed(folder / f"{number}.npz", grid.astype(np.int64))
        work = {
            "ours": lambda: _train_epoch(mine[0], None, step, job, RECIPE, torch.Generator().manual_seed(0), rates),
            "bare": lambda: bare(*theirs, inputs, labels),
            "bare, default memory format": lambda: bare(*plain, inputs, labels),
            "study": lambda: study(*plain, folder, labels),
            "loading, ours": lambda: exhaust(batches(voxels, BATCH)),
            "loading, study": lambda: exhaust(study_batches(folder, labels)),
        }
        times = {name: [] for name in work}
        for _ in range(options.rounds):  # interleaved, so that a busy machine troubles all alike
            for name, one in work.items():
                times[name].append(seconds(one))
    best = {name: min(found) for name, found in times.items()}
    for name, found in best.items():
        print(f"{name:30} {found:8.3f} s")
    print(f"ours / bare                    {best['ours'] / best['bare']:8.2f}")
    print(f"default / channels_last_3d     {best['bare, default memory format'] / best['bare']:8.2f}")
    print(f"study / ours                   {best['study'] / best['ours']:8.2f}")
    print(f"loading: study / ours          {best['loading, study'] / best['loading, ours']:8.1f}")


if __name__ == "__main__":
    main()
