"""Measures latency at every level of units of a network: where fewer filters are faster on this machine, and where not."""

import argparse
import dataclasses

import msgspec
import torch

from voxprune.core import provenance
from voxprune.core.command import add_gpus_option, run_command
from voxprune.core.errors import InputError
from voxprune.core.files import write_csv
from voxprune.core.memory import enough_memory
from voxprune.measurement import compare, latency
from voxprune.measurement.conditions import add_options, cells, windows_of
from voxprune.networks import build, evaluation
from voxprune.networks.checkpoint import load_checkpoint
from voxprune.networks.cost import network_cost
from voxprune.networks.device import device_for
from voxprune.pruning.prune import remove_levels
from voxprune.pruning.scoring import add_sample_option, load_sample
from voxprune.settings.method import Method
from voxprune.settings.options import add_options as add_settings
from voxprune.settings.options import from_options
from voxprune.voxels import dataset


def main(options):
    torch.set_num_threads(1)
    parent, origin = load_checkpoint(options.parent)
    voxels = dataset.load_split(options.voxels, "test", parent.description["classes"])
    device = device_for(options.gpus)
    method = from_options(Method, options, unit="filter", apply="remove")
    shapes = distinct_shapes(parent, method, load_sample(options.voxels, parent, origin, options.criterion_objects))
    models = {latency.PARENT: parent, latency.AGAIN: load_checkpoint(options.parent)[0]}
    models |= {level: network for level, network in shapes.items() if level}
    conditions = cells(options.engines, windows_of(options).threads[:1], [max(options.batch_sizes)], device)
    windows = msgspec.structs.replace(windows_of(options), windows=0)
    with enough_memory(max(options.batch_sizes), voxels.resolution, "lower `measurement: batch_sizes`"):
        measured = compare.measure(
            models, voxels, conditions, windows, device, options.least_percent, lambda line: print(line, flush=True)
        )
    rows = []
    for number, cell in enumerate(conditions):
        for level, network in shapes.items():
            figures = measured.figures[level or latency.PARENT][number]
            if figures["unavailable"]:
                continue
            rows.append(
                {
                    "level_percent": level, "macs": network_cost(network)["macs"], **dataclasses.asdict(cell),
                    "latency_ms": figures["latency_ms"]["p50"], "speedup": figures["speedup"]["mean"],
                    "least_percent": figures["speedup"]["least_percent"], "widths": build.widths(network),
                }
            )  # fmt: skip
    if not rows:
        raise InputError("the parent runs in no engine here; add `torch` to `measurement: engines`")
    hardware = provenance.hardware()
    note = f"{options.experiment}, median of {windows.repetitions} rounds, {hardware['gpu'] or hardware['cpu']}"
    if measured.invalid_reasons:
        note += f"\nINVALID: {'; '.join(measured.invalid_reasons)}"
        print(f"warning: this run is invalid: {'; '.join(measured.invalid_reasons)}", flush=True)
    write_csv(options.table, [row | {"note": note} for row in rows])


def distinct_shapes(parent, method, sample):
    """{lowest level of units in whole percent that gives it: network} for every shape in which each layer keeps a filter."""
    found, seen = {}, set()
    for level, network in enumerate(remove_levels(parent, method, range(100), sample)):
        shape = tuple(build.widths(network).items())
        if shape not in seen and not evaluation.collapsed(network):
            seen.add(shape)
            found[level] = network.eval()
    return found


def parse():
    parser = argparse.ArgumentParser(prog="measure_staircase", description=__doc__)
    parser.add_argument("--parent", required=True, help="checkpoint of the network at full width")
    parser.add_argument("--voxels", required=True, help="folder of shards: test objects are measured, training objects rank")
    parser.add_argument("--experiment", default="", help="name written into the table, for its plot")
    add_settings(parser, Method, only=["criterion", "scope", "channel_multiple", "ratios"])
    add_sample_option(parser)
    add_options(parser)
    add_gpus_option(parser)
    parser.add_argument("--table", required=True, help="output: staircase.csv")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
