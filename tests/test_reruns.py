"""What reruns when: each line of the table in docs/reruns.md."""

import shutil
import subprocess
import sys

import pytest
import yaml

from conftest import QUICK, REPORT, jobs, mesh, snakemake
from voxprune.core.files import read_json

METHODS_ANEW = {"prune_levels": 3, "evaluate_levels": 3, "measure": 3}
FROM_PARENT = {**METHODS_ANEW, "evaluate": 1, "measure_parent": 1, "measure_sensitivity": 1, **REPORT}


def test_a_second_run_does_nothing(finished):
    assert jobs(finished, "--configfile", QUICK) == {}


def test_touching_a_mesh_or_code_reruns_nothing(copy):
    mesh(copy).touch()
    for path in copy.glob("scripts/**/*.py"):
        path.touch()
    assert jobs(copy, "--configfile", QUICK) == {}


def test_changing_a_mesh_reruns_its_voxels_and_what_follows(copy):
    mesh(copy).write_text(mesh(copy).with_name("chair_0042.off").read_text())
    assert jobs(copy, "--configfile", QUICK) == {"voxelize": 1, "list_skipped": 1, "train": 1, **FROM_PARENT}


def test_adding_a_level_prunes_and_evaluates_every_method_anew(copy):
    (copy / "more.yaml").write_text((copy / QUICK).read_text().replace("[50, 100]", "[50, 70, 100]"))
    assert jobs(copy, "--configfile", "more.yaml") == {**METHODS_ANEW, "measure_sensitivity": 1, **REPORT}


def test_adding_a_method_runs_its_jobs_and_the_report(copy):
    lamp = "methods: {lamp: {unit: weight, criterion: lamp, scope: global, apply: mask}}\n"
    (copy / "more.yaml").write_text((copy / QUICK).read_text() + lamp)
    assert jobs(copy, "--configfile", "more.yaml") == {"prune_levels": 1, "evaluate_levels": 1, "measure": 1, **REPORT}


def test_adding_a_method_that_prunes_early_trains_no_parent_again(copy):
    method = "{unit: filter, criterion: l1, scope: layer, apply: remove, prune_at: 0.5, retrain: rewind}"
    (copy / "early.yaml").write_text((copy / QUICK).read_text() + f"methods: {{early: {method}}}\n")
    assert jobs(copy, "--configfile", "early.yaml") == {
        "train_early": 1,
        "prune": 2,
        "evaluate_levels": 1,
        "measure": 1,
        **REPORT,
    }


def test_changing_a_plots_code_redraws_only(copy):
    plots = copy / "scripts/voxprune/report/accuracy_plots.py"
    plots.write_text(plots.read_text().replace("Accuracy by pruning level", "Another title"))
    assert jobs(copy, "--configfile", QUICK) == {"draw_plots": 1, "write_front_page": 1}


def test_another_margin_answers_anew_and_redraws(copy):
    (copy / "other.yaml").write_text((copy / QUICK).read_text() + "answer: {margin_points: 2}\n")
    expected = {rule: count for rule, count in REPORT.items() if rule != "summarise"}
    assert jobs(copy, "--configfile", "other.yaml") == expected


def test_comments_and_docstrings_rerun_nothing(copy):
    code = copy / "scripts/voxprune/training/fit.py"
    changed = code.read_text().replace("Trains a network in place", "Fits a network in place") + "# a comment\n"
    assert changed.count("Fits a network") == 1
    code.write_text(changed)
    assert jobs(copy, "--configfile", QUICK) == {}


CHOICES = {  # a choice of each kind, by the file of one that is there
    "networks/architectures/voxnet.py": "networks/architectures/mine.py",
    "pruning/criteria/filter/l2.py": "pruning/criteria/filter/mine.py",
    "training/retraining/finetune.py": "training/retraining/mine.py",
    "measurement/engines/openvino.py": "measurement/engines/mine.py",
}


def test_adding_choices_reruns_nothing(copy):
    for path, added in CHOICES.items():
        shutil.copy(copy / "scripts/voxprune" / path, copy / "scripts/voxprune" / added)
    assert jobs(copy, "--configfile", QUICK) == {}


@pytest.mark.parametrize("path, expected", [
    ("networks/architectures/voxnet.py", {}),
    ("pruning/criteria/filter/l2.py", {}),
    ("training/retraining/finetune.py", {}),
    ("pruning/criteria/weight/l1.py", {"prune_levels": 1, "evaluate_levels": 1, "measure": 1, **REPORT}),
    ("measurement/engines/openvino.py", {"measure": 3, "measure_parent": 1, **REPORT}),
    ("networks/architectures/original.py", {"check_network": 1, "train": 1, **FROM_PARENT}),
])  # fmt: skip
def test_changing_a_choice_reruns_what_uses_it(copy, path, expected):
    code = copy / "scripts/voxprune" / path
    code.write_text(code.read_text() + "\n\nADDED = 1\n")
    assert jobs(copy, "--configfile", QUICK) == expected


def test_changing_the_learning_rate_retrains(copy):
    (copy / "other.yaml").write_text((copy / QUICK).read_text().replace("epochs: 4", "epochs: 4\n  learning_rate: 0.001"))
    assert jobs(copy, "--configfile", "other.yaml") == {"train": 1, **FROM_PARENT}


def test_changing_measurement_settings_measures_only(copy):
    (copy / "other.yaml").write_text((copy / QUICK).read_text().replace("repetitions: 3", "repetitions: 4"))
    assert jobs(copy, "--configfile", "other.yaml") == {"measure": 3, "measure_parent": 1, **REPORT}
    (copy / "other.yaml").write_text((copy / QUICK).read_text() + "  full: {seconds: 9}\n")
    assert jobs(copy, "--configfile", "other.yaml") == {}  # the windows of another detail


def test_deleting_one_metrics_file_remakes_those_of_its_method_and_seed(copy):
    metrics = copy / "results/quick/seed0/filter/level050/metrics.json"
    before = read_json(metrics)
    metrics.unlink()
    assert jobs(copy, "--configfile", QUICK) == {"evaluate_levels": 1, **REPORT}
    snakemake(copy, metrics.relative_to(copy), "--cores", "2", "--configfile", QUICK)
    after = read_json(metrics)
    assert {**after, "provenance": None} == {**before, "provenance": None}


def test_the_config_that_ran_lies_beside_its_results(finished):
    config = yaml.safe_load((finished / "results/quick/config.yaml").read_text())
    assert config["training"]["epochs"] == 4 and config["measurement"]["brief"]["repetitions"] == 3
    told = subprocess.run(
        [sys.executable, "scripts/list_experiments.py"], cwd=finished, capture_output=True, text=True, check=True
    ).stdout
    assert "quick" in told and "furniture-quick" in told and "original" in told


def test_other_settings_are_told_where_nothing_remembers_what_made_the_results(copy):
    shutil.rmtree(copy / ".snakemake")
    assert jobs(copy, "--configfile", QUICK) == {}
    (copy / "other.yaml").write_text((copy / QUICK).read_text().replace("epochs: 4", "epochs: 5"))
    output = snakemake(copy, "-n", "--configfile", "other.yaml", check=False)
    assert "results/quick: these results were made with training.epochs 4, now it is 5, and .snakemake/metadata" in output


def test_changing_a_file_that_a_network_of_ones_own_imports_retrains(copy):
    (copy / "mine.py").write_text("from blocks import Network\n\n\nclass Mine(Network):\n    pass\n")
    (copy / "blocks.py").write_text("from voxprune.networks.architectures.original import Network\n\nDEPTH = 1\n")
    (copy / "own.yaml").write_text((copy / QUICK).read_text().replace("epochs: 4", "epochs: 1") + "network: mine:Mine\n")
    parent = "results/quick/seed0/parent/checkpoint.safetensors"
    snakemake(copy, parent, "--cores", "2", "--configfile", "own.yaml")
    assert jobs(copy, parent, "--configfile", "own.yaml") == {}
    (copy / "blocks.py").write_text((copy / "blocks.py").read_text() + "# a comment\n")
    assert jobs(copy, parent, "--configfile", "own.yaml") == {}
    (copy / "blocks.py").write_text((copy / "blocks.py").read_text().replace("1", "2"))
    assert jobs(copy, parent, "--configfile", "own.yaml") == {"train": 1}
