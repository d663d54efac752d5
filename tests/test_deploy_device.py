"""bench_device.py and ./classify --bench: figures of the device that a network is to run on, and a choice from them."""

import json
import math
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

import nets
from conftest import ROOT
from made_up import experiment
from voxprune.answer import comparison
from voxprune.core.errors import InputError
from voxprune.deploy import device
from voxprune.deploy.choosing import choose, read_device, read_devices, told
from voxprune.deploy.folder import export
from voxprune.report.device_figures import latency_on_devices, write_device_table
from voxprune.report.figure import write_plot
from voxprune.settings.voxels import Grid

OUTCOMES, SUMMARY, DEMAND = experiment()
LEVELS = comparison.compare(OUTCOMES, SUMMARY, DEMAND, 1.0, 0.95)["levels"]
COMPILED = [("c", "float32")] if device.compiler() else []
CELLS = [*COMPILED, ("onnxruntime", "float32"), ("openvino", "float32")]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A folder with the parent, another network, and the file of both."""
    place = tmp_path_factory.mktemp("device")
    for name, origin in (("parent", ("parent", 0)), ("pruned", ("filter", 50))):
        about = {"origin": dict(zip(("method", "level_percent", "seed"), (*origin, 0)))}
        export(nets.build("original", resolution=8), Grid(8), ["a", "b", "c"], place / name, about=about)
    command = [sys.executable, place / "parent/bench_device.py", "parent", "pruned", "--rounds", "6", "--calls", "2", "--output", "board.json"]  # fmt: skip
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""})
    assert done.returncode == 0, done.stderr
    assert "filter 50 % in onnxruntime float32: min " in done.stdout and "noise in onnxruntime float32" in done.stdout
    return place


def test_each_network_has_a_row_in_each_engine(measured):
    found = json.loads((measured / "board.json").read_text())
    keys = [(row["origin"]["method"], row["engine"], row["precision"]) for row in found["rows"]]
    assert keys == [(method, *cell) for method in ("parent", "filter") for cell in CELLS]
    for row in found["rows"]:
        latency = [row["latency_ms"][name] for name in ("min", "p25", "p50", "p75")]
        assert 0 < latency[0] and latency == sorted(latency) and row["calls"] == 12
        assert row["peak_memory_bytes"] > 1e7 or sys.platform != "linux"
        ratio = row["ratio"]
        assert ratio is None if row["origin"]["method"] == "parent" else ratio["low"] <= ratio["p50"] <= ratio["high"]
    assert [(one["engine"], one["precision"]) for one in found["control"]] == CELLS


def test_the_choice_is_made_for_the_device(measured):
    table = read_device(measured / "board.json", "chairs")
    choice = choose(LEVELS, table, {}, 1)
    rows = table[table["method"] == choice.row["method"]]
    assert choice.row["device"] == "board" and choice.row["latency_ms.p50"] == rows["latency_ms.p50"].min()
    assert "(board, 1 thread, batch 1)" in told(choice, {}, 1)
    assert not choose(LEVELS, table, {"latency_ms": 1e-9}, 1).fits


def test_the_report_takes_a_devices_figures_in(measured, tmp_path):
    rows, experiment = read_devices([measured / "board.json"], "chairs"), {"experiment": "chairs"}
    write_device_table(rows, LEVELS, experiment, tmp_path)
    lines = [line for line in (tmp_path / "devices.md").read_text().splitlines() if line.startswith("| board")]
    assert len(lines) == len(rows) and sum("filter at 50 %" in line for line in lines) == len(CELLS)
    accuracy = LEVELS.loc[(LEVELS["method"] == "filter") & (LEVELS["level_percent"] == 50), "accuracy_percent"].iloc[0]
    assert all(f"{accuracy:.2f} |" in line for line in lines if "filter" in line)
    latencies = [float(line.split("|")[5]) for line in lines]
    assert latencies == sorted(latencies)
    write_plot(tmp_path / "latency_on_devices", latency_on_devices, rows, experiment)
    assert "board" in (tmp_path / "latency_on_devices.svg").read_text()
    assert read_devices([], "chairs") is None


def test_a_file_of_another_experiment_and_two_of_one_name_are_refused(measured, tmp_path):
    row = json.loads((measured / "board.json").read_text())["rows"][0]
    tables = {**row, "origin": {**row["origin"], "experiment": "tables"}}
    with pytest.raises(InputError, match="networks of the experiment tables, not chairs; give that one's results"):
        read_device(_written(tmp_path, [tables]), "chairs")
    assert len(read_device(_written(tmp_path, [tables]), "tables")) == 1
    with pytest.raises(InputError, match="another file has this name too, which is the device's; rename one of them"):
        read_devices([measured / "board.json", _written(tmp_path, [row])], "chairs")


def test_an_engine_has_one_colour_on_all_devices_and_all_stand_in_the_legend(measured, tmp_path):
    rows = json.loads((measured / "board.json").read_text())["rows"]
    (tmp_path / "plain.json").write_text(json.dumps({"rows": [row for row in rows if row["engine"] == "openvino"]}))
    devices = read_devices([tmp_path / "plain.json", measured / "board.json"], "chairs")
    figure = Figure(layout="constrained")
    latency_on_devices(figure.subplots(), devices, {"experiment": "chairs"})
    colours = [{line.get_label(): line.get_color() for line in panel.lines} for panel in figure.axes]
    assert colours[0] == colours[1] and len(set(colours[0].values())) == len(CELLS)
    assert len(figure.legends[0].get_texts()) == len(CELLS)


def test_an_engine_that_one_network_has_no_file_for_is_told(measured, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(measured / "pruned", bare)
    (bare / "model.onnx").unlink()
    told = list(device.left_out([device.network(measured / "parent"), device.network(bare)]))
    assert f"left out onnxruntime float32: {bare} has no model.onnx" in told
    assert not list(device.left_out([device.network(measured / "parent")]))


def test_what_eight_bits_change_is_part_of_the_accuracy(measured, tmp_path):
    content = json.loads((measured / "board.json").read_text())
    row = next(row for row in content["rows"] if row["origin"]["method"] == "filter")
    plain = choose(LEVELS, read_device(_written(tmp_path, [row]), "chairs"), {}, 1).row
    changed = {**row, "precision": "int8", "accuracy_change_points": [-2.0, -3.0, -1.0]}
    choice = choose(LEVELS, read_device(_written(tmp_path, [changed]), "chairs"), {}, 1)
    for name in ("accuracy_percent", "difference_points", "difference_points_low"):
        assert choice.row[name] == pytest.approx(plain[name] - 2)
    assert "of which int8 makes -2.00 (-3.00 to -1.00)" in told(choice, {}, 1)
    assert not choose(LEVELS, read_device(_written(tmp_path, [changed]), "chairs"), {"loss_points": 2}, 1).fits


def _written(folder, rows):
    (folder / "board.json").write_text(json.dumps({"rows": rows}))
    return folder / "board.json"


def test_a_device_that_measured_something_else_is_refused(measured, tmp_path):
    row = json.loads((measured / "board.json").read_text())["rows"][0]
    for content in (
        [],
        {"rows": [{**row, "origin": None}]},
        {"rows": [{"engine": "c"}]},
        [{"class": "chair"}],
        {"rows": []},
    ):
        (tmp_path / "other.json").write_text(json.dumps(content))
        with pytest.raises(InputError, match="other.json: it isn't what bench_device.py"):
            read_device(tmp_path / "other.json", "chairs")


@pytest.mark.skipif(not COMPILED or shutil.which("make") is None, reason="no C compiler or no make is installed")
def test_the_c_program_gives_the_same_keys(measured, cube, tmp_path):
    subprocess.run(["make", "-s", "CFLAGS=-O0"], cwd=measured / "pruned", check=True)
    done = subprocess.run([measured / "pruned/classify", "--bench", "--json", cube], capture_output=True, text=True)
    (tmp_path / "board.json").write_text(done.stdout)
    row = json.loads((measured / "board.json").read_text())["rows"][-1]
    found = json.loads(done.stdout)[0]["bench"]
    assert list(found) == list(row) and list(found["latency_ms"]) == list(row["latency_ms"])
    assert found["origin"] == row["origin"] and found["engine"] == "c" and found["calls"] == 200
    if sys.platform == "linux":
        assert 1e5 < found["peak_memory_bytes"] < 1e7
    assert choose(LEVELS, read_device(tmp_path / "board.json", "chairs"), {}, 1).row["engine"] == "c"


@pytest.mark.skipif(not COMPILED, reason="no C compiler is installed")
def test_all_engines_measure_the_same_network(measured):
    one = device.network(measured / "pruned")
    voxels = device.voxels(8)
    logits = [np.array(device.runner(one, *cell)(voxels)) for cell in CELLS]
    for found in logits[1:]:
        assert np.abs(found - logits[0]).max() < 1e-4 * np.abs(logits[0]).max()


def test_ratios_are_paired_and_their_interval_holds_what_it_says():
    noise = np.random.default_rng(0).lognormal(0, 0.5, (40, 1))  # of whole rounds, which pairing takes out
    assert device.ratio(3 * noise, noise) == pytest.approx({"p50": 3, "low": 3, "high": 3})
    assert device.ratio(noise[:5], noise[:5])["low"] is None
    for count in range(6, 60):
        rank = device._rank(count)
        assert outside(count, rank) <= 0.05 < outside(count, rank + 1)


def outside(count, rank):
    """The chance that the median doesn't lie between the values so far from both ends."""
    return 2 * sum(math.comb(count, number) for number in range(rank + 1)) / 2**count


def test_one_sentence_for_each_fault(measured, tmp_path):
    def run(*arguments):
        command = [sys.executable, ROOT / "scripts/bench_device.py", *arguments, "--output", tmp_path / "o.json"]
        return subprocess.run(command, capture_output=True, text=True)

    for done, words in (
        (run(tmp_path), "it holds no labels.json"),
        (run(measured / "parent", "--rounds", "0"), "--rounds and --calls are numbers from 1"),
    ):
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and words in done.stderr
