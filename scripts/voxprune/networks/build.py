"""Networks by name, and the shapes of their layers."""

import importlib
import inspect
import os
import sys
import traceback
from pathlib import Path

import torch
from torch import nn

from voxprune.core import registry
from voxprune.core.errors import InputError, first_line
from voxprune.core.provenance import own_module_file
from voxprune.networks.empty import tolerate_empty
from voxprune.networks.layers import refit
from voxprune.settings.network import NETWORKS

TORCH = Path(torch.__file__).parent


def architecture(name):
    """What makes the network of this name: the class of a built-in one, or the class or function `package.module:name`.

    Raises InputError where there is none, and for a function that doesn't stand in a module of the user's own: a foreign
    checkpoint, which names its network, must not call just anything.
    """
    known = registry.choices(NETWORKS)
    if name in known:
        return registry.load(NETWORKS, name).Network
    module, colon, attribute = name.partition(":")
    if not colon:
        raise InputError(
            f"network {name!r} is unknown; choose one of {', '.join(known)}, or name yours package.module:Class"
        )
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        imported = importlib.import_module(module)
        found = getattr(imported, attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"network {name!r} can't be imported ({error}); its folder must lie here or on PYTHONPATH"
        ) from error
    of_modules = isinstance(found, type) and issubclass(found, nn.Module)
    if not (of_modules or (callable(found) and _is_own(imported))):
        raise InputError(
            f"network {name!r} is no torch.nn.Module; name a class made from (resolution, number of classes), or a function "
            "in a file of your own that makes a network from them"
        )
    return found


def _is_own(module):
    """Whether a module was imported from a file below this folder or one of PYTHONPATH."""
    file = getattr(module, "__file__", None)
    return file is not None and any(path.samefile(file) for path in own_module_file(module.__name__))


def build_network(name, resolution, classes):
    """A network by name, float32, initialised by its own rules from torch's random state.

    What is needed to build it again is its attribute `description`; `widths` there are the filters of each convolution.
    Raises InputError for an unknown name, a resolution that doesn't fit, and a network that doesn't take voxels of one
    channel or doesn't give logits (n, classes).
    """
    network = _made(name, architecture(name), resolution, len(classes))
    try:
        with torch.no_grad():
            output = network.eval()(torch.zeros(1, 1, *(resolution,) * 3))
    except Exception as error:  # a network's own code may raise anything
        raise InputError(f"network {name}: {_why_not(network, resolution, error)}") from error
    check_logits(name, output, 1, len(classes))
    network.description = {"network": name, "resolution": resolution, "classes": list(classes), "widths": widths(network)}
    return network


def _made(name, kind, resolution, classes):
    try:
        inspect.signature(kind).bind(resolution, classes)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"network {name}: can't be made from (resolution, number of classes) ({error}); "
            "let it take these two, a class in __init__(self, resolution, classes)"
        ) from error
    try:
        network = kind(resolution, classes)
    except Exception as error:  # a network's own code may raise anything
        raise InputError(f"network {name}: {_reason(resolution, error)}") from error
    if not isinstance(network, nn.Module):
        raise InputError(
            f"network {name}: gives a {type(network).__name__} instead of a torch.nn.Module; return the network"
        )
    return network


def _why_not(network, resolution, error):
    first = next((layer for layer in network.modules() if isinstance(layer, nn.Conv3d)), None)
    if first is not None and first.in_channels > 1 and f"to have {first.in_channels} channels" in str(error):
        return f"its first layer reads {first.in_channels} channels, but voxels have one; make it a Conv3d(1, ...)"
    return _reason(resolution, error)


def _reason(resolution, error):
    """Sizes that don't fit are a matter of the resolution; all else that a network's code may raise is to be mended there."""
    if isinstance(error, ImportError):
        return f"can't be made ({first_line(error)}); install what it needs"
    if isinstance(error, (RuntimeError, ValueError, AssertionError, ArithmeticError)):
        return f"doesn't work at resolution {resolution} ({first_line(error)}); choose another"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if TORCH not in Path(frame.filename).parents]
    place = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}"
    return f"its own code fails ({place}: {type(error).__name__}: {first_line(error)}); mend it there"


def check_logits(name, output, objects, classes, when=""):
    """Raises InputError where a network's output isn't finite logits float (objects, classes); when: said before the fact."""
    if not isinstance(output, torch.Tensor):
        fact = f"gives a {type(output).__name__} instead of one tensor of logits"
    elif output.shape != (objects, classes):
        fact = f"gives a tensor {tuple(output.shape)} for {objects} object(s) of {classes} classes"
    elif not output.isfinite().all():
        fact = "gives logits that aren't finite"
    else:
        return
    raise InputError(f"network {name}: {when}{fact}; let `forward` return finite logits (n, classes) alone")


def widths(network):
    """The number of filters of each convolution."""
    return {name: layer.out_channels for name, layer in convolutions(network).items()}


def resolution_of(network):
    """R of the grids (R, R, R) that a network takes."""
    return network.description["resolution"]


def convolutions(network):
    """The layers whose weights can be pruned, {name: Conv3d}, in the order of the network.

    A weight that is computed from others in every forward pass (weight normalisation, masks of torch.nn.utils.prune) can't be.
    """
    layers = ((name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Conv3d))
    return {name: layer for name, layer in layers if layer._parameters.get("weight") is not None}


def weighted_layers(network, layers="all"):
    """The layers whose single weights can be masked, {name: layer}: the convolutions, and with "all" the linear ones after them."""
    found = convolutions(network)
    linear = {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Linear)}
    return found | {
        name: layer for name, layer in linear.items() if layers == "all" and layer._parameters.get("weight") is not None
    }


def resize(network, tensors):
    """Gives every layer the shapes of the tensors (a state dictionary of the same network after removal)."""
    named = dict([*network.named_parameters(), *network.named_buffers()])
    refit(network, {name: tensors[name] for name in named if name in tensors and tensors[name].shape != named[name].shape})
    network.load_state_dict(tensors)
    tolerate_empty(network)
    network.description["widths"] = widths(network)
