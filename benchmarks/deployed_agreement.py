"""Whether a deployed folder answers as its checkpoint on the whole test set, in every engine at hand and every precision.

Prints for each the test objects that get another class than from the checkpoint in torch, the change of accuracy with its 95 %
interval over paired objects, and the largest difference of a logit, relative to the largest logit.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
import numpy as np
import torch

from voxprune.deploy import device
from voxprune.deploy.facts import compared
from voxprune.networks.checkpoint import load_checkpoint
from voxprune.voxels import dataset


def main(options):
    torch.set_num_threads(1)
    deployed = device.network(options.model)
    network, _ = load_checkpoint(deployed.folder / "model.safetensors")
    voxels = dataset.load_split(options.voxels, "test", deployed.about["labels"])
    inputs = torch.cat([some for some, _ in dataset.batches(voxels, 64)]).numpy()
    labels = voxels.labels.numpy()
    with torch.inference_mode():
        expected = np.concatenate([network(torch.from_numpy(one[None])).numpy() for one in inputs])
    print(
        "| engine | precision | of another class | change of accuracy, points | largest difference |\n|---|---|--:|--:|--:|"
    )
    for engine, precision in (*device.at_hand([deployed]), ("onnxruntime", "float16"), ("onnxruntime", "int8")):
        run = device.runner(deployed, engine, precision)
        found = np.concatenate([np.array(run(np.ascontiguousarray(one[None]))) for one in inputs])
        print(row(engine, precision, found, expected, labels), flush=True)


def row(engine, precision, found, expected, labels):
    change = compared(found.argmax(axis=1), expected.argmax(axis=1), labels)
    difference = np.abs(found - expected).max() / np.abs(expected).max()
    interval = f"{change.points:+.2f} ({change.low:+.2f} to {change.high:+.2f})"
    return f"| {engine} | {precision} | {change.differ} of {change.objects} | {interval} | {difference:.1e} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="folder that export made")
    parser.add_argument("voxels", help="folder of shards, results/voxels/<dataset>/<settings>")
    main(parser.parse_args())
