"""Prunes a parent by one method to each of some levels, proves what was removed, and retrains where the method says so."""

import argparse
import csv
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import msgspec
import torch

from voxprune.core.command import add_gpus_option, run_command
from voxprune.core.errors import InputError
from voxprune.core.files import content_hash, write_csv
from voxprune.core.memory import enough_memory
from voxprune.core.provenance import code_hash
from voxprune.networks import evaluation
from voxprune.networks.build import widths
from voxprune.networks.checkpoint import load_checkpoint, save_checkpoint
from voxprune.networks.cost import training_macs
from voxprune.networks.device import compute_repeatably, device_for, to_device
from voxprune.pruning.choose import unit_sizes
from voxprune.pruning.prune import prune
from voxprune.pruning.scoring import add_sample_option, load_sample
from voxprune.settings.files import method_files, network_files
from voxprune.settings.method import Method, criteria
from voxprune.settings.options import add_options, from_options
from voxprune.training import fit
from voxprune.training.distillation import Teacher
from voxprune.training.job import continued
from voxprune.training.retrain import retrain

MEASURE_AGAIN = "run `snakemake --forcerun measure_staircase measure_staircase_of_method` on a quiet machine"


def main(options):
    check(options)
    method = from_options(Method, options)
    network, origin = load_checkpoint(options.parent)
    check_method(method, origin, options)
    check_parent(options.parent, origin, method)
    resolution = network.description["resolution"]
    enough = partial(
        enough_memory, options.criterion_objects, resolution, "lower `criterion_objects` or `voxels: resolution`"
    )
    with enough():
        sample = load_sample(options.voxels, network, origin, options.criterion_objects)
    for level, checkpoint, curve in zip(options.levels, options.checkpoints, options.curves):
        shared = {key: value for key, value in vars(options).items() if key not in ("levels", "checkpoints", "curves")}
        prune_to_level(SimpleNamespace(**shared, level=level, checkpoint=checkpoint, curve=curve), method, sample, enough)


def prune_to_level(options, method, sample, enough):
    """Writes the checkpoint and the learning curve of one level. enough: a context that tells in a sentence of missing memory."""
    network, origin = load_checkpoint(options.parent)
    teacher, teacher_origin = load_teacher(options, method, network)
    torch.manual_seed(origin.seed)
    staircase = read_staircase(options.staircase) if options.staircase else None
    full, differences, curve, macs = unit_sizes(network, method), [], [], 0
    for step in range(1, method.steps + 1):
        level = options.level * step / method.steps
        try:
            with enough():
                network, difference = prune(network, method, level, sample, full, staircase)
        except InputError as error:
            raise InputError(f"{job_name(options, origin.seed)}: {error}") from error
        differences.append(difference)
        print(f"{level:g} %: filters left {widths(network)}, difference to the masked network {difference}", flush=True)
        if method.retrain != "none" and not evaluation.collapsed(network):
            rows, macs_of_step = retrain_step(network, teacher, method, origin, options, step)
            curve, macs = curve + [{"step": step, **row} for row in rows], macs + macs_of_step
    pruned = msgspec.structs.replace(
        origin, method=options.method, level_percent=options.level, pruning=method, finetune_epochs=len(curve),
        **spent(origin, teacher_origin, method, len(curve), macs),
        equality_max_abs_difference=max(differences) if method.apply == "remove" else None,
    )  # fmt: skip
    save_checkpoint(network, options.checkpoint, pruned)
    write_csv(options.curve, curve, ("step", *fit.CURVE))
    for step in range(1, method.steps + 1):
        state_path(options, step).unlink(missing_ok=True)


def check(options):
    """Raises InputError for what the options alone show to be wrong."""
    known = criteria(options.unit)
    if options.criterion not in known:
        raise InputError(f"criterion {options.criterion!r} doesn't rank {options.unit}s; choose one of {', '.join(known)}")
    for level in options.levels:
        if not 0 <= level <= 100:
            raise InputError(f"level {level} is no share of a network; choose one from 0 to 100 percent")
    if not len(options.levels) == len(options.checkpoints) == len(options.curves):
        raise InputError("give as many --checkpoints and --curves as --levels")


def check_method(method, origin, options):
    """Raises InputError for settings of the method that contradict each other, as the check of a config does."""
    # Without the network, because what that can't is found where it is pruned.
    config = SimpleNamespace(network="", levels=options.levels, training=origin.recipe)
    wrong = next(method.contradictions(config), None)
    if wrong is not None:
        raise InputError(f"{options.method}{wrong}")


def check_parent(path, origin, method):
    """Raises InputError where the parent wasn't trained for as long as the method says."""
    epochs, whole = method.epochs_before(origin.recipe.epochs), origin.recipe.epochs
    if origin.total_epochs != epochs:
        remedy = "train.py writes without --stop-after" if epochs == whole else f"train.py writes with --stop-after {epochs}"
        raise InputError(
            f"{path}: trained for {origin.total_epochs} epochs, but the method prunes after {epochs}; give the checkpoint "
            f"that {'sparsify.py writes' if method.sparsify else remedy}"
        )


def job_name(options, seed):
    """What its messages call a pruning job."""
    return f"{options.method} {options.level} seed {seed}"


def state_path(options, step):
    """Where retraining after a step is resumed from; kept until the checkpoint is written, so that no step is done twice."""
    return Path(f"{options.checkpoint}.step{step}.resume")


def load_teacher(options, method, network):
    """(network, its origin) of whom a method learns from, (None, None) without distillation. network: the parent."""
    if method.distil is None:
        return None, None
    path = options.teacher or options.parent
    teacher, origin = load_checkpoint(path)
    if any(teacher.description[key] != network.description[key] for key in ("classes", "resolution")):
        raise InputError(f"{path}: a teacher of other classes or resolution than {options.parent}; give one of the same")
    return teacher, origin


def spent(parent, teacher, method, epochs, macs):
    """The epochs and MACs that trained a network, as fields of its origin; its parent's count where it keeps their weights.

    parent, teacher: their origins, None without a teacher. epochs, macs: of retraining.
    """
    before = (0, 0) if method.starts_anew else (parent.total_epochs, parent.training_macs)
    shared = 0 if method.starts_anew else method.parent_epochs(parent.recipe.epochs)
    besides = teacher.total_epochs - shared if teacher and epochs else 0
    return {
        "total_epochs": before[0] + epochs,
        "training_macs": before[1] + macs,
        "retraining_macs": macs,
        "teacher_epochs": besides,
    }


def read_staircase(path):
    """{level of units: latency in ms} of the first engine in the table."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    if "INVALID" in rows[0]["note"]:
        print(f"warning: {path}: the machine wasn't steady, so a level may miss its latency; {MEASURE_AGAIN}", flush=True)
    return {int(row["level_percent"]): float(row["latency_ms"]) for row in rows if row["engine"] == rows[0]["engine"]}


def retrain_step(network, teacher, method, origin, options, step):
    """Retrains in place; returns the learning curve and the MACs that it took."""
    compute_repeatably()  # here, because it loads for most of a second
    device, name = device_for(options.gpus), job_name(options, origin.seed)
    files = [*network_files(network.description["network"]), *method_files(method.unit, method.criterion, method.retrain)]
    settings = [content_hash([options.parent, *filter(None, [options.teacher])]), vars(options), step]
    job = continued(
        to_device(network, device), origin, options.voxels, state_path(options, step), code_hash("prune", *files), settings,
        report=lambda line: print(f"{name}: {line}", flush=True),
        teacher=teacher and Teacher(to_device(teacher, device).eval(), method.temperature, method.distil),
    )  # fmt: skip
    curve = retrain(network, method, origin.recipe, job)
    rate = "the method's `learning_rate`" if method.learning_rate else "`training: learning_rate`"
    fit.check_finite(network, name, f"lower {rate}")
    return curve, training_macs(network.to("cpu"), len(job.voxels), len(curve), teacher and teacher.to("cpu"))


def parse():
    parser = argparse.ArgumentParser(prog="prune", description=__doc__)
    parser.add_argument("--parent", required=True, help="checkpoint to prune")
    parser.add_argument("--method", required=True, help="name of the method, written into the checkpoint")
    parser.add_argument("--levels", type=int, nargs="+", required=True, help="percent of the budget, each from 0 to 100")
    add_options(parser, Method)
    parser.add_argument("--teacher", help="of distil: the checkpoint whose logits are learnt (default: the parent)")
    parser.add_argument("--staircase", help="of budget latency: staircase.csv")
    parser.add_argument("--voxels", required=True, help="folder of shards; only training objects are used")
    add_sample_option(parser)
    add_gpus_option(parser)
    parser.add_argument("--checkpoints", nargs="+", required=True, help="outputs, one a level: .safetensors")
    parser.add_argument(
        "--curves", nargs="+", required=True, help="outputs, one a level: .csv, one row an epoch of retraining"
    )
    return parser


if __name__ == "__main__":
    run_command(main, parse())
