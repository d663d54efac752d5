"""Draws objects and mistakes: an example of each class, newly misclassified objects, confusion matrices."""

import argparse
from pathlib import Path

import numpy as np

from voxprune.core.command import run_command
from voxprune.core.files import read_json
from voxprune.core.paths import network_folder
from voxprune.report import pictures
from voxprune.report.figure import write_plot
from voxprune.voxels.shards import open_shards, read_grids

MOST_OBJECTS = 10  # turned from right to wrong


def main(options):
    answer = read_json(options.answer)
    shown, first = answer["shown"], answer["seeds"][0]
    networks = {
        "parent": ("parent", 0),
        f"{shown['method']} {shown['level_percent']:g} %": (shown["method"], int(shown["level_percent"])),
    }
    predicted = {}
    for title, network in networks.items():
        loaded = [np.load(network_folder(options.results, seed, *network) / "predictions.npz") for seed in answer["seeds"]]
        predicted[title] = np.stack([one["logits"].argmax(axis=1) for one in loaded])
    labels, files, classes = (loaded[0][key] for key in ("labels", "files", "classes"))
    shards = [shard[:: options.views] for shard in open_shards(options.shards)]

    chosen = [int(np.flatnonzero(labels == label)[0]) for label in range(len(classes)) if (labels == label).any()]
    note = f"{answer['experiment']}: the first test object of each class, {shards[0].shape[1]}^3 cells"
    write_plot(options.folder / "examples", pictures.examples, grids(shards, chosen), classes[labels[chosen]], note)

    parent, pruned = (own[0] for own in predicted.values())
    turned = np.flatnonzero((parent == labels) & (pruned != labels))
    drawn = turned[np.unique(np.linspace(0, len(turned) - 1, MOST_OBJECTS).round().astype(int))] if len(turned) else turned
    names = [f"{files[one]}\ntaken for {classes[pruned[one]]}" for one in drawn]
    title = f"Right in the parent, wrong in {list(networks)[1]}"
    gained = int(((parent != labels) & (pruned == labels)).sum())
    share = "all" if len(drawn) == len(turned) else f"{len(drawn)}, evenly over the classes,"
    note = f"{answer['experiment']}, seed {first}, {len(labels)} test objects: {len(turned)} lost, of which {share} are drawn, and {gained} gained"
    write_plot(
        options.folder / "newly_misclassified",
        pictures.newly_misclassified,
        grids(shards, drawn),
        names,
        title,
        note,
    )

    matrices = {title: pictures.confusion_matrix(own, labels, classes) for title, own in predicted.items()}
    write_plot(options.folder / "confusion", pictures.confusion, matrices, classes, answer)


def grids(shards, numbers):
    """bool (n, R, R, R) of some objects, counted through all shards."""
    packed = read_grids(shards, np.asarray(numbers, dtype=int))
    return np.unpackbits(packed, axis=-1, count=packed.shape[1]).astype(bool)


def parse():
    parser = argparse.ArgumentParser(prog="draw_pictures", description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="folder of the experiment, with the predictions")
    parser.add_argument("--answer", required=True, help="answer.json, which says what network is shown beside the parent")
    parser.add_argument(
        "--shards", type=Path, nargs="+", required=True, help="<class>.npy of the test objects, in the order of the labels"
    )
    parser.add_argument("--views", type=int, default=1, help="grids an object in them; the first is drawn (default 1)")
    parser.add_argument(
        "--folder", type=Path, required=True, help="output: examples, newly_misclassified, confusion (.png, .svg, .rst)"
    )
    return parser


if __name__ == "__main__":
    run_command(main, parse())
