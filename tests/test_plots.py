"""Plots: every one is drawn for one method and for twelve, says what it rests on, and carries its caption."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from made_up import APPLY, answer, experiment
from voxprune.report import accuracy_plots, demand_plots, pictures, plots, training_plots
from voxprune.report.figure import STYLE, figure_drawn_by, method_looks, write_plot

NAMES = [f"method-{number}" for number in range(12)]


def data(methods, tmp_path):
    """What write_plots takes, for a number of methods, with their real statistics."""
    outcomes, summary, demand = experiment(seeds=2, objects=60, lost={name: {10: 0, 50: 5, 90: 40} for name in methods})
    for table in (summary, demand):
        for column, value in (("apply", "remove"), ("unit", "filter")):
            if column in table:
                table.loc[table["method"] != "parent", column] = value
    summary["total_epochs"], summary["training_macs"] = 20, 1e12
    statistics, found = answer(outcomes, summary, demand)
    curve = pd.DataFrame({"epoch": [1, 2], "train_loss": [2.0, 1.0], "validation_accuracy_percent": [40.0, 80.0]})
    sensitivity = pd.DataFrame(
        {"layer": ["conv1", "conv1"], "level_percent": [0, 50], "correct": [48, 42], "n_samples": [60, 60], "objects": ["validation"] * 2}
    )  # fmt: skip
    retraining = {(name, level): curve for name in methods for level in (10, 50)}
    return summary, demand, statistics, found, {0: curve, 1: curve}, retraining, sensitivity, tmp_path


def test_a_run_that_was_to_use_a_gpu_and_found_none_still_has_its_plot(tmp_path, monkeypatch):
    """Such as with a driver, and a torch without CUDA: the workflow waits for the file."""
    monkeypatch.setitem(STYLE, "figure.dpi", 40)
    plots.write_plots(*data(["filter"], tmp_path), gpu=True)
    assert "no utilization was measured" in (tmp_path / "gpu_utilization_by_level.svg").read_text()
    assert (tmp_path / "gpu_utilization_by_level.rst").exists()


@pytest.mark.parametrize("methods", [["filter"], pytest.param(NAMES, marks=pytest.mark.slow)])
def test_every_plot_is_drawn_and_says_what_it_rests_on(tmp_path, methods, monkeypatch, recwarn):
    for name in NAMES:
        monkeypatch.setitem(APPLY, name, "remove")
    monkeypatch.setitem(STYLE, "figure.dpi", 40)  # quickly
    plots.write_plots(*data(methods, tmp_path))
    names = {path.stem for path in tmp_path.iterdir()}
    assert len(names) == 11 and len(list(tmp_path.iterdir())) == 3 * len(names)
    for name in names:
        caption = (tmp_path / f"{name}.rst").read_text()
        assert "made-up" in caption and len(caption.split("\n\n")[0]) > 40, name
        with Image.open(tmp_path / f"{name}.png") as image:
            assert 6 < image.width / 40 < 20 and 2 < image.height / 40 < 16, name  # inches
    assert not [str(warning.message) for warning in recwarn.list]


def test_learning_curves_have_one_panel_for_the_loss_and_one_for_the_accuracy(tmp_path):
    _, _, _, found, curves, *_ = data(["filter"], tmp_path)
    with figure_drawn_by(training_plots.learning_curves, curves, found) as figure:
        assert [axes.get_ylabel() for axes in figure.axes] == ["training loss", "validation accuracy, %"]
        assert all(len(axes.lines) == len(curves) for axes in figure.axes)


def test_costs_reach_as_far_as_the_networks_that_can_be_seen(tmp_path):
    """A network far below the parent's accuracy is out of the picture, and widens no axis."""
    _, _, statistics, found, *_ = data(["filter"], tmp_path)
    levels = statistics["levels"].assign(accuracy_percent_high=lambda table: table["accuracy_percent"] + 1)
    lost = levels["level_percent"] == levels["level_percent"].max()
    levels.loc[lost, ["accuracy_percent", "accuracy_percent_low", "accuracy_percent_high"]] = (10.0, 5.0, 100.0)
    levels.loc[lost, "macs"] = 1
    found |= {"margin_points": 1.0, "parent": found["parent"] | {"low": found["parent"]["mean"] - 1}}
    with figure_drawn_by(accuracy_plots.accuracy_against_cost, levels, found) as figure:
        (low, _), (_, top) = figure.axes[0].get_xlim(), figure.axes[0].get_ylim()
    seen = levels[~lost]
    assert low == pytest.approx(0.9 * seen["macs"].min() / 1e6)
    assert top == pytest.approx(min(101, seen["accuracy_percent_high"].max() + 1))


def test_without_validation_objects_curves_show_the_training_loss_alone(tmp_path):
    summary, _, _, found, curves, retraining, _, _ = data(["filter"], tmp_path)
    for curve in curves.values():  # the same table as those of retraining
        curve["validation_accuracy_percent"] = np.nan
    summary["validation_accuracy_percent"] = np.nan
    with figure_drawn_by(training_plots.learning_curves, curves, found) as figure:
        assert len(figure.axes) == 1
        assert "the last epoch is kept" in figure.get_supxlabel()
    with figure_drawn_by(training_plots.retraining_curves, retraining, summary) as figure:
        lines = [list(line.get_ydata()) for line in figure.axes[0].lines]
        assert lines == [[2.0, 1.0], [2.0, 1.0]]  # of two levels, and no line of a parent that was never judged
        assert figure.get_supylabel() == "training loss"
        assert "the last epoch is kept" in figure.get_supxlabel()


def test_methods_keep_their_look_in_every_plot():
    assert method_looks(["parent", "a", "b"]) == method_looks(["a", "parent", "b", "a"])
    looks = method_looks(NAMES).values()
    assert len({(one["color"], one["marker"], one["linestyle"]) for one in looks}) == len(NAMES)


def test_a_confusion_matrix_is_in_percent_of_the_class():
    found = pictures.confusion_matrix(np.array([[0, 1, 1], [0, 0, 1]]), np.array([0, 0, 1]), ["a", "b", "c"])
    assert found.tolist() == [[75, 25, 0], [0, 100, 0], [0, 0, 0]]


def test_no_object_turned_wrong_is_a_sentence_not_an_empty_picture(tmp_path):
    nothing = np.zeros((0, 8, 8, 8), dtype=bool)
    write_plot(tmp_path / "newly_misclassified", pictures.newly_misclassified, nothing, [], "Right, then wrong", "made-up")
    assert (tmp_path / "newly_misclassified.rst").read_text().endswith("made-up\n")


def test_times_that_cannot_be_trusted_say_so_on_the_plot(tmp_path):
    summary, demand, statistics, found, *_ = data(["filter"], tmp_path)
    found["invalid_times"] = "INVALID times of filter (the machine was busy). Measure again."
    with figure_drawn_by(accuracy_plots.accuracy_against_cost, statistics["levels"], found) as figure:
        assert "INVALID times of filter" in figure.get_supxlabel()
    with figure_drawn_by(demand_plots.latency_by_level, summary, demand.assign(valid=False)) as figure:
        assert "INVALID" in figure.get_supxlabel() and "on a quiet one" in figure.get_supxlabel().replace("\n", " ")
