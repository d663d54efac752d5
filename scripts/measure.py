"""Measures what checkpoints demand while they run, beside their parent, which is measured twice as A/A control."""

import argparse
import dataclasses

import torch

from voxprune import dataset, measurement, networks, provenance, training
from voxprune.files import InputError, run_command, write_json


def main(options):
    windows = measurement.Windows(
        **{field.name: getattr(options, field.name) for field in dataclasses.fields(measurement.Windows)}
    )
    if len(options.checkpoints) != len(options.outputs):
        raise InputError("give as many --outputs as --checkpoints")
    torch.set_num_threads(options.threads)
    device = training.device_for(options.gpus)
    loaded = {path: networks.load(path) for path in [options.parent, *options.checkpoints]}
    classes = loaded[options.parent][0].description["classes"]
    voxels = dataset.load_split(options.voxels, "test", classes).to(device)
    models = {path: training.place(network, device) for path, (network, _) in loaded.items()}
    models["again"] = training.place(networks.load(options.parent)[0], device)
    figures = measurement.measure(models, voxels, options.batch_sizes, windows)
    about = {
        "engine": "torch",
        "device": str(device),
        "threads": torch.get_num_threads(),
        "versions": provenance.versions(),
        "hardware": provenance.hardware(),
    }
    for path, output in zip(options.checkpoints, options.outputs):
        made = loaded[path][1]
        write_json(
            output,
            {
                "experiment": options.experiment,
                "method": made["method"],
                "level_percent": made["level_percent"],
                "seed": made["seed"],
                **about,
                **figures[path],
                "parent_control": [figures[options.parent], figures["again"]],
            },
        )


def parse():
    parser = argparse.ArgumentParser(prog="measure", description=__doc__)
    parser.add_argument("--parent", required=True, help="checkpoint of the parent")
    parser.add_argument("--checkpoints", nargs="+", required=True, help="checkpoints to measure")
    parser.add_argument("--outputs", nargs="+", required=True, help="output: a demand.json for each checkpoint")
    parser.add_argument("--voxels", required=True, help="folder of shards; test objects are the input")
    parser.add_argument("--experiment", default="", help="name written into the outputs")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--repetitions", type=int, default=5, help="latency rounds over all models (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of latency a model, batch size and round")
    parser.add_argument("--calls", type=int, default=10, help="the least calls a model, batch size and round")
    parser.add_argument("--warmup-calls", type=int, default=5, help="before each round, not counted")
    parser.add_argument("--test-pass-seconds", type=float, default=10.0, help="of whole test passes, at least")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch (default 1)")
    parser.add_argument("--gpus", type=int, default=1, help="0 keeps to the CPU; otherwise CUDA where torch has it")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
