"""Distillation: a network learns from the logits of a teacher besides the labels (Hinton et al. 2015, arXiv 1503.02531)."""

from dataclasses import dataclass

import torch
from torch.nn.functional import kl_div, log_softmax


@dataclass(frozen=True)
class Teacher:
    """network: in eval mode, on the device of the student; never changed. temperature: both networks' logits are divided by
    it before they are compared. weight: the share of the loss that compares them, the rest is that of the labels.
    """

    network: torch.nn.Module
    temperature: float
    weight: float

    @torch.inference_mode()
    def logits(self, inputs):
        """The teacher's logits (n, classes) of the very inputs that the student sees: the same view, stretched and mixed alike,
        without which long trainings profit little (Beyer et al. 2022, arXiv 2106.05237)."""
        return self.network(inputs)

    def loss(self, label_loss, logits, taught):
        """The loss of a batch. label_loss: that of the labels. logits, taught: float32 (n, classes), the student's and ours."""
        return (1 - self.weight) * label_loss + self.weight * soft_loss(logits, taught, self.temperature)


def soft_loss(logits, taught, temperature):
    """T^2 x the divergence KL(softmax(taught / T) || softmax(logits / T)), mean over objects; 0 where both agree.

    T^2 keeps its gradients as large as those of the labels whatever the temperature T is.
    """
    ours, theirs = log_softmax(logits / temperature, dim=1), log_softmax(taught / temperature, dim=1)
    return temperature**2 * kl_div(ours, theirs, reduction="batchmean", log_target=True)
