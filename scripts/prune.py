"""Prunes a parent to one level by one recipe, proves what was removed, and retrains where the recipe says so."""

import argparse
import csv
import dataclasses
from functools import partial
from pathlib import Path

import torch

from voxprune import criteria, dataset, evaluation, networks, pruning, retraining, training
from voxprune.files import InputError, content_hash, run_command
from voxprune.memory import enough_memory


def main(options):
    if options.criterion not in criteria.CRITERIA[options.unit]:
        known = ", ".join(criteria.CRITERIA[options.unit])
        raise InputError(f"criterion {options.criterion!r} doesn't rank {options.unit}s; choose one of {known}")
    if not 0 <= options.level <= 100:
        raise InputError(f"level {options.level} is no share of a network; choose one from 0 to 100 percent")
    network, made = networks.load(options.parent)
    method = pruning.Method(**{field.name: getattr(options, field.name) for field in dataclasses.fields(pruning.Method)})
    classes, seed = network.description["classes"], made["seed"]
    torch.manual_seed(seed)
    objects, resolution = options.criterion_objects, network.description["resolution"]
    enough = partial(enough_memory, objects, resolution, "lower `criterion_objects` or `voxels: resolution`")
    share = made["training"]["validation_share"]  # validation objects choose epochs and levels, not units
    with enough():
        sample = criteria.Sample(*dataset.sample(options.voxels, classes, objects, seed, share), seed)
    staircase = read_staircase(options.staircase) if options.staircase else None
    full, differences, curve = pruning.unit_sizes(network, method), [], []
    for step in range(1, options.steps + 1):
        level = options.level * step / options.steps
        try:
            with enough():
                network, difference = pruning.prune(network, method, level, sample, full, staircase)
        except InputError as error:
            raise InputError(f"{job_name(options, seed)}: {error}") from error
        differences.append(difference)
        print(
            f"{level:g} %: filters left {networks.widths(network)}, difference to the masked network {difference}",
            flush=True,
        )
        if options.retrain != "none" and not evaluation.collapsed(network):
            curve += [{"step": step, **row} for row in retrain(network, made, options, step)]
    made.update(
        method=options.method,
        level_percent=options.level,
        pruning={**dataclasses.asdict(method), "steps": options.steps},
        retraining={"retrain": options.retrain, "epochs": options.epochs, "learning_rate": options.learning_rate},
        finetune_epochs=len(curve),
        equality_max_abs_difference=max(differences) if method.realise == "remove" else None,
    )
    networks.save(network, options.checkpoint, made)
    training.write_curve(options.curve, curve, ("step", *training.CURVE))
    for step in range(1, options.steps + 1):
        state_path(options, step).unlink(missing_ok=True)


def job_name(options, seed):
    """What its messages call a pruning job."""
    return f"{options.method} {options.level} seed {seed}"


def state_path(options, step):
    """Where retraining after a step is resumed from; kept until the checkpoint is written, so that no step is done twice."""
    return Path(f"{options.checkpoint}.step{step}.resume")


def read_staircase(path):
    """{level of units: latency in ms} of the first engine in the table."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return {int(row["level_percent"]): float(row["latency_ms"]) for row in rows if row["engine"] == rows[0]["engine"]}


def retrain(network, made, options, step):
    """Retrains in place; returns the learning curve."""
    torch.use_deterministic_algorithms(True, warn_only=True)  # here, because it loads for most of a second
    recipe = training.recipe_of(made)
    classes, device = network.description["classes"], training.device_for(options.gpus)
    voxels = dataset.load_split(options.voxels, "train", classes)
    fitted, validation = dataset.split_validation(voxels, recipe.validation_share, made["seed"])
    settings = [content_hash([options.parent]), dataset.data_hash(options.voxels, classes), vars(options), step]
    name = job_name(options, made["seed"])
    curve = retraining.retrain(
        training.place(network, device),
        options.retrain,
        recipe,
        options.epochs,
        options.learning_rate,
        fitted.to(device),
        validation.to(device),
        made["seed"],
        state_path(options, step),
        training.fingerprint("prune", network, device, settings),
        lambda line: print(f"{name}: {line}", flush=True),
    )
    rate = "the method's `learning_rate`" if options.retrain == "finetune" else "`training: learning_rate`"
    training.check_finite(network, name, f"lower {rate}")
    network.to("cpu")
    return curve


def parse():
    every = sorted({name for unit in criteria.CRITERIA.values() for name in unit})
    parser = argparse.ArgumentParser(prog="prune", description=__doc__)
    parser.add_argument("--parent", required=True, help="checkpoint to prune")
    parser.add_argument("--method", required=True, help="name of the recipe, written into the checkpoint")
    parser.add_argument("--unit", choices=criteria.CRITERIA, required=True)
    parser.add_argument("--criterion", choices=every, default="l1", help="default l1")
    parser.add_argument("--scope", choices=("layer", "global", "block"), default="layer", help="default layer")
    parser.add_argument("--realise", choices=("mask", "remove"), required=True)
    parser.add_argument("--grid", type=int, default=1, help="filters kept are a multiple of this (default 1)")
    parser.add_argument(
        "--budget", choices=("units", "macs", "parameters", "latency"), default="units", help="what the level is a share of"
    )
    parser.add_argument("--staircase", help="of budget latency: staircase.csv")
    parser.add_argument("--steps", type=int, default=1, help="prune in so many equal steps, each retrained (default 1)")
    kinds = "; ".join(f"{kind}: {meaning}" for kind, meaning in retraining.KINDS.items())
    parser.add_argument("--retrain", choices=retraining.KINDS, default="none", help=kinds)
    parser.add_argument("--epochs", type=int, default=0, help="of retraining, after each step")
    parser.add_argument("--learning-rate", type=float, default=0.0, help="of finetune")
    parser.add_argument("--gpus", type=int, default=1, help="0 keeps to the CPU; otherwise CUDA where torch has it")
    parser.add_argument("--level", type=int, required=True, help="percent of the budget, 0 to 100")
    parser.add_argument("--voxels", required=True, help="folder of shards; only training objects are used")
    parser.add_argument("--criterion-objects", type=int, default=256, help="objects for criteria and proof (default 256)")
    parser.add_argument("--checkpoint", required=True, help="output: .safetensors")
    parser.add_argument("--curve", required=True, help="output: .csv, one row an epoch of retraining")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
