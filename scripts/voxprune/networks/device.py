"""The device that a job computes on."""

import copy

import torch
from torch.utils._pytree import tree_leaves

from voxprune.core.gpus import take_one_gpu


def device_for(gpus):
    """The device of a job that was given this many GPUs: a free one where torch has CUDA, else the CPU."""
    if gpus:
        take_one_gpu()
    return torch.device("cuda" if gpus and torch.cuda.is_available() else "cpu")


def compute_repeatably():
    """Lets torch choose algorithms that give the same bits again, where it has them."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    # It would fill all new memory too, as if we read any of it before writing: on a GPU twice as many kernels.
    torch.utils.deterministic.fill_uninitialized_memory = False


def to_device(network, device):
    """Moves a network to a device, in the memory format that is faster there (channels_last_3d on CPUs, 1.1-1.4x).

    A network whose code doesn't work in that format (`x.view(len(x), -1)` often doesn't) keeps the one it has.
    """
    network.to(device)
    return in_channels_last(network) if device.type == "cpu" and _works(network) else network


def in_channels_last(network):
    """Turns kernels of 3D convolutions to channels_last_3d, in place; all else has no such format."""
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.dim() == 5:
            tensor.data = tensor.data.contiguous(memory_format=torch.channels_last_3d)
    return network


def _works(network):
    """Whether a forward and backward pass of two objects works in channels_last_3d; changes nothing."""
    trial = in_channels_last(copy.deepcopy(network)).train()
    voxels = torch.zeros(2, 1, *(network.description["resolution"],) * 3)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        try:
            outputs = [one for one in tree_leaves(trial(voxels)) if isinstance(one, torch.Tensor)]
            sum(one.sum() for one in outputs).backward()
        except RuntimeError:
            return False
    return True
