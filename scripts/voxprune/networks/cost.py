"""What a network costs on paper: parameters, MACs, bytes."""

from pathlib import Path

import torch
import zstandard
from torch.nn.modules.conv import _ConvNd
from torch.utils import flop_counter
from torch.utils._pytree import tree_leaves

from voxprune.networks.build import convolutions
from voxprune.networks.dispatch import Watcher
from voxprune.networks.empty import is_standing_in


class _Counter(Watcher):
    """Adds up the MACs of every operation, by the layer that runs it."""

    def __init__(self):
        super().__init__()
        self.running, self.found = [""], {}

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        output = operation(*args, **(kwargs or {}))
        formula = flop_counter.flop_registry.get(operation.overloadpacket)
        if formula and not is_standing_in():
            layer = self.running[-1]
            self.found[layer] = self.found.get(layer, 0) + formula(*args, **(kwargs or {}), out_val=output) // 2
        return output


@torch.no_grad()
def macs_by_layer(network):
    """Multiply-accumulates for one object: {layer: MACs}, "" for what `forward` itself does outside its layers.

    By torch's own formulas (torch.utils.flop_counter counts 2 FLOPs a MAC), applied to the operations that really run:
    FlopCounterMode gives the same, but loads torch's compiler first, two seconds a job. Pooling, activations and
    normalisation count nothing, zeros count fully.
    """
    counter, hooks = _Counter(), []
    for name, layer in network.named_modules():
        if isinstance(layer, (_ConvNd, torch.nn.Linear)):
            counter.found[name] = 0
        hooks.append(layer.register_forward_pre_hook(lambda *_, name=name: counter.running.append(name)))
        hooks.append(layer.register_forward_hook(lambda *_: counter.running.pop() and None, always_call=True))
    resolution, device = network.description["resolution"], next(network.parameters()).device
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # attention in one operation, for which torch has no formula
    try:
        with counter:
            network.eval()(torch.zeros(1, 1, *(resolution,) * 3, device=device))
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for hook in hooks:
            hook.remove()
    return counter.found


@torch.inference_mode()
def activation_bytes(network):
    """The most that a layer holds at once of one object: its input and its output, in float32 bytes.

    A lower bound of what running the network takes besides its parameters; engines differ in how near they come to it.
    """
    found, hooks = [0], []

    def note(layer, inputs, output):
        tensors = [one for one in tree_leaves((inputs, output)) if isinstance(one, torch.Tensor)]
        found.append(4 * sum(tensor.numel() for tensor in tensors))

    for layer in network.modules():
        if not list(layer.children()):
            hooks.append(layer.register_forward_hook(note))
    resolution, device = network.description["resolution"], next(network.parameters()).device
    network.eval()(torch.zeros(1, 1, *(resolution,) * 3, device=device))
    for hook in hooks:
        hook.remove()
    return max(found)


def network_cost(network):
    """What a network costs on paper.

    parameters, nonzero_parameters, macs, effective_macs (zero weights left out: theoretical), widths {layer: filters};
    of the convolutions alone: weights (not zero) and filters (not wholly zero).
    """
    macs, layers = macs_by_layer(network), dict(network.named_modules())
    kernels = [layer.weight for layer in convolutions(network).values()]
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "nonzero_parameters": sum(int(parameter.count_nonzero()) for parameter in network.parameters()),
        "macs": sum(macs.values()),
        "effective_macs": round(sum(count * _density(layers[name]) for name, count in macs.items())),
        "widths": dict(network.description["widths"]),
        "weights": sum(int(kernel.count_nonzero()) for kernel in kernels),
        "filters": sum(int(kernel.flatten(1).any(dim=1).sum()) for kernel in kernels),
    }


def training_macs(network, objects, epochs, teacher=None):
    """Multiply-accumulates of a training: 3 x those of one forward pass x objects x epochs, and a forward pass of its teacher.

    The backward pass counts twice the forward pass, once for the gradients of activations and once for those of weights.
    Validation, augmentation and optimiser count nothing.
    """
    own, teachers = (sum(macs_by_layer(one).values()) if one else 0 for one in (network, teacher))
    return (3 * own + teachers) * objects * epochs


def _density(layer):
    weight = getattr(layer, "weight", None)
    if not isinstance(weight, torch.Tensor):
        return 1
    return int(weight.count_nonzero()) / max(1, weight.numel())


def removed_percent(parent, child):
    """What pruning took, in percent of what the parent has; both as from `network_cost`. Weights and filters count when zero."""
    return {
        name: 100 * (1 - child[name] / parent[name]) if parent[name] else 0.0
        for name in ("weights", "filters", "macs", "parameters")
    }


def stored_bytes(checkpoint):
    """Bytes of a checkpoint as it lies on disk, and compressed by zstd at its default level."""
    content = Path(checkpoint).read_bytes()
    return {"checkpoint_bytes": len(content), "compressed_bytes": len(zstandard.compress(content))}
