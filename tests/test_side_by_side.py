"""Experiments side by side: answers, the settings that differ, and their networks, on one page."""

import importlib
import json

import pytest
import yaml

from made_up import answer, experiment
from voxprune.core.errors import InputError


@pytest.fixture
def results(tmp_path):
    """Two finished experiments, as far as the page reads them: the second is of three seeds, and loses more."""
    for name, seeds, lost in (("mine", 6, {"filter": {50: 0.1, 80: 20}}), ("other", 3, {"filter": {50: 8, 80: 20}})):
        tables, found = answer(*experiment(seeds=seeds, objects=600, lost=lost))
        (tmp_path / name / "statistics").mkdir(parents=True)
        tables["levels"].to_csv(tmp_path / name / "statistics/levels.csv", index=False)
        (tmp_path / name / "answer.json").write_text(json.dumps({**found, "experiment": name}))
        config = {"experiment": name, "network": "resnet3d", "training": {"epochs": 20}, "seeds": list(range(seeds))}
        (tmp_path / name / "config.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def compare(results, *names):
    module = importlib.import_module("compare_experiments")
    module.main(module.parse().parse_args(["--experiments", *names, "--results", str(results)]))


def test_decisions_settings_and_networks_stand_side_by_side(results):
    compare(results, "mine", "other")
    page = (results / "comparisons/mine-other.md").read_text()
    assert "## mine\n\n**Take filter at 50 %" in page and "## other\n\n**Nothing tested here can be taken" in page
    assert "| seeds     | [0, 1, 2, 3, 4, 5] | [0, 1, 2] |" in page and "training.epochs" not in page
    assert (results / "comparisons/mine-other.png").read_bytes().startswith(b"\x89PNG") and "nan" not in page.replace(
        "non-inferior", ""
    )


def test_an_experiment_that_is_not_finished_is_named(results):
    (results / "other/answer.json").unlink()
    with pytest.raises(
        InputError, match="other/answer.json isn't there; run this experiment to its end, or copy its folder"
    ):
        compare(results, "mine", "other")
