"""The command that prunes: what it refuses in one sentence, and what it never saves."""

import prune
import pytest
import torch
import train

from voxprune.core.command import run_command
from voxprune.pruning.scoring import criterion
from voxprune.voxels.dataset import load_split, split_validation, unpack


@pytest.fixture(scope="module")
def parent(voxels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parent")
    arguments = ["--voxels", voxels, "--classes", "chair", "table", "--epochs", 1, "--batch-size", 8, "--learning-rate", 0.01,
                 "--validation-share", 0.2, "--gpus", 0, "--checkpoint", folder / "p", "--curve", folder / "c.csv"]  # fmt: skip
    run_command(train.main, train.parse(), list(map(str, arguments)))
    return folder / "p"


@pytest.fixture
def run(voxels, parent, tmp_path):
    """Runs the command with the options given; returns the checkpoint's path."""

    def run(**options):
        every = {"parent": parent, "method": "m", "unit": "filter", "criterion": "l1", "scope": "layer", "apply": "remove", "level": 50, "voxels": voxels, "gpus": 0,
                 "checkpoint": tmp_path / "pruned", "curve": tmp_path / "curve.csv", **options}  # fmt: skip
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in every.items()]
        run_command(prune.main, prune.parse(), arguments)
        return tmp_path / "pruned"

    return run


def test_a_diverged_retraining_is_not_saved(run, tmp_path):
    with pytest.raises(SystemExit, match="prune: m 50 seed 0: training diverged .*; lower the method's `learning_rate`$"):
        run(retrain="finetune", epochs=1, learning_rate=1e30)
    assert not (tmp_path / "pruned").exists()


@pytest.mark.parametrize("level", [-10, 101, 150])
def test_a_level_is_a_share(run, level):
    with pytest.raises(SystemExit, match=f"prune: level {level} is no share of a network; choose one from 0 to 100 percent"):
        run(level=level)


def test_what_only_the_job_can_refuse_names_the_recipe(run):
    with pytest.raises(
        SystemExit, match="prune: m 50 seed 0: layer conv1: a channel multiple of 17 takes nothing .*; choose a smaller$"
    ):
        run(channel_multiple=17)
    with pytest.raises(
        SystemExit, match="prune: m 50 seed 0: criterion bn_scale: layer conv1 has no BatchNorm .*; choose another"
    ):
        run(criterion="bn_scale")


def test_criteria_see_no_validation_object(run, voxels, monkeypatch):
    """Every one of the others is asked for, and taken."""
    seen, taylor = [], criterion("filter", "taylor")

    def noted(network, groups, sample):
        seen.append(sample.voxels)
        return taylor(network, groups, sample)

    monkeypatch.setattr("voxprune.pruning.criteria.filter.taylor.score", noted)
    run(criterion="taylor")
    fitted, validation = split_validation(load_split(voxels, "train", ["chair", "table"]), 0.2, seed=0)
    assert torch.equal(seen[0], unpack(fitted.packed, 8)) and len(validation) == 8
