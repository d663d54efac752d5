"""What hangs together: in networks drawn at random, removal equals zeroing what the next layer reads and what is written."""

import copy

import random_networks
import torch
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from torch import nn

from voxprune.networks.precision import in_double
from voxprune.pruning.groups import find_groups, remove
from voxprune.pruning.masks import prove_removal
from voxprune.pruning.scoring import Sample

VOXELS = (torch.rand(3, 1, *(random_networks.RESOLUTION,) * 3, generator=torch.Generator().manual_seed(0)) < 0.4).float()
STEPS = st.lists(st.tuples(st.sampled_from(random_networks.STEPS), st.integers(0, 11)), max_size=12)


@torch.no_grad()
def write_zeros(network, pruned, groups):
    """Zeroes what the pruned filters write: kernels, biases and the BatchNorms behind them."""
    for group in groups:
        for name, columns in group.members.items():
            for channels in columns:
                chosen = [channels[unit] for unit in pruned[group.root].nonzero()[:, 0].tolist()]
                for parameter in network.get_submodule(name).parameters(recurse=False):
                    parameter[chosen] = 0


@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking takes minutes
@example([("add", 1), ("depthwise", 0), ("shuffle", 4), ("add", 1)], "mean", 2)  # would add the input to one filter's output
@given(STEPS, st.sampled_from(random_networks.ENDS), st.integers(0, 9))
def test_removal_equals_zeroing_what_is_read_and_what_is_written(steps, end, seed):
    parent = random_networks.build(steps, end, seed)
    groups, generator = find_groups(parent), torch.Generator().manual_seed(seed)
    for share in (0.3, 0.7, 1.1):
        pruned = {group.root: torch.rand(group.size, generator=generator) < share for group in groups}
        removed, silent = copy.deepcopy(parent), copy.deepcopy(parent)
        remove(removed, pruned, groups)
        assert prove_removal(parent, removed, pruned, groups, Sample(VOXELS, None, 0)) < 1e-10
        write_zeros(silent, pruned, groups)
        assert torch.allclose(in_double(silent, VOXELS), in_double(removed, VOXELS), rtol=0, atol=1e-9)
        for group in groups:
            convolutions = [name for name in group.members if isinstance(parent.get_submodule(name), nn.Conv3d)]
            assert group.layer == convolutions[0] and group.filters == len(group.members[group.layer])


@given(STEPS)
@settings(max_examples=30, deadline=None)
def test_units_are_disjoint_and_finding_them_changes_nothing(steps):
    parent = random_networks.build(steps, "mean")
    before, state = copy.deepcopy(parent.state_dict()), torch.get_rng_state()
    groups = find_groups(parent)
    taken = [
        (name, channel) for group in groups for name, columns in group.members.items() for one in columns for channel in one
    ]
    assert len(taken) == len(set(taken)) and len({group.root for group in groups}) == len(groups)
    assert all(torch.equal(tensor, before[name]) for name, tensor in parent.state_dict().items()) and not parent.training
    assert torch.equal(torch.get_rng_state(), state)
