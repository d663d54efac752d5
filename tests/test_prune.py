"""The command that prunes: what it refuses in one sentence, and what it never saves."""

import json
from pathlib import Path

import prune
import pytest
import torch
import train

import nets
from voxprune.core.command import CLOCK, run_command
from voxprune.core.files import write_csv
from voxprune.networks.checkpoint import load_checkpoint, save_checkpoint
from voxprune.networks.cost import macs_by_layer
from voxprune.pruning.scoring import criterion
from voxprune.voxels.dataset import load_split, split_validation, unpack


def trained(voxels, folder, *more):
    """The checkpoint that the command which trains writes."""
    arguments = ["--voxels", voxels, "--classes", "chair", "table", "--batch-size", 8, "--learning-rate", 0.01,
                 "--validation-share", 0.2, "--gpus", 0, "--checkpoint", folder / "p", "--curve", folder / "c.csv", *more]  # fmt: skip
    run_command(train.main, train.parse(), list(map(str, arguments)))
    return folder / "p"


@pytest.fixture(scope="module")
def parent(voxels, tmp_path_factory):
    return trained(voxels, tmp_path_factory.mktemp("parent"), "--epochs", 1)


@pytest.fixture
def run(voxels, parent, tmp_path):
    """Runs the command with the options given; returns the checkpoint's path."""

    def run(**options):
        every = {"parent": parent, "method": "m", "unit": "filter", "criterion": "l1", "scope": "layer", "apply": "remove", "levels": 50, "voxels": voxels, "gpus": 0,
                 "checkpoints": tmp_path / "pruned", "curves": tmp_path / "curve.csv", **options}  # fmt: skip
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
        run(levels=level)


@pytest.mark.parametrize("options, sentence", [
    ({"retrain": "finetune"}, "retrain finetune needs `epochs`"),
    ({"retrain": "finetune", "epochs": 1, "distil": 0.5}, "distil needs `temperature`"),
    ({"unit": "weight"}, "single weights can't be removed; use `apply: mask` or `unit: filter`"),
])  # fmt: skip
def test_settings_that_contradict_each_other_are_refused_as_in_a_config(run, options, sentence):
    with pytest.raises(SystemExit, match=f"prune: m: {sentence}"):
        run(**options)


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
    taken, all_fitted = ({one.numpy().tobytes() for one in objects} for objects in (seen[0], unpack(fitted.packed[:], 8)))
    assert taken == all_fitted and len(seen[0]) == len(fitted) and len(validation) == 8


OBJECTS, PARENTS = 32, 1  # of 20 in each of two classes a fifth is held out; the parent's epochs


def macs_of(network, epochs):
    """Of training, counted object by object: forward once, backward twice as much."""
    forward = sum(macs_by_layer(network).values())
    return sum(forward + 2 * forward for _ in range(epochs) for _ in range(OBJECTS))


@pytest.mark.parametrize("options, total, kept", [
    ({}, PARENTS, True),
    ({"retrain": "finetune", "epochs": 3}, PARENTS + 3, True),
    ({"retrain": "rewind", "epochs": 1}, PARENTS + 1, True),
    ({"retrain": "scratch", "epochs": 2}, PARENTS + 2, False),  # which is its own epochs alone
    ({"retrain": "scratch"}, PARENTS, False),
    ({"level": 100, "retrain": "finetune", "epochs": 3}, PARENTS, True),  # nothing is left to train
])  # fmt: skip
def test_a_checkpoint_says_what_training_it_took(run, parent, options, total, kept):
    whole, before = load_checkpoint(parent)
    assert (before.total_epochs, before.training_macs, before.retraining_macs) == (PARENTS, macs_of(whole, PARENTS), 0)
    network, origin = load_checkpoint(run(**options))
    assert origin.total_epochs == total and origin.retraining_macs == macs_of(network, origin.finetune_epochs)
    assert origin.training_macs == origin.retraining_macs + kept * before.training_macs
    assert origin.finetune_epochs == total - kept * PARENTS


def test_steps_count_the_macs_of_each_steps_network(run, tmp_path):
    _, origin = load_checkpoint(run(steps=2, levels=50, retrain="finetune", epochs=2))
    assert origin.total_epochs == PARENTS + 2 * 2
    halves = [load_checkpoint(run(levels=level))[0] for level in (25, 50)]
    assert origin.retraining_macs == sum(macs_of(network, 2) for network in halves)


def test_an_early_pruned_network_takes_as_many_epochs_as_the_parent(run, voxels, tmp_path):
    early = trained(voxels, tmp_path, "--epochs", 4, "--stop-after", 1)
    network, origin = load_checkpoint(run(parent=early, retrain="rewind", prune_at=0.25))
    assert (origin.total_epochs, origin.finetune_epochs, origin.recipe.epochs) == (4, 3, 4)
    whole, _ = load_checkpoint(early)
    assert origin.training_macs == macs_of(whole, 1) + macs_of(network, 3)


def test_pruning_starts_from_the_epoch_that_the_method_says(run, voxels, parent, tmp_path):
    early = trained(voxels, tmp_path, "--epochs", 4, "--stop-after", 1)
    with pytest.raises(SystemExit, match="p: trained for 1 epochs, but the method prunes after 2; .* with --stop-after 2$"):
        run(parent=early, retrain="rewind", prune_at=0.5)
    with pytest.raises(SystemExit, match="p: trained for 1 epochs, but the method prunes after 4; .* without --stop-after$"):
        run(parent=early)


@pytest.mark.parametrize("epoch", [0, 4, 5])
def test_a_training_stops_before_its_last_epoch_or_not_at_all(voxels, tmp_path, epoch):
    with pytest.raises(SystemExit, match=f"train: --stop-after {epoch} is no epoch before the last of 4; choose another"):
        trained(voxels, tmp_path, "--epochs", 4, "--stop-after", epoch)


def test_ratios_come_as_names_and_numbers_and_are_kept_in_the_checkpoint(run, parent):
    network, origin = load_checkpoint(run(ratios="conv1=0"))
    whole, _ = load_checkpoint(parent)
    assert origin.pruning.ratios == {"conv1": 0} and network.conv1.out_channels == whole.conv1.out_channels
    assert network.conv2.out_channels == whole.conv2.out_channels / 2
    with pytest.raises(
        SystemExit, match="prune: m 50 seed 0: ratios: no layer 'fc' is pruned by itself; choose from conv1, conv2"
    ):
        run(ratios="fc=0")
    with pytest.raises(
        SystemExit, match="a budget of 99 % of the macs is out of reach of its `ratios`: at most .* % go; change"
    ):
        run(ratios="conv1=0", budget="macs", levels=99)


DISTIL = {"distil": 0.5, "temperature": 2}


@pytest.mark.parametrize("options, total, besides", [
    ({"retrain": "finetune", "epochs": 2}, PARENTS + 2, 0),  # the teacher is the parent that is pruned
    ({"retrain": "scratch", "epochs": 2}, PARENTS + 2, PARENTS),
    ({"retrain": "finetune", "epochs": 2, "level": 100}, PARENTS, 0),  # nothing is left to teach
])  # fmt: skip
def test_a_teachers_epochs_and_forward_passes_are_counted(run, parent, options, total, besides):
    network, origin = load_checkpoint(run(**options, **DISTIL))
    forward = sum(macs_by_layer(load_checkpoint(parent)[0]).values())
    assert (origin.total_epochs, origin.teacher_epochs) == (total, besides)
    assert origin.retraining_macs == macs_of(network, origin.finetune_epochs) + forward * OBJECTS * origin.finetune_epochs


def test_what_is_pruned_early_learns_from_the_finished_parent(run, voxels, tmp_path):
    folders = [tmp_path / "early", tmp_path / "whole"]
    for folder in folders:
        folder.mkdir()
    early = trained(voxels, folders[0], "--epochs", 4, "--stop-after", 1)
    whole = trained(voxels, folders[1], "--epochs", 4, "--validation-share", 0)  # the last epoch, not the best
    one, origin = load_checkpoint(run(parent=early, teacher=whole, retrain="rewind", prune_at=0.25, **DISTIL))
    assert (origin.total_epochs, origin.teacher_epochs) == (4, 3)
    other, _ = load_checkpoint(run(parent=early, retrain="rewind", prune_at=0.25, **DISTIL))
    assert not torch.equal(one.conv1.weight, other.conv1.weight)


def test_a_teacher_of_other_classes_is_refused(run, tmp_path):
    save_checkpoint(nets.build("original", 8, 3), tmp_path / "t", nets.ORIGIN)
    with pytest.raises(SystemExit, match="t: a teacher of other classes or resolution than .*; give one of the same$"):
        run(teacher=tmp_path / "t", retrain="finetune", epochs=1, **DISTIL)


def test_several_levels_in_one_job_are_those_of_a_job_each(voxels, parent, run, tmp_path):
    levels = (25, 50, 100)
    single = [run(levels=level, criterion="random").read_bytes() for level in levels]
    files = {kind: [str(tmp_path / f"{kind}{level}") for level in levels] for kind in ("checkpoints", "curves")}
    every = ["--parent", parent, "--method", "m", "--unit", "filter", "--criterion", "random", "--scope", "layer", "--apply", "remove", "--voxels", voxels,
             "--gpus", 0, "--levels", *levels, "--checkpoints", *files["checkpoints"], "--curves", *files["curves"]]  # fmt: skip
    run_command(prune.main, prune.parse(), list(map(str, every)))
    assert [Path(path).read_bytes() for path in files["checkpoints"]] == single


def test_levels_and_outputs_that_do_not_match_are_refused(voxels, parent, tmp_path):
    every = ["--parent", parent, "--method", "m", "--unit", "filter", "--criterion", "l1", "--scope", "layer", "--apply", "remove",
             "--voxels", voxels, "--levels", 25, 50, "--checkpoints", tmp_path / "a", "--curves", tmp_path / "b"]  # fmt: skip
    with pytest.raises(SystemExit, match="prune: give as many --checkpoints and --curves as --levels"):
        run_command(prune.main, prune.parse(), list(map(str, every)))


def test_a_command_says_how_much_of_its_time_was_work(run, tmp_path, monkeypatch):
    """benchmarks/overhead.py adds these up."""
    monkeypatch.setenv(CLOCK, str(tmp_path / "clock"))
    run()
    figures = json.loads((tmp_path / "clock").read_text())
    assert figures["command"] == "prune" and figures["start_s"] > 0 and figures["work_s"] > 0 and figures["wall_s"] > 0


@pytest.mark.parametrize(
    "note, warned", [("made up", False), ("made up\nINVALID: other processes kept 51 % of the cores busy", True)]
)
def test_a_staircase_of_an_unsteady_machine_is_told_with_the_remedy(tmp_path, capsys, note, warned):
    rows = [
        {"level_percent": level, "engine": "torch", "latency_ms": latency, "note": note}
        for level, latency in ((0, 2.0), (50, 1.0))
    ]
    write_csv(tmp_path / "staircase.csv", rows)
    assert prune.read_staircase(tmp_path / "staircase.csv") == {0: 2.0, 50: 1.0}
    assert ("--forcerun measure_staircase measure_staircase_of_method" in capsys.readouterr().out) == warned
