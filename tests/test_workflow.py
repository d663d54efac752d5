"""The workflow: lint, dry runs on a bare clone, and the quick experiment end to end."""

import csv
import importlib
import inspect
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml
from jsonschema import Draft202012Validator
from snakemake.cli import get_argument_parser
from snakemake.scheduling.job_scheduler import JobScheduler

from conftest import QUICK, REPORT, ROOT, clone, jobs, mesh, snakemake
from voxprune.core.files import read_json
from voxprune.networks.checkpoint import load_checkpoint
from voxprune.report import catalogue
from voxprune.settings.method import criteria

METHODS = ["filter", "filter-masked", "weight"]


# ---- a bare clone --------------------------------------------------------------------------------------------------


def test_lint_finds_nothing(bare):
    assert "in a good condition" in snakemake(bare, "--lint")


@pytest.mark.parametrize("options, more, methods, trained, seeds, levels, controls", [
    ([], {"generate_furniture": 10}, 3, 0, 3, 10, 0),
    (["--configfile", "experiments/modelnet10.yaml"], {"fetch_modelnet": 1}, 7, 7, 3, 3, 1),
    (["--configfile", "experiments/modelnet10-recipes.yaml"], {"fetch_modelnet": 1, "train_early": 6}, 7, 7, 6, 3, 2),
    (["--configfile", "experiments/modelnet10-recipes-cpu.yaml"], {"fetch_modelnet": 1, "train_early": 6, "sparsify": 6}, 9, 9, 6, 3, 2),
    (["--configfile", "experiments/modelnet10-early-cpu.yaml"], {"fetch_modelnet": 1, "train_early": 6}, 1, 1, 6, 2, 0),
    (["--configfile", "experiments/modelnet10-quarter-cpu.yaml"], {"fetch_modelnet": 1, "train_early": 24}, 1, 1, 24, 2, 0),
    (["--configfile", "experiments/modelnet10-scratch-cpu.yaml"], {"fetch_modelnet": 1}, 1, 1, 24, 2, 0),
    (["--configfile", "experiments/modelnet10-wide-cpu.yaml"], {"fetch_modelnet": 1, "train_early": 6}, 1, 1, 6, 2, 0),
    (["--configfile", "experiments/modelnet10-long-cpu.yaml"], {"fetch_modelnet": 1, "train_early": 6}, 1, 1, 6, 2, 0),
    (["--configfile", "experiments/modelnet10-stride4-cpu.yaml"], {"fetch_modelnet": 1, "train_early": 6}, 1, 1, 6, 2, 0),
    (["--configfile", "experiments/modelnet10-small-cpu.yaml"], {"fetch_modelnet": 1}, 1, 1, 6, 2, 0),
    (["--configfile", "experiments/modelnet10-study.yaml"], {"fetch_modelnet": 1}, 3, 0, 6, 10, 0),
    (["--configfile", "experiments/original.yaml"], {"fetch_modelnet": 1}, 2, 0, 1, 10, 0),
    (["--configfile", "experiments/modelnet40.yaml"], {"fetch_modelnet": 1}, 2, 2, 1, 4, 1),
    (["--configfile", QUICK], {"generate_furniture": 2}, 3, 0, 1, 2, 0),
])  # fmt: skip
def test_a_dry_run_shows_the_whole_dag(bare, options, more, methods, trained, seeds, levels, controls):
    """trained: methods that train after pruning, each of whose levels has a job of its own. controls: ways to train the
    finished parent on after pruning, each of which also trains the unpruned one on.
    """
    pruning = {"prune_levels": (methods - trained) * seeds, "prune": (trained * levels + controls) * seeds}
    assert jobs(bare, *options) == {
        **more,
        "voxelize": 2 if QUICK in options else 40 if "experiments/modelnet40.yaml" in options else 10,
        "list_skipped": 1,
        "check_network": 1,
        "train": seeds,
        **{rule: count for rule, count in pruning.items() if count},
        "evaluate": (1 + controls) * seeds,
        "evaluate_levels": methods * seeds,
        "measure_parent": 1,
        "measure": methods,
        "measure_sensitivity": 1,
        **REPORT,
    }


def test_snakemake_still_has_the_limit_that_a_run_takes_off():
    assert inspect.getsource(JobScheduler).count("self.job_rate_limiter = (") == 1
    assert str(get_argument_parser().get_default("max_jobs_per_timespan")) == "100/1s"


def test_graphs_are_drawn_without_naming_cores(bare):
    assert "flowchart" in snakemake(bare, "--rulegraph", "mermaid-js")
    assert "digraph" in snakemake(bare, "--dag")


@pytest.mark.parametrize("content, sentence", [
    ("levels: ['10']", 'config: levels.0 is "10" (text), not a whole number'),
    ("training: {learning_rate: 1e-3}", 'config: training.learning_rate is "1e-3" (text), not a number'),
    ("trainning: {epochs: 1}", "unknown key 'trainning'; did you mean 'training'"),
    ("dataset: {source: folder, folder: nowhere}", "nowhere: no such folder of meshes"),
])  # fmt: skip
def test_a_wrong_config_stops_before_any_job(bare, tmp_path, content, sentence):
    (tmp_path / "wrong.yaml").write_text(content)
    output = snakemake(bare, "-n", "--configfile", tmp_path / "wrong.yaml", check=False)
    assert sentence in output and "Job stats" not in output


def test_numbers_and_lists_may_come_by_the_command_line(bare):
    options = ["--configfile", QUICK, "--config", "training={epochs: 2, learning_rate: 0.001}", "levels=[50, 75, 100]"]
    output = snakemake(bare, "-n", "-p", "--until", "prune_levels", *options)
    assert "--epochs 2 " in output and "--learning-rate 0.001 " in output and "--levels 50 75 100 " in output


def test_the_workflow_runs_from_another_folder(bare, tmp_path):
    """Snakefile and results may lie apart: scripts are found beside the rules."""
    target = "data/meshes/furniture-quick/chair/train"
    snakemake(
        bare, target, "-s", bare / "Snakefile", "--directory", tmp_path / "one", "--cores", "1", "--configfile", bare / QUICK
    )
    assert len(list((tmp_path / "one" / target).glob("*.off"))) == 40


@pytest.mark.parametrize("forward, sentence", [
    ("return self.fc(x.sum(dim=(2, 3, 4)))[:, :1]", "network mine:Mine: "),
    pytest.param("return self.missing(x)", "network mine:Mine: .*missing", marks=pytest.mark.slow),
])  # fmt: skip
def test_a_network_that_cannot_work_is_refused_in_a_dry_run(bare, tmp_path, forward, sentence):
    folder = clone(tmp_path / "voxprune", bare)
    lines = ["from torch import nn", "", "class Mine(nn.Module):", "    def __init__(self, resolution, classes):",
             "        super().__init__()", "        self.conv, self.fc = nn.Conv3d(1, 8, 3), nn.Linear(8, classes)", "",
             "    def forward(self, x):", "        x = self.conv(x)", f"        {forward}"]  # fmt: skip
    (folder / "mine.py").write_text("\n".join(lines) + "\n")
    (folder / "own.yaml").write_text((folder / QUICK).read_text() + "network: mine:Mine\n")
    output = snakemake(folder, "-n", "--configfile", "own.yaml", check=False)
    assert re.search(sentence, output) and "Job stats" not in output
    (folder / "mine.py").write_text(
        (folder / "mine.py").read_text().replace(forward, "return self.fc(x.mean(dim=(2, 3, 4)))")
    )
    assert "train" in jobs(folder, "--configfile", "own.yaml")


def test_a_budget_out_of_reach_and_an_unknown_layer_are_refused_in_a_dry_run(bare, tmp_path):
    folder = clone(tmp_path / "voxprune", bare)
    layers = "nn.Conv3d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 99), nn.Linear(99, classes)"
    (folder / "mine.py").write_text(
        f"from torch import nn\n\n\ndef make(resolution, classes):\n    return nn.Sequential({layers})\n"
    )
    method = "{unit: filter, criterion: l1, scope: layer, apply: remove, budget: parameters}"
    (folder / "own.yaml").write_text(
        (folder / QUICK).read_text().replace("50, 100", "80, 100") + f"network: mine:make\nmethods: {{budget: {method}}}\n"
    )
    output = snakemake(folder, "-n", "--configfile", "own.yaml", check=False)
    assert "network mine:make: a budget of 80 % of the parameters is out of reach" in output and "Job stats" not in output
    own = (folder / "own.yaml").read_text().replace("budget: parameters", 'ratios: {"7": 0.5}')
    (folder / "own.yaml").write_text(own)
    output = snakemake(folder, "-n", "--configfile", "own.yaml", check=False)
    assert (
        "network mine:make: ratios: no layer '7' is pruned by itself; choose from 0" in output and "Job stats" not in output
    )


def test_a_staircase_is_that_of_a_method_which_prunes_filters(bare):
    stairs = "results/quick/staircase/methods/{}.csv"
    assert jobs(bare, stairs.format("filter"), "--configfile", QUICK)["measure_staircase_of_method"] == 1
    assert "MissingRuleException" in snakemake(bare, stairs.format("weight"), "-n", "--configfile", QUICK, check=False)


def test_an_empty_class_stops_before_any_job(bare, tmp_path, cube):
    for name in ("chair", "table"):
        for split in ("train", "test"):
            (tmp_path / "mine" / name / split).mkdir(parents=True)
            shutil.copy(cube, tmp_path / "mine" / name / split)
    (tmp_path / "mine/table/test/cube.off").unlink()
    (tmp_path / "mine.yaml").write_text(
        f"dataset: {{name: mine, source: folder, folder: {tmp_path}/mine, classes: [chair, table]}}"
    )
    output = snakemake(bare, "-n", "--configfile", tmp_path / "mine.yaml", check=False)
    assert "mine/table/test: no mesh in it" in output


@pytest.mark.parametrize("script", sorted(path.stem for path in (ROOT / "scripts").glob("*.py")))
def test_a_command_explains_itself(script):
    help = importlib.import_module(script).parse().format_help()
    assert f"usage: {script} " in help and all(len(line) <= 200 for line in help.splitlines())


# ---- the quick experiment, once ------------------------------------------------------------------------------------


def test_every_file_of_the_contract_is_there_and_valid(finished):
    results = finished / "results/quick"
    children = ["parent"] + [f"{method}/level{level}" for method in METHODS for level in ("050", "100")]
    for kind in ("metrics", "demand"):
        schema = Draft202012Validator(yaml.safe_load((ROOT / f"schemas/{kind}.schema.yaml").read_text()))
        for child in children:
            schema.validate(read_json(results / "seed0" / child / f"{kind}.json"))
    for child in children:
        network, origin = load_checkpoint(results / "seed0" / child / "checkpoint.safetensors")
        metrics = read_json(results / "seed0" / child / "metrics.json")
        predictions = np.load(results / "seed0" / child / "predictions.npz")
        accuracy = 100 * (predictions["logits"].argmax(axis=1) == predictions["labels"]).mean()
        assert origin.method == metrics["method"] == child.split("/")[0]
        assert metrics["accuracy_percent"] == accuracy and metrics["widths"] == network.description["widths"]
        assert metrics["n_samples"] == len(predictions["files"]) == 24
    for table in catalogue.table_names(METHODS):
        for kind in ("md", "tex", "html"):
            assert (results / f"tables/{table}.{kind}").stat().st_size
    assert all((results / f"tables/methods/{method}.csv").stat().st_size for method in ["parent", *METHODS])
    for plot in [*catalogue.PLOTS, *catalogue.PICTURES]:
        assert (results / f"plots/{plot}.png").read_bytes().startswith(b"\x89PNG")
        assert "</svg>" in (results / f"plots/{plot}.svg").read_text()
        assert "quick" in (results / f"plots/{plot}.rst").read_text()
    for table in catalogue.STATISTICS:
        assert (results / f"statistics/{table}.csv").stat().st_size
    answer = read_json(results / "answer.json")
    Draft202012Validator(yaml.safe_load((ROOT / "schemas/answer.schema.yaml").read_text())).validate(answer)
    assert set(answer["methods"]) == set(METHODS) and answer["n_samples"] == 24
    assert (results / "answer.md").read_text().startswith("# quick: how far can the network be pruned?")


def test_the_summary_has_a_row_a_network_and_every_number(finished):
    rows = list(csv.DictReader((finished / "results/quick/summary.csv").open()))
    assert len(rows) == 7
    row = next(row for row in rows if (row["method"], row["level_percent"]) == ("filter", "50"))
    metrics = read_json(finished / "results/quick/seed0/filter/level050/metrics.json")
    assert float(row["accuracy_percent"]) == metrics["accuracy_percent"]
    assert float(row["removed_percent.macs"]) == metrics["removed_percent"]["macs"]


def test_the_demand_table_has_a_row_a_cell_and_every_call_is_kept(finished):
    rows = list(csv.DictReader((finished / "results/quick/demand.csv").open()))
    seed, cells = finished / "results/quick/seed0", 3 * 1 * 2
    assert len(rows) == 7 * cells
    own = [row for row in rows if (row["method"], row["level_percent"]) == ("filter", "50")]
    demand = read_json(seed / "filter/level050/demand.json")
    assert [float(row["latency_ms.p50"]) for row in own] == [cell["latency_ms"]["p50"] for cell in demand["cells"]]
    samples = np.load(seed / "filter/level050/latency.npz")
    for cell in demand["cells"]:
        name = "{engine}/{device}/threads{threads}/batch{batch_size}".format(**cell)
        assert len(samples[name]) == len(samples[f"{name}/round"]) == cell["latency_ms"]["n"]
        assert np.percentile(samples[name], 50) == cell["latency_ms"]["p50"]
    assert {row["unavailable"][:25] for row in rows if row["level_percent"] == "100" and row["method"] == "filter"} == {
        "", "a layer keeps no filter, ",
    }  # fmt: skip


def test_removal_is_real_and_masks_are_not(finished):
    seed = finished / "results/quick/seed0"
    parent, *children = (read_json(seed / child / "metrics.json")
                         for child in ("parent", "filter/level050", "filter-masked/level050", "weight/level050"))  # fmt: skip
    removed, masked, weights = children
    assert removed["widths"] == {"conv1": 8, "conv2": 16} and removed["equality_max_abs_difference"] <= 1e-5
    assert removed["macs"] < parent["macs"] / 2
    for child in (masked, weights):
        assert child["macs"] == parent["macs"] and child["equality_max_abs_difference"] is None
    assert read_json(seed / "filter/level100/metrics.json")["collapsed"]
    assert removed["finetune_epochs"] == 0
    assert (seed / "filter/level050/retraining.csv").read_text().count("\n") == 1  # column names alone


@pytest.mark.slow
def test_a_method_with_everything_runs(finished, tmp_path):
    """A network with BatchNorm and residual sums, a data-driven criterion, steps, fine-tuning, a level of 0."""
    method = "{unit: filter, criterion: taylor, scope: global, apply: remove, steps: 2, retrain: finetune, epochs: 1, learning_rate: 0.001}"
    shutil.copytree(finished, tmp_path / "voxprune", dirs_exist_ok=True)
    (tmp_path / "voxprune/mine.yaml").write_text(
        (finished / QUICK).read_text().replace("experiment: quick", "experiment: mine").replace("[50, 100]", "[0, 50]")
        + f"network: resnet3d\nmethods: {{weight: null, filter: null, filter-masked: null, mine: {method}}}\n"
        + "augmentation: {rotation_degrees: 10, flip_probability: 0.5, scale_percent: 10, shift_cells: 1}\n"
    )
    child = "results/mine/seed0/mine/level050/metrics.json"
    snakemake(tmp_path / "voxprune", child, "--cores", "2", "--configfile", "mine.yaml")
    metrics = read_json(tmp_path / "voxprune" / child)
    assert metrics["finetune_epochs"] == 2 and metrics["removed_percent"]["filters"] > 0
    assert metrics["equality_max_abs_difference"] <= 1e-5 and metrics["validation_accuracy_percent"] is not None
    curve = list(csv.DictReader((tmp_path / "voxprune" / child).with_name("retraining.csv").open()))
    assert [(row["step"], row["epoch"]) for row in curve] == [("1", "1"), ("2", "1")]
    assert all(float(row["train_loss"]) > 0 for row in curve)


def test_recipes_run_and_say_what_they_took(finished, tmp_path):
    """Pruning early with the finished parent as teacher, new weights with a teacher, a group lasso before pruning; the parent
    isn't trained again."""
    folder = shutil.copytree(finished, tmp_path / "voxprune", dirs_exist_ok=True)
    common = "unit: filter, criterion: l1, scope: layer, apply: remove, distil: 0.5, temperature: 2"
    recipes = (
        (folder / QUICK).read_text().replace("[50, 100]", "[50]")
        + f"methods:\n  early: {{{common}, prune_at: 0.5, retrain: rewind}}\n"
        f"  anew: {{{common}, retrain: scratch, epochs: 1}}\n"
        f"  sparse: {{{common}, prune_at: 0.5, sparsify: 0.01, sparsify_epochs: 1, retrain: finetune, epochs: 2}}\n"
    )
    (folder / "recipes.yaml").write_text(recipes)
    paths = [
        f"results/quick/seed0/{name}/metrics.json"
        for name in ("parent", "early/level050", "anew/level050", "sparse/level050")
    ]
    snakemake(folder, *paths, "--cores", "2", "--configfile", "recipes.yaml")
    schema = Draft202012Validator(yaml.safe_load((ROOT / "schemas/metrics.schema.yaml").read_text()))
    parent, early, anew, sparse = found = [read_json(folder / path) for path in paths]
    for metrics, total, besides in zip(found, (4, 4, 5, 5), (0, 2, 4, 2)):
        schema.validate(metrics)
        assert (metrics["total_epochs"], metrics["teacher_epochs"]) == (total, besides)
    objects = 72  # 40 of each class, of which a tenth is held out
    assert parent["training_macs"] == objects * 4 * 3 * parent["macs"]
    assert early["retraining_macs"] == objects * 2 * (3 * early["macs"] + parent["macs"])
    assert early["training_macs"] == early["retraining_macs"] + objects * 2 * 3 * parent["macs"]
    assert anew["training_macs"] == anew["retraining_macs"] == objects * 5 * (3 * anew["macs"] + parent["macs"])
    assert sparse["training_macs"] == sparse["retraining_macs"] + objects * 3 * 3 * parent["macs"]
    (folder / "recipes.yaml").write_text(recipes.replace("[50]", "[50, 70]"))  # trains no other level again
    more = [path.replace("level050", "level070") for path in paths[1:]]
    assert jobs(folder, *more, "--configfile", "recipes.yaml") == {"prune": 3, "evaluate_levels": 3}


@pytest.mark.slow
def test_criteria_are_compared_as_an_optional_target(copy):
    table, picture = (f"results/quick/leave_one_out/correlations.{kind}" for kind in ("csv", "png"))
    config = ("--configfile", QUICK, "--config", "criterion_objects=32")
    assert jobs(copy, picture, *config) == {"leave_one_out": 1, "draw_optional": 1}
    snakemake(copy, picture, "--cores", "2", *config)
    rows = list(csv.DictReader((copy / table).open()))
    assert {row["criterion"] for row in rows} == set(criteria("filter")) - {"bn_scale"}  # `original` has no BatchNorm
    assert {row["layer"] for row in rows} == {"conv1", "conv2"}


@pytest.mark.slow
def test_a_budget_of_latency_measures_the_staircase_first(finished, tmp_path):
    method = "{unit: filter, criterion: l1, scope: layer, apply: remove, budget: latency}"
    anywhere = "{unit: filter, criterion: taylor, scope: global, apply: remove, budget: latency}"
    shutil.copytree(finished, tmp_path / "voxprune", dirs_exist_ok=True)
    content = (
        (finished / QUICK).read_text().replace("batch_sizes: [1, 16]", "engines: [torch, openvino]\n  batch_sizes: [1]")
    )
    (tmp_path / "voxprune/mine.yaml").write_text(content + f"methods: {{fast: {method}, anywhere: {anywhere}}}\n")
    child = "results/quick/seed0/fast/level050/checkpoint.safetensors"
    assert jobs(tmp_path / "voxprune", child, "--configfile", "mine.yaml") == {"measure_staircase": 1, "prune_levels": 1}
    picture = "results/quick/staircase/staircase.png"
    snakemake(tmp_path / "voxprune", child, picture, "--cores", "2", "--configfile", "mine.yaml")
    stairs = list(csv.DictReader((tmp_path / "voxprune/results/quick/staircase/staircase.csv").open()))
    assert {row["engine"] for row in stairs} == {"torch", "openvino"}
    assert len({row["widths"] for row in stairs}) == len(stairs) / 2 > 20
    found = load_checkpoint(tmp_path / "voxprune" / child)[0].description["widths"]
    assert str(found) in {row["widths"] for row in stairs} and found["conv1"] < 16
    assert (tmp_path / "voxprune" / picture).read_bytes().startswith(b"\x89PNG")

    child, picture = child.replace("fast", "anywhere"), "results/quick/staircase/methods/anywhere.png"
    first = {"measure_staircase_of_method": 1, "prune_levels": 1}
    assert jobs(tmp_path / "voxprune", child, "--configfile", "mine.yaml") == first
    snakemake(tmp_path / "voxprune", child, picture, "--cores", "2", "--configfile", "mine.yaml")
    stairs = list(csv.DictReader((tmp_path / "voxprune" / picture).with_suffix(".csv").open()))
    found = load_checkpoint(tmp_path / "voxprune" / child)[0].description["widths"]
    assert str(found) in {row["widths"] for row in stairs} and found["conv1"] / 16 != found["conv2"] / 32
    assert (tmp_path / "voxprune" / picture).read_bytes().startswith(b"\x89PNG")


def test_another_devices_figures_make_its_table_and_plot(copy):
    row = {"origin": {"method": "filter", "level_percent": 50, "seed": 0}, "engine": "c", "precision": "float32", "threads": 1,
           "batch_size": 1, "latency_ms": {"p50": 2.5}, "ratio": None, "accuracy_change_points": None}  # fmt: skip
    (copy / "board.json").write_text(json.dumps({"rows": [row]}))
    options = ["--configfile", QUICK, "--config", "device_files=[board.json]"]
    assert jobs(copy, *options) == {"write_tables": 1, "draw_plots": 1, "write_front_page": 1}
    snakemake(copy, "results/quick/tables/devices.md", "--cores", "2", *options)
    assert "| board |" in re.sub(" +", " ", (copy / "results/quick/tables/devices.md").read_text())
    assert "plots/latency_on_devices.png" in snakemake(copy, "-n", *options)


def test_the_report_opens_with_the_answer_and_needs_no_network(finished):
    """Front page, captions and tables are in one file, networks listed by name and seed."""
    snakemake(finished, "--report", "results/quick/report.html", "--configfile", QUICK)
    page = (finished / "results/quick/report.html").read_text()
    assert "quick: how far can the network be pruned?" in page
    for category in ("Accuracy", "Demand", "Networks", "Objects", "Tables", "Training and layers"):
        assert f'"{category}"' in page
    assert "Test accuracy by pruning level, whole and near the parent." in page and '"filter/level050"' in page
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']https?://", page)


def test_a_network_is_exported_as_an_optional_target(copy):
    folder = "results/quick/deploy/filter/level050"
    snakemake(copy, folder, "--cores", "2", "--configfile", QUICK)
    command = [sys.executable, copy / folder / "classify.py", mesh(copy)]
    assert re.search(r"chair_0041.off: (chair|table) \(", subprocess.run(command, capture_output=True, text=True).stdout)


def test_a_bad_mesh_stops_with_a_sentence_or_is_skipped_and_listed(copy):
    mesh(copy).write_text("OFF\n0 0 0\n")
    table = "results/voxels/furniture-quick/16-centred-surface-padding1/test/chair.csv"
    output = snakemake(copy, table, "--cores", "2", "--configfile", QUICK, check=False)
    assert re.search(
        r"chair_0041.off: its header says 0 vertices and 0 faces, so there is no surface; repair or remove it, or set `on_bad_mesh: skip`",
        output,
    )
    (copy / "skip.yaml").write_text(
        (copy / QUICK).read_text().replace("resolution: 16", "resolution: 16\n  on_bad_mesh: skip")
    )
    snakemake(copy, table, "--cores", "2", "--configfile", "skip.yaml")
    rows = {row["file"]: row["status"] for row in csv.DictReader((copy / table).open())}
    assert rows["chair_0041.off"] == "skipped" and rows["chair_0042.off"] == "ok"
    listed = "results/quick/skipped.csv"
    snakemake(copy, listed, "--cores", "2", "--configfile", "skip.yaml")
    [row] = csv.DictReader((copy / listed).open())
    assert (row["split"], row["class"], row["file"]) == ("test", "chair", "chair_0041.off") and "no surface" in row["reason"]


def test_views_are_trained_on_and_vote(finished, tmp_path):
    folder = clone(tmp_path / "voxprune", finished, results=True)
    (folder / "mine.yaml").write_text(
        (folder / QUICK).read_text().replace("experiment: quick", "experiment: turned").replace(
            "resolution: 16", "resolution: 16\n  occupancy: solid\n  views: 3"
        )
    )  # fmt: skip
    metrics = "results/turned/seed0/parent/metrics.json"
    snakemake(folder, metrics, "--cores", "2", "--configfile", "mine.yaml")
    voxels = folder / "results/voxels/furniture-quick/16-centred-solid-padding1-views3"
    assert len(np.load(voxels / "test/chair.npy")) == 36
    found, predictions = read_json(folder / metrics), np.load((folder / metrics).with_name("predictions.npz"))
    assert predictions["logits"].shape == predictions["voted_logits"].shape == (24, 2)
    for kind, key in (("", "logits"), ("voted_", "voted_logits")):
        accuracy = 100 * (predictions[key].argmax(axis=1) == predictions["labels"]).mean()
        assert found[f"{kind}accuracy_percent"] == accuracy


def test_a_preview_is_an_optional_target(finished):
    picture = "results/voxels/furniture-quick/16-centred-surface-padding1/preview.png"
    assert jobs(finished, picture, "--configfile", QUICK) == {"draw_preview": 1}
    snakemake(finished, picture, "--cores", "2", "--configfile", QUICK)
    assert (finished / picture).read_bytes().startswith(b"\x89PNG")
