"""Shards to batches: labels follow classes, bits follow the packed format, validation is disjoint and per class."""

import numpy as np
import psutil
import pytest
import torch

from voxprune.core.errors import InputError
from voxprune.voxels.dataset import batches, load_split, load_training, sample, split_validation, unpack
from voxprune.voxels.voxelize import pack


def write_shard(folder, split, name, grids):
    (folder / split).mkdir(parents=True, exist_ok=True)
    np.save(folder / split / f"{name}.npy", pack(grids))
    rows = ["file,vertices,triangles,occupied_voxels,status,reason"]
    rows += [f"{name}_{i}.off,8,12,1,ok," for i in range(len(grids))] + ["bad.off,0,0,0,skipped,no faces"]
    (folder / split / f"{name}.csv").write_text("\n".join(rows) + "\n")


@pytest.fixture
def grids():
    return np.random.default_rng(0).random((10, 12, 12, 12)) < 0.3


def write_views(folder, grids, views):
    """As write_shard, of both classes: view v of an object is the object moved by v cells."""
    turned = np.stack([np.roll(grids, view, axis=1) for view in range(views)], axis=1)
    for name, part in (("chair", turned[:6]), ("table", turned[6:])):
        write_shard(folder, "train", name, part[:, 0])
        np.save(folder / "train" / f"{name}.npy", pack(part.reshape(-1, 12, 12, 12)))


@pytest.fixture
def folder(tmp_path, grids):
    for split in ("train", "test"):
        write_shard(tmp_path, split, "chair", grids[:6])
        write_shard(tmp_path, split, "table", grids[6:])
    return tmp_path


def test_objects_labels_and_files_stay_together(folder, grids):
    voxels = load_split(folder, "train", ["table", "chair"])
    assert voxels.labels.tolist() == [0] * 4 + [1] * 6
    assert voxels.files[0] == "table/table_0.off" and voxels.files[-1] == "chair/chair_5.off"
    everything = unpack(voxels.packed[:], voxels.resolution)
    assert everything.shape == (10, 1, 12, 12, 12) and everything.dtype == torch.float32
    assert np.array_equal(everything[:, 0].numpy().astype(bool), np.concatenate([grids[6:], grids[:6]]))


def test_batches_cover_an_order_once(folder, grids):
    voxels = load_split(folder, "train", ["chair", "table"])
    order = torch.randperm(10)
    found = list(batches(voxels, 4, order))
    assert [len(labels) for _, labels in found] == [4, 4, 2]
    assert torch.equal(torch.cat([labels for _, labels in found]), voxels.labels[order])
    assert np.array_equal(torch.cat([inputs for inputs, _ in found])[:, 0].numpy().astype(bool), grids[order.numpy()])


def test_validation_is_disjoint_seeded_and_from_every_class(folder):
    voxels = load_split(folder, "train", ["chair", "table"])
    rest, validation = split_validation(voxels, 0.3, seed=1)
    assert sorted([*rest.files, *validation.files]) == sorted(voxels.files)
    assert validation.labels.tolist() == [0, 0, 1]
    assert split_validation(voxels, 0.3, seed=1)[1].files.tolist() == validation.files.tolist()
    assert len(split_validation(voxels, 0.0, seed=1)[1]) == 0


def test_too_few_objects_to_split(folder):
    voxels = load_split(folder, "train", ["chair", "table"]).subset(torch.tensor([0, 6]))
    with pytest.raises(InputError, match="too few objects"):
        split_validation(voxels, 0.5, seed=0)


def test_a_sample_takes_from_every_class_and_follows_its_seed(folder, grids):
    found, labels = sample(folder, ["chair", "table"], 5, seed=0)
    assert sorted(labels.tolist()) == [0, 0, 0, 1, 1] != labels.tolist()  # mixed, so that batches hold several classes
    for grid, label in zip(found[:, 0].numpy().astype(bool), labels):
        members = grids[6:] if label else grids[:6]
        assert any(np.array_equal(grid, member) for member in members)
    assert torch.equal(found, sample(folder, ["chair", "table"], 5, seed=0)[0])
    assert not torch.equal(found, sample(folder, ["chair", "table"], 5, seed=1)[0])
    assert len(sample(folder, ["chair", "table"], 100, seed=0)[1]) == 10


def test_a_sample_leaves_validation_objects_out(folder, grids):
    _, validation = split_validation(load_split(folder, "train", ["chair", "table"]), 0.3, seed=1)
    found, labels = sample(folder, ["chair", "table"], 100, seed=1, validation_share=0.3)
    kept_apart = unpack(validation.packed[:], validation.resolution)
    assert sorted(labels.tolist()) == [0] * 4 + [1] * 3
    assert not any(torch.equal(one, other) for one in found for other in kept_apart)
    write_views(folder, grids, 3)
    assert torch.equal(found, sample(folder, ["chair", "table"], 100, seed=1, validation_share=0.3)[0])


def test_a_missing_or_foreign_shard_is_named(folder):
    with pytest.raises(InputError, match="lamp.npy: no such shard"):
        load_split(folder, "train", ["chair", "lamp"])
    np.save(folder / "train/chair.npy", np.zeros((3, 4)))
    with pytest.raises(InputError, match="chair.npy: not a shard"):
        load_split(folder, "train", ["chair"])
    np.save(folder / "train/chair.npy", pack(np.zeros((7, 12, 12, 12), dtype=bool)))
    with pytest.raises(InputError, match="chair.npy: its grids aren't as many as its table names"):
        load_split(folder, "train", ["table", "chair"])


def test_every_object_is_there_in_all_its_views(folder, grids):
    write_views(folder, grids, 3)
    voxels = load_split(folder, "train", ["chair", "table"]).subset(torch.tensor([1, 8]))
    assert voxels.views == 3 and len(voxels) == 2 and voxels.labels.tolist() == [0, 1]
    for view in range(3):
        [(inputs, _)] = batches(voxels, 5, view=view)
        assert np.array_equal(inputs[:, 0].numpy().astype(bool), np.roll(grids[[1, 8]], view, axis=1))
    [(inputs, labels)] = batches(voxels, 5, torch.tensor([1, 0]), view=torch.tensor([2, 1]))  # of each, as stored
    expected = [np.roll(grids[8], 1, axis=0), np.roll(grids[1], 2, axis=0)]
    assert labels.tolist() == [1, 0] and np.array_equal(inputs[:, 0].numpy().astype(bool), expected)


def test_a_sample_is_of_the_first_views(folder, grids):
    found, _ = sample(folder, ["chair", "table"], 5, seed=0)
    write_views(folder, grids, 3)
    assert torch.equal(found, sample(folder, ["chair", "table"], 5, seed=0)[0])


def test_a_data_set_larger_than_memory_is_read_batch_by_batch(tmp_path):
    """20 GB of grids in two shards, which take no room on the disk because nothing was written."""
    count, folder = 80_000, tmp_path / "train"
    folder.mkdir()
    for name in ("a", "b"):
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint8, (count, 100, 100, 13))
        (folder / f"{name}.csv").write_text("file,status\n" + "".join(f"{number}.off,ok\n" for number in range(count)))
    before = psutil.Process().memory_info().rss
    fitted, validation = load_training(tmp_path, ["a", "b"], 0.1, 0)
    order = torch.randperm(len(fitted), generator=torch.Generator().manual_seed(0))[:64]
    for inputs, _ in batches(fitted, 32, order):
        assert inputs.shape == (32, 1, 100, 100, 100)
    assert len(fitted) + len(validation) == 2 * count and psutil.Process().memory_info().rss - before < 2**28


def test_grids_on_the_disk_are_those_of_their_shards(folder, grids):
    voxels, rows = load_split(folder, "train", ["table", "chair"]), torch.tensor([5, 0, 3, 5, 9])
    every = voxels.packed[:]
    assert every.shape[0] == len(voxels.packed) == 10
    assert torch.equal(voxels.packed[rows], every[rows]) and torch.equal(voxels.packed.only(rows)[1:3], every[rows[1:3]])
