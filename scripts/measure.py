"""Measures what checkpoints demand while they run, beside their parent, which is measured twice as A/A control."""

import argparse

import msgspec
import numpy as np
import torch

from voxprune.core import provenance
from voxprune.core.command import add_gpus_option, run_command
from voxprune.core.errors import InputError
from voxprune.core.files import atomic_write, write_json
from voxprune.core.memory import enough_memory
from voxprune.measurement import compare, cpu, gpu, latency
from voxprune.measurement.conditions import add_options, cells, windows_of
from voxprune.networks.checkpoint import load_checkpoint
from voxprune.networks.device import device_for
from voxprune.settings.files import engine_files
from voxprune.voxels import dataset, shards


def main(options):
    if not len(options.checkpoints) == len(options.outputs) == len(options.samples):
        raise InputError("give as many --outputs and --samples as --checkpoints")
    windows = windows_of(options)
    torch.set_num_threads(1)  # before anything starts threads, which a fork would lose
    paths = list(dict.fromkeys([options.parent, *options.checkpoints]))
    # Before anything is loaded: what this process holds counts in what it forks.
    memory = {path: cpu.peak_resident_bytes(answer_once, path, max(options.batch_sizes)) for path in paths}
    loaded = {path: load_checkpoint(path) for path in paths}
    classes = loaded[options.parent][0].description["classes"]
    voxels = dataset.load_split(options.voxels, "test", classes)
    device = device_for(options.gpus)
    models = {latency.PARENT: loaded[options.parent][0], latency.AGAIN: load_checkpoint(options.parent)[0]}
    models |= {path: loaded[path][0] for path in options.checkpoints if path != options.parent}
    conditions = cells(options.engines, windows.threads, options.batch_sizes, device)
    report = lambda line: print(line, flush=True)  # noqa: E731
    with enough_memory(max(options.batch_sizes), voxels.resolution, "lower `measurement: batch_sizes`"):
        measured = compare.measure(models, voxels, conditions, windows, device, options.least_percent, report)
    for reason in measured.invalid_reasons:
        report(f"warning: this run is invalid: {reason}; measure again on a quiet machine")
    about = {
        "detail": options.detail,
        "valid": not measured.invalid_reasons,
        "invalid_reasons": measured.invalid_reasons,
        "drift_percent": measured.drift_percent,
        "idle_power_w": measured.idle_power_w.value,
        "idle_power_w_reason": measured.idle_power_w.reason,
        "manifest": manifest(options, windows, device, classes) | {"warmup": measured.warmup},
        "parent_control": {name: measured.figures[name] for name in (latency.PARENT, latency.AGAIN)},
    }
    for path, output, samples in zip(options.checkpoints, options.outputs, options.samples):
        name = latency.PARENT if path == options.parent else path
        origin = loaded[path][1]
        write_json(
            output,
            {
                "experiment": options.experiment, "method": origin.method, "level_percent": origin.level_percent,
                "seed": origin.seed, "apply": origin.pruning and origin.pruning.apply, **about, "peak_resident_bytes": memory[path].value,
                "peak_resident_bytes_reason": memory[path].reason, "cells": measured.figures[name],
            },
        )  # fmt: skip
        write_samples(samples, {cell: calls for (one, cell), calls in measured.latencies.items() if one == name})


def answer_once(path, batch_size):
    """What `peak_resident_bytes` measures: torch answers for one batch, on the CPU and one thread."""
    network, _ = load_checkpoint(path)
    inputs = torch.ones(batch_size, 1, *(network.description["resolution"],) * 3)  # zeros would take no memory
    with torch.inference_mode():
        network.eval()(inputs)


def manifest(options, windows, device, classes):
    """Everything about the run that a reader needs to judge or repeat it."""
    return {
        "git_commit": provenance.git_commit(),
        "code_hash": provenance.code_hash("measure", *engine_files(options.engines)),
        "data_hash": shards.data_hash(options.voxels, classes, ["test"]),
        "windows": msgspec.to_builtins(windows),
        "dtype": "float32",
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "tf32": {"matmul": torch.backends.cuda.matmul.allow_tf32, "cudnn": torch.backends.cudnn.allow_tf32},
        "versions": {**provenance.versions(), "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()},
        "hardware": {**provenance.hardware(), "affinity": cpu.affinity(), "gpu_facts": gpu.gpu_facts(device)},
    }


def write_samples(path, latencies):
    """Every timed call: float32 milliseconds under the cell's name, `<cell>/round` says in which repetition."""
    arrays = {}
    for cell, rounds in latencies.items():
        arrays[str(cell)] = np.concatenate(rounds)
        arrays[f"{cell}/round"] = np.repeat(np.arange(len(rounds), dtype=np.uint32), [len(calls) for calls in rounds])
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)


def parse():
    parser = argparse.ArgumentParser(prog="measure", description=__doc__)
    parser.add_argument("--parent", required=True, help="checkpoint of the parent")
    parser.add_argument("--checkpoints", nargs="+", required=True, help="checkpoints to measure")
    parser.add_argument("--outputs", nargs="+", required=True, help="output: a demand.json for each checkpoint")
    parser.add_argument("--samples", nargs="+", required=True, help="output: a latency.npz for each, every timed call")
    parser.add_argument("--voxels", required=True, help="folder of shards; test objects are the input")
    parser.add_argument("--experiment", default="", help="name written into the outputs")
    add_options(parser)
    add_gpus_option(parser)
    return parser


if __name__ == "__main__":
    run_command(main, parse())
