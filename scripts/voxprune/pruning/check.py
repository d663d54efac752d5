"""One check of a network before any job: all that pruning will do to it, once, in a second or two."""

import copy
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from voxprune.core.errors import InputError, first_line
from voxprune.networks.build import build_network, check_logits, convolutions, resolution_of
from voxprune.networks.checkpoint import load_checkpoint, save_checkpoint
from voxprune.networks.origin import Origin
from voxprune.pruning.extent import extent
from voxprune.pruning.groups import find_groups
from voxprune.pruning.prune import choose_units, prune
from voxprune.pruning.scoring import Sample
from voxprune.settings.method import Method
from voxprune.settings.training import Recipe
from voxprune.settings.voxels import Grid

OBJECTS = 3
TRIAL = Method("filter", "l1", "layer", "remove")


def check_network(
    name: str,
    resolution: int,
    classes: list[str],
    trials: Iterable[tuple[Method, int]] = (),
) -> str:
    """Builds a network, trains it for one step, finds what can be pruned, removes half of it with the proof, saves and
    loads it, and trains it for one more step. Returns the sentence of `extent`.

    classes: their names. trials: what else pruning must be able to choose, see `settings.method.trials`. Leaves torch's random
    state as it was. Raises InputError with the layer and the reason where anything of this fails.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network(name, resolution, classes)
        _check_copies(name, network)
        if not any(isinstance(layer, nn.Conv3d) for layer in network.modules()):
            raise InputError(f"network {name}: has no Conv3d, so there is nothing to prune; choose another network")
        voxels = (torch.rand(OBJECTS, 1, *(resolution,) * 3) < 0.3).float()
        sample = Sample(voxels, torch.arange(OBJECTS) % len(classes), seed=0)
        _check_step(name, copy.deepcopy(network), sample, "")
        groups = _stage(name, network, "looking for filters that can be removed", lambda: find_groups(network))
        if not groups and not convolutions(network):
            raise InputError(f"network {name}: {extent(network)}; there is nothing to prune, choose another network")
        if groups:
            _check_removal(name, network, sample)
        for trial in trials:
            choose = partial(choose_units, network, *trial, sample, groups)
            _stage(name, network, "choosing what to prune", choose)
        return extent(network)


def _check_copies(name, network):
    """Weights that a hook computes (torch.nn.utils.prune, the old weight_norm) can't be copied, so nothing can be pruned."""
    for where, layer in network.named_modules():
        if any(isinstance(one, torch.Tensor) and one.grad_fn is not None for one in vars(layer).values()) or (
            any(f"{key}_orig" in layer._parameters or f"{key}_g" in layer._parameters for key in ("weight", "bias"))
        ):
            raise InputError(
                f"network {name}: the weight of layer {where} is computed by a hook and can't be copied; make it a plain "
                "weight (torch.nn.utils.prune.remove) or a parametrization (torch.nn.utils.parametrizations)"
            )


def _check_step(name, network, sample, when):
    """One forward and backward pass in training, and evaluation of one object and of several."""

    def step():
        output = network.train()(sample.voxels)
        check_logits(name, output, OBJECTS, len(network.description["classes"]), f"{when}while training ")
        cross_entropy(output, sample.labels).backward()

    _stage(name, network, f"a training step {when}".strip(), step)
    for count in (1, OBJECTS):
        with torch.no_grad():
            output = _stage(
                name, network, f"evaluation {when}".strip(), lambda voxels=sample.voxels[:count]: network.eval()(voxels)
            )
        check_logits(name, output, count, len(network.description["classes"]), when)


def _check_removal(name, network, sample):
    removed = _stage(name, network, "removing half of its filters", lambda: prune(network, TRIAL, 50, sample)[0]).eval()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.safetensors"
        origin = Origin(
            0,
            Recipe(),
            Grid(resolution=resolution_of(network)),
            data_hash="",
            total_epochs=1,
            training_macs=0,
            pruning=TRIAL,
        )
        _stage(name, removed, "saving it", lambda: save_checkpoint(removed, path, origin))
        again, _ = _stage(name, removed, "loading it", lambda: load_checkpoint(path))
    with torch.no_grad():
        if not torch.equal(again(sample.voxels), removed(sample.voxels)):
            raise InputError(f"network {name}: answers otherwise when loaded from its checkpoint; keep its state in buffers")
    _check_step(name, removed, sample, "without half of its filters ")


def _stage(name, network, doing, work):
    """What `work` gives; anything it raises becomes a sentence with the layer that was running."""
    running, hooks = ["forward"], []
    for where, layer in network.named_modules():
        hooks.append(layer.register_forward_pre_hook(lambda *_, where=where: running.append(where or "forward")))
        hooks.append(layer.register_forward_hook(lambda *_: running.pop() and None))
    try:
        return work()
    except InputError as error:
        raise error if str(error).startswith("network") else InputError(f"network {name}: {error}") from error
    except Exception as error:  # a network's own code may raise anything
        raise InputError(
            f"network {name}: {doing} fails in layer {running[-1]} ({first_line(error)}); mend it there"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
