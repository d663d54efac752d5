"""Checks before any job that a network can be trained, pruned, saved and loaded, and says how much of it pruning reaches."""

import argparse

import msgspec

from voxprune.core.command import run_command
from voxprune.core.files import atomic_write
from voxprune.core.registry import choices
from voxprune.pruning.check import check_network
from voxprune.settings.method import Method
from voxprune.settings.network import NETWORKS


def main(options):
    told = check_network(options.network, options.resolution, options.classes, options.trials)
    sentence = f"{options.network} at resolution {options.resolution}: {told}"
    print(sentence, flush=True)
    with atomic_write(options.report) as temporary:
        temporary.write_text(sentence + "\n")


def parse():
    parser = argparse.ArgumentParser(prog="check_network", description=__doc__)
    parser.add_argument("--network", required=True, help=f"{', '.join(choices(NETWORKS))} or package.module:Class")
    parser.add_argument("--resolution", type=int, required=True, help="cells along an edge of the voxel grids")
    parser.add_argument("--classes", nargs="+", action="extend", required=True, help="in the order of the labels")
    parser.add_argument(
        "--trials", type=msgspec.json.Decoder(list[tuple[Method, int]]).decode, default=[],
        help='what else pruning must be able to choose, as JSON: [[{"unit": "filter", ...}, level], ...]',
    )  # fmt: skip
    parser.add_argument("--report", required=True, help="output: the sentence, as text")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
