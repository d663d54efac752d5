"""What a network costs on paper: parameters, MACs, bytes."""

from functools import partial
from pathlib import Path

import torch
import zstandard
from torch.utils import flop_counter

from voxprune.networks.build import convolutions


@torch.inference_mode()
def macs_by_layer(network):
    """Multiply-accumulates of convolutions and linear layers for one object: {layer: MACs}.

    By torch's own formulas (torch.utils.flop_counter counts 2 FLOPs a MAC), applied to the shapes that pass through
    each layer: FlopCounterMode gives the same, but loads torch's compiler first, a second a job. Pooling, activations
    and normalisation count nothing, zeros count fully.
    """
    found, hooks = {}, []
    for name, layer in network.named_modules():
        if isinstance(layer, (torch.nn.modules.conv._ConvNd, torch.nn.Linear)):
            found[name] = 0
            hooks.append(layer.register_forward_hook(partial(_count_macs, found, name)))
    resolution, device = network.description["resolution"], next(network.parameters()).device
    network.eval()(torch.zeros(1, 1, *(resolution,) * 3, device=device))
    for hook in hooks:
        hook.remove()
    return found


@torch.inference_mode()
def activation_bytes(network):
    """The most that a layer holds at once of one object: its input and its output, in float32 bytes.

    A lower bound of what running the network takes besides its parameters; engines differ in how near they come to it.
    """
    found, hooks = [0], []

    def note(layer, inputs, output):
        found.append(4 * (sum(tensor.numel() for tensor in inputs) + output.numel()))

    for layer in network.modules():
        if not list(layer.children()):
            hooks.append(layer.register_forward_hook(note))
    resolution, device = network.description["resolution"], next(network.parameters()).device
    network.eval()(torch.zeros(1, 1, *(resolution,) * 3, device=device))
    for hook in hooks:
        hook.remove()
    return max(found)


def _count_macs(found, name, layer, inputs, output):
    if isinstance(layer, torch.nn.Linear):
        flops = flop_counter.mm_flop(inputs[0].flatten(0, -2).shape, layer.weight.T.shape)
    else:
        flops = flop_counter.conv_flop_count(inputs[0].shape, layer.weight.shape, output.shape)
    found[name] += flops // 2


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
        "effective_macs": round(sum(count * _density(layers[name].weight) for name, count in macs.items())),
        "widths": dict(network.description["widths"]),
        "weights": sum(int(kernel.count_nonzero()) for kernel in kernels),
        "filters": sum(int(kernel.flatten(1).any(dim=1).sum()) for kernel in kernels),
    }


def _density(weight):
    return int(weight.count_nonzero()) / max(1, weight.numel())


def removed_percent(parent, child):
    """What pruning took, in percent of what the parent has; both as from `network_cost`. Weights and filters count when zero."""
    return {name: 100 * (1 - child[name] / parent[name]) for name in ("weights", "filters", "macs", "parameters")}


def stored_bytes(checkpoint):
    """Bytes of a checkpoint as it lies on disk, and compressed by zstd at its default level."""
    content = Path(checkpoint).read_bytes()
    return {"checkpoint_bytes": len(content), "compressed_bytes": len(zstandard.compress(content))}
