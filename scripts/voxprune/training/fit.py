"""Fitting a network to voxels: repeatable from its seed, resumable after any interruption."""

import copy
import math
import time

import torch
from torch.optim.swa_utils import AveragedModel

from voxprune.core.errors import InputError, first_line
from voxprune.core.memory import enough_memory
from voxprune.networks.device import to_device
from voxprune.networks.evaluation import predict
from voxprune.training.progress import Progress
from voxprune.training.step import optimiser_of, training_step
from voxprune.voxels.augmentation import augment, mix
from voxprune.voxels.dataset import batches

CURVE = ("epoch", "learning_rate", "train_loss", "validation_accuracy_percent", "seconds")  # columns of a learning curve
WARM_UP = 0.3  # share of the steps in which onecycle's learning rate rises


def fit(network, recipe, job, first_epoch=0, stop_after=None, after_step=None):
    """Trains a network in place, with a fresh optimiser, and leaves it in eval mode; where the job has a teacher, from that too.

    With a validation set the weights of its best epoch are kept (the first of equals), else those of the last; with an
    average_decay it is the averaged weights that are judged and kept.
    After each epoch a state is saved at `job.state_path`, which a later call with the same fingerprint goes on from; it
    stays, for whoever saves the network to remove then. On one CPU thread count the result is the same to the bit,
    interrupted or not.
    first_epoch: begin the schedule there (learning-rate rewinding). stop_after: end the schedule after this epoch, with the
    weights as they are then, neither averaged nor chosen by validation: a point to go on from. after_step: called
    with the learning rate of each step after it (keeps masks, pushes units to zero).
    Returns the learning curve: one row of CURVE an epoch, also those before an interruption;
    train_loss is the mean over the epoch's samples, validation_accuracy_percent None without a validation set.
    """
    voxels = job.voxels
    to_device(network, voxels.packed.device)
    optimiser, average = optimiser_of(network, recipe), _averaged(network, recipe)
    judged = average.module if average else network
    progress = Progress(network, average, optimiser, torch.Generator().manual_seed(job.seed), job)
    progress.resume(job.report)
    step = training_step(network, optimiser, recipe, job)
    steps = math.ceil(len(voxels) / recipe.batch_size)
    _check_last_batch(network, voxels, recipe.batch_size)
    for epoch in range(first_epoch + len(progress.curve), stop_after or recipe.epochs):
        started = time.monotonic()
        rates = [_learning_rate(recipe, epoch * steps + step, recipe.epochs * steps) for step in range(steps)]
        with enough_memory(recipe.batch_size, voxels.resolution, "lower `training: batch_size` or `voxels: resolution`"):
            loss = _train_epoch(network, average, step, job, recipe, progress.generator, rates, after_step)
        accuracy = accuracy_percent(judged, job.validation) if len(job.validation) else None
        progress.add(
            {
                "epoch": epoch + 1,
                "learning_rate": rates[0],
                "train_loss": loss,
                "validation_accuracy_percent": accuracy,
                "seconds": time.monotonic() - started,
            }
        )
        job.report(_epoch_line(progress.curve, recipe.epochs))
    if stop_after is None:
        network.load_state_dict(progress.best)
    network.eval()
    return progress.curve


def check_finite(network, name, remedy):
    """Raises InputError where a training has diverged, so that no such network is ever saved."""
    if not all(torch.isfinite(tensor).all() for tensor in network.state_dict().values()):
        raise InputError(f"{name}: training diverged (weights not finite); {remedy}")


@torch.no_grad()
def _check_last_batch(network, voxels, batch_size):
    """Raises InputError where an epoch would end with a single object that the network can't be trained on.

    BatchNorm needs more than one value a channel, and after the last pooling an object may have just one.
    """
    if len(voxels) % batch_size != 1 and batch_size > 1:
        return
    with torch.random.fork_rng():  # a trial: dropout mustn't draw from what training draws from
        try:
            copy.deepcopy(network).train()(next(batches(voxels, 1))[0])
        except ValueError as error:
            raise InputError(
                f"{len(voxels)} objects in batches of {batch_size} leave one object alone, which this network can't be trained "
                f"on ({first_line(error)}); choose another `training: batch_size`"
            ) from error


def _train_epoch(network, average, step, job, recipe, generator, rates, after_step=None):
    network.train()
    voxels, classes = job.voxels, len(network.description["classes"])
    order = torch.randperm(len(voxels), generator=generator)
    view = torch.randint(voxels.views, (len(voxels),), generator=generator) if voxels.views > 1 else 0
    total = torch.zeros((), device=voxels.packed.device)
    for rate, (inputs, labels) in zip(rates, batches(voxels, recipe.batch_size, order, view)):
        count = len(labels)
        inputs = augment(inputs, recipe.augmentation, generator)
        if recipe.augmentation.mixup_alpha:
            inputs, labels = mix(inputs, labels, classes, recipe.augmentation.mixup_alpha, generator)
        total += step(rate, inputs, labels) * count
        if after_step:
            after_step(rate)
        if average:
            average.update_parameters(network)
    return float(total) / len(voxels)


def _averaged(network, recipe):
    """The exponential moving average of weights and BatchNorm statistics over steps, None where the recipe wants none.

    In the first steps it forgets faster, by at most (1 + n) / (10 + n) after n steps, so that short trainings profit too.
    """
    if not recipe.average_decay:
        return None

    def average(averaged, current, _):
        count = int(model.n_averaged)  # on the CPU, where reading it waits for no step of a GPU
        decay = min(recipe.average_decay, (1 + count) / (10 + count))
        torch._foreach_copy_(
            averaged, torch._foreach_lerp(current, averaged, decay) if averaged[0].is_floating_point() else current
        )

    model = AveragedModel(network, multi_avg_fn=average, use_buffers=True)
    return model


def _learning_rate(recipe, step, steps):
    if recipe.schedule == "constant":
        return recipe.learning_rate
    rise = WARM_UP * steps if recipe.schedule == "onecycle" else 0
    if step < rise:
        return recipe.learning_rate * (0.04 + 0.96 * step / rise)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / (steps - rise)))


def accuracy_percent(network, voxels):
    logits = predict(network, voxels)
    return 100 * float((logits.argmax(dim=1) == voxels.labels.cpu()).double().mean())


def _epoch_line(curve, epochs):
    last = curve[-1]
    left = epochs - last["epoch"]
    accuracy = last["validation_accuracy_percent"]
    validation = "" if accuracy is None else f", validation {accuracy:.1f} %"
    eta = left * sum(row["seconds"] for row in curve) / len(curve)
    return f"epoch {last['epoch']}/{epochs}: loss {last['train_loss']:.4f}{validation}, ETA {eta:.0f} s"
