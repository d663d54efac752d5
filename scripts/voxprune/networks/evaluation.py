"""What a network answers: predictions, votes, accuracies."""

import copy

import numpy as np
import torch

from voxprune.core.memory import enough_memory
from voxprune.voxels.dataset import batches


@torch.inference_mode()
def predict(network, voxels, batch_size=64, view=0):
    """Logits of all objects in one view, float32 (n, classes), on the CPU; leaves the network in eval mode."""
    network.eval()
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


@torch.inference_mode()
def collapsed(network):
    """Whether nothing of the input reaches the logits, so that the network answers the same to every object.

    What counts is that no path of weights that aren't zero is left: a layer that kept nothing cuts the network only where
    no shortcut leads around it. Found as by Tanaka et al. 2020 (SynFlow, arXiv 2006.05467): with absolute weights and no
    biases nothing cancels out and no ReLU closes, so a full grid is answered otherwise than an empty one where a path is.
    """
    positive = copy.deepcopy(network).double().eval()
    for name, tensor in positive.state_dict().items():
        tensor.zero_() if name.endswith(("bias", "running_mean")) else tensor.abs_()
    resolution, device = network.description["resolution"], next(network.parameters()).device
    grids = torch.zeros(2, 1, *(resolution,) * 3, dtype=torch.float64, device=device)
    grids[1] = 1
    empty, full = positive(grids)
    return torch.equal(empty, full)
