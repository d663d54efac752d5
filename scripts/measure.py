"""Measures what checkpoints demand while they run, beside their parent, which is measured twice as A/A control."""

import argparse
import dataclasses

import numpy as np
import torch

from voxprune import counters, dataset, measurement, networks, provenance, training
from voxprune.files import InputError, run_command, whole, write_json
from voxprune.memory import enough_memory


def main(options):
    if not len(options.checkpoints) == len(options.outputs) == len(options.samples):
        raise InputError("give as many --outputs and --samples as --checkpoints")
    windows = measurement.windows_of(options)
    torch.set_num_threads(1)  # before anything starts threads, which a fork would lose
    paths = list(dict.fromkeys([options.parent, *options.checkpoints]))
    # Before anything is loaded: what this process holds counts in what it forks.
    memory = {path: counters.peak_resident_bytes(answer_once, path, max(options.batch_sizes)) for path in paths}
    loaded = {path: networks.load(path) for path in paths}
    classes = loaded[options.parent][0].description["classes"]
    voxels = dataset.load_split(options.voxels, "test", classes)
    device = training.device_for(options.gpus)
    models = {measurement.PARENT: loaded[options.parent][0], measurement.AGAIN: networks.load(options.parent)[0]}
    models |= {path: loaded[path][0] for path in options.checkpoints if path != options.parent}
    conditions = measurement.cells(options.engines, options.threads, options.batch_sizes, device)
    report = lambda line: print(line, flush=True)  # noqa: E731
    with enough_memory(max(options.batch_sizes), voxels.resolution, "lower `measurement: batch_sizes`"):
        measured = measurement.measure(models, voxels, conditions, windows, device, report)
    for reason in measured.invalid_reasons:
        report(f"warning: this run is invalid: {reason}; measure again on a quiet machine")
    about = {
        "detail": options.detail,
        "valid": not measured.invalid_reasons,
        "invalid_reasons": measured.invalid_reasons,
        "idle_power_w": measured.idle_power_w.value,
        "idle_power_w_reason": measured.idle_power_w.reason,
        "manifest": manifest(options, windows, device, classes) | {"warmup": measured.warmup},
        "parent_control": {name: measured.figures[name] for name in (measurement.PARENT, measurement.AGAIN)},
    }
    for path, output, samples in zip(options.checkpoints, options.outputs, options.samples):
        name = measurement.PARENT if path == options.parent else path
        made = loaded[path][1]
        write_json(
            output,
            {
                "experiment": options.experiment, "method": made["method"], "level_percent": made["level_percent"],
                "seed": made["seed"], "realise": made.get("pruning", {}).get("realise"), **about, "peak_resident_bytes": memory[path].value,
                "peak_resident_bytes_reason": memory[path].reason, "cells": measured.figures[name],
            },
        )  # fmt: skip
        write_samples(samples, {cell: calls for (one, cell), calls in measured.latencies.items() if one == name})


def answer_once(path, batch_size):
    """What `peak_resident_bytes` measures: torch answers for one batch, on the CPU and one thread."""
    network, _ = networks.load(path)
    inputs = torch.ones(batch_size, 1, *(network.description["resolution"],) * 3)  # zeros would take no memory
    with torch.inference_mode():
        network.eval()(inputs)


def manifest(options, windows, device, classes):
    """Everything about the run that a reader needs to judge or repeat it."""
    return {
        "git_commit": provenance.git_commit(),
        "code_hash": provenance.code_hash("measure"),
        "data_hash": dataset.data_hash(options.voxels, classes, ["test"]),
        "windows": dataclasses.asdict(windows),
        "dtype": "float32",
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "tf32": {"matmul": torch.backends.cuda.matmul.allow_tf32, "cudnn": torch.backends.cudnn.allow_tf32},
        "versions": {**provenance.versions(), "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()},
        "hardware": {**provenance.hardware(), "affinity": counters.affinity(), "gpu_facts": counters.gpu_facts(device)},
    }


def write_samples(path, latencies):
    """Every timed call: float32 milliseconds under the cell's name, `<cell>/round` says in which repetition."""
    arrays = {}
    for cell, rounds in latencies.items():
        arrays[str(cell)] = np.concatenate(rounds)
        arrays[f"{cell}/round"] = np.repeat(np.arange(len(rounds), dtype=np.uint8), [len(calls) for calls in rounds])
    with whole(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)


def parse():
    parser = argparse.ArgumentParser(prog="measure", description=__doc__)
    parser.add_argument("--parent", required=True, help="checkpoint of the parent")
    parser.add_argument("--checkpoints", nargs="+", required=True, help="checkpoints to measure")
    parser.add_argument("--outputs", nargs="+", required=True, help="output: a demand.json for each checkpoint")
    parser.add_argument("--samples", nargs="+", required=True, help="output: a latency.npz for each, every timed call")
    parser.add_argument("--voxels", required=True, help="folder of shards; test objects are the input")
    parser.add_argument("--experiment", default="", help="name written into the outputs")
    measurement.add_options(parser)
    parser.add_argument("--gpus", type=int, default=1, help="0 keeps to the CPU; otherwise CUDA where torch has it")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
