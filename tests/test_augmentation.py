"""Augmentation: flips and shifts are exact, turns go about the up axis, the generator decides."""

import numpy as np
import pytest
import torch

from voxprune.settings.training import Augmentation
from voxprune.voxels.augmentation import augment, mix


@pytest.fixture
def voxels():
    return (torch.rand(8, 1, 9, 9, 9, generator=torch.Generator().manual_seed(0)) < 0.3).float()


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_nothing_asked_nothing_done(voxels):
    assert augment(voxels, Augmentation(0, 0, 0, 0), seeded()) is voxels


def test_flips_are_exact_and_leave_up_alone(voxels):
    assert torch.equal(augment(voxels, Augmentation(0, 1.0, 0, 0), seeded()), voxels.flip(2, 3))


@pytest.mark.parametrize("seed", range(5))
def test_shifts_are_whole_cells_with_empty_ones_behind(voxels, seed):
    found = augment(voxels, Augmentation(0, 0, 0, 2), seeded(seed))
    padded = torch.nn.functional.pad(voxels, (2,) * 6)
    for one, moved in zip(padded[:, 0], found[:, 0]):
        windows = one.unfold(0, 9, 1).unfold(1, 9, 1).unfold(2, 9, 1).reshape(-1, 9, 9, 9)
        assert any(torch.equal(window, moved) for window in windows)


def test_a_turn_keeps_layers_and_the_axis():
    column = torch.zeros(4, 1, 9, 9, 9)
    column[:, :, 4, 4, 2:6] = 1
    assert torch.equal(augment(column, Augmentation(180, 0, 0, 0), seeded()), column)
    layer = torch.zeros(4, 1, 9, 9, 9)
    layer[:, :, 2:7, 2:5, 3] = 1
    turned = augment(layer, Augmentation(180, 0, 0, 0), seeded())
    assert turned[..., 3].sum() == turned.sum() > 0 and not torch.equal(turned, layer)


def test_a_turn_is_a_rotation(monkeypatch):
    monkeypatch.setattr(torch, "rand", lambda *size, generator: torch.ones(*size))
    voxels = (np.random.default_rng(0).random((1, 1, 8, 8, 8)) < 0.3).astype(np.float32)
    turned = augment(torch.from_numpy(voxels), Augmentation(90, 0, 0, 0), seeded())[0, 0].numpy()
    assert np.array_equal(turned, np.rot90(voxels[0, 0], 1)) or np.array_equal(turned, np.rot90(voxels[0, 0], -1))


def test_the_generator_decides(voxels):
    every = Augmentation(45, 0.5, 10, 1)
    assert torch.equal(augment(voxels, every, seeded(1)), augment(voxels, every, seeded(1)))
    assert not torch.equal(augment(voxels, every, seeded(1)), augment(voxels, every, seeded(2)))


def test_a_stretch_is_about_the_centre_and_on_each_axis_by_itself():
    cube = torch.zeros(64, 1, 20, 20, 20)
    cube[:, :, 5:15, 5:15, 5:15] = 1
    found = augment(cube, Augmentation(0, 0, 30, 0), seeded())[:, 0]
    sides = torch.stack([found.amax(dim=axes).sum(dim=1) for axes in ((2, 3), (1, 3), (1, 2))], dim=1)
    assert sides.min() >= 7 and sides.max() <= 13 and len(sides.unique(dim=0)) > 16
    assert torch.equal(found, found.flip(1, 2, 3))


def test_objects_and_labels_are_mixed_with_the_same_share(voxels):
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    mixed, targets = mix(voxels, labels, 3, 0.2, seeded())
    again, _ = mix(voxels, labels, 3, 0.2, seeded())
    assert torch.equal(mixed, again) and mixed.shape == voxels.shape
    assert torch.allclose(targets.sum(dim=1), torch.ones(8))
    plain = torch.nn.functional.one_hot(labels, 3).float()
    for number in range(8):  # one other object explains both the mixture and its target
        shares = [
            (share, other) for other in range(8) for share in mixed.unique() if 0 <= share <= 1
            if torch.allclose(share * voxels[number] + (1 - share) * voxels[other], mixed[number], atol=1e-6)
        ]  # fmt: skip
        assert any(
            torch.allclose(share * plain[number] + (1 - share) * plain[other], targets[number], atol=1e-6)
            for share, other in shares
        )


def test_mixing_everything_with_itself_changes_nothing(voxels):
    mixed, targets = mix(voxels[:1], torch.tensor([1]), 3, 0.2, seeded())
    assert torch.equal(mixed, voxels[:1]) and targets.tolist() == [[0, 1, 0]]
