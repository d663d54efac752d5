"""What a network answers: predictions, votes, accuracies."""

import copy

import numpy as np
import torch

from voxprune.core.memory import enough_memory
from voxprune.networks.precision import in_double
from voxprune.voxels.dataset import batches

GRIDS = 4  # empty, two of random cells, full
BATCH = {"cpu": 16, "cuda": 64}  # objects of a call; on a processor more no longer fit its cache and take a quarter longer


@torch.inference_mode()
def predict(network, voxels, batch_size=None, view=0):
    """Logits of all objects in one view, float32 (n, classes), on the CPU; leaves the network in eval mode."""
    network.eval()
    batch_size = batch_size or BATCH[voxels.packed.device.type]
    with enough_memory(batch_size, voxels.resolution, "lower `voxels: resolution` or take a machine with more"):
        return torch.cat([network(inputs).float().cpu() for inputs, _ in batches(voxels, batch_size, view=view)])


def vote(network, voxels, logits):
    """Logits summed over all views of each object, float32 (n, classes); logits: those of view 0.

    As in VoxNet (Maturana and Scherer, 2015), where 12 views vote.
    """
    return logits + sum(predict(network, voxels, view=view) for view in range(1, voxels.views))


def accuracies(predicted, labels, classes):
    """Accuracy, mean over classes (balanced) and per class, all in percent.

    predicted, labels: int (n,). A class without objects counts in neither the mean nor the dictionary.
    """
    correct = predicted == labels
    per_class = {
        name: 100 * float(correct[labels == label].mean()) for label, name in enumerate(classes) if (labels == label).any()
    }
    return {
        "accuracy_percent": 100 * float(correct.mean()),
        "balanced_accuracy_percent": float(np.mean(list(per_class.values()))),
        "per_class_accuracy_percent": per_class,
    }


@torch.no_grad()
def collapsed(network):
    """Whether nothing of the input reaches the logits, so that the network answers the same to every object.

    What counts is that no path of weights that aren't zero is left: a layer that kept nothing cuts the network only where
    no shortcut leads around it. Found as by Tanaka et al. 2020 (SynFlow, arXiv 2006.05467): with absolute weights and no
    biases nothing cancels out and no ReLU closes, so a full grid, or a layer that norms it away, one of random cells, is answered otherwise than an empty one where a path is.
    """
    positive = copy.deepcopy(network)
    for name, tensor in positive.state_dict().items():
        if tensor.is_floating_point():
            tensor.zero_() if name.endswith(("bias", "running_mean")) else tensor.abs_()
    resolution, device = network.description["resolution"], next(network.parameters()).device
    grids = torch.zeros(GRIDS, 1, *(resolution,) * 3)
    filled = torch.rand(grids[1:].shape, generator=torch.Generator().manual_seed(0))
    grids[1:] = (filled < torch.linspace(0.1, 1, GRIDS - 1).view(-1, 1, 1, 1, 1)).float()  # the last one is full
    answers = in_double(positive, grids.to(device))
    return all(torch.equal(answers[0], answer) for answer in answers[1:])
