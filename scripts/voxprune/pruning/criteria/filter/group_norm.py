"""Root mean square of all parameters that removing the filter takes, what reads it among them: the norm that `sparsify` penalises
(Fang et al. 2023, arXiv 2301.12900)."""

import torch
from torch import nn

from voxprune.pruning.groups import Group
from voxprune.pruning.scoring import Sample
from voxprune.pruning.sparsity import unit_rms


def score(network: nn.Module, groups: list[Group], sample: Sample) -> dict[str, torch.Tensor]:
    return {group.root: unit_rms(network, group) for group in groups}
