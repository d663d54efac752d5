"""Each job of a machine with several GPUs computes on one of its own. The GPUs are names: what is promised needs none."""

import os
import re
import signal
import subprocess
import sys

import pytest

from conftest import QUICK, ROOT, clone, snakemake
from voxprune.core import gpus

JOB = "import sys; from voxprune.core import gpus; gpus.take_one_gpu(); print(gpus.visible_gpus(), flush=True); sys.stdin.read()"


@pytest.fixture
def job(tmp_path):
    """A function that starts a process which takes a GPU and keeps it: (process, what it printed)."""
    begun = []

    def start(visible="GPU-a,GPU-b"):
        environment = {**os.environ, gpus.VISIBLE: visible, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT / "scripts")}
        begun.append(subprocess.Popen([sys.executable, "-c", JOB], env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE))  # fmt: skip
        lines = []
        while not lines or not lines[-1].startswith("["):
            lines.append(begun[-1].stdout.readline())
            assert lines[-1], "the process ended"
        return begun[-1], "".join(lines)

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def test_jobs_beside_each_other_have_a_gpu_each(job):
    assert "['GPU-a']" in job()[1] and "['GPU-b']" in job()[1]


def test_a_gpu_is_free_again_when_its_job_is_gone_however_it_ended(job):
    first, _ = job()
    job()
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert "['GPU-a']" in job()[1]


def test_a_job_too_many_shares_the_first_and_says_so(job):
    job(), job()
    output = job()[1]
    assert "warning: each of the 2 GPUs has a job; this one shares the first; give --resources gpu=2" in output
    assert "['GPU-a']" in output


def test_one_gpu_is_taken_by_every_job_and_locked_by_none(job, tmp_path):
    assert "['GPU-a']\n" == job("GPU-a")[1] == job("GPU-a")[1]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("visible, found", [("", []), ("-1", []), ("3", ["3"]), ("GPU-a, GPU-b", ["GPU-a", "GPU-b"])])
def test_what_the_user_or_the_cluster_lets_be_seen_counts(monkeypatch, visible, found):
    monkeypatch.setenv(gpus.VISIBLE, visible)
    assert gpus.visible_gpus() == found


@pytest.mark.parametrize("driver, told", [(".", True), ("nowhere", False)])
def test_without_nvmls_library_a_machine_with_a_driver_says_so(monkeypatch, tmp_path, capsys, driver, told):
    monkeypatch.delenv(gpus.VISIBLE, raising=False)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setattr(gpus, "DRIVER", tmp_path / driver)
    assert gpus.visible_gpus() == []
    assert ("warning: GPUs are left unused, because nvidia-ml-py isn't installed" in capsys.readouterr().err) == told


def test_a_run_uses_as_many_gpus_as_it_is_told_and_measures_alone(bare, tmp_path, monkeypatch):
    """Two parents are trained at a time; a dry run says what measuring takes."""
    folder = clone(tmp_path / "voxprune", bare)
    monkeypatch.setenv(gpus.VISIBLE, "GPU-a,GPU-b")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    options = ["--configfile", QUICK, "--config", "experiment=two", "seeds=[0, 1]", "training={epochs: 8}"]
    parents = [f"results/two/seed{seed}/parent/checkpoint.safetensors" for seed in (0, 1)]
    snakemake(folder, *parents, "--cores", "2", "--resources", "gpu=2", *options)
    logs = "".join((folder / f"results/two/logs/seed{seed}/parent/train.log").read_text() for seed in (0, 1))
    assert set(re.findall("computes on (GPU-.), one of 2 GPUs", logs)) == {"GPU-a", "GPU-b"}
    dry = snakemake(folder, "-n", "--cores", "2", "--resources", "gpu=2", *options)
    measuring = re.findall(r"rule measure(?:_parent)?:\n(?:    .*\n)*?    threads: (\d+)\n    resources: (.*)", dry)
    assert len(measuring) == 4 and all(threads == "2" and "gpu=1" in resources for threads, resources in measuring)


@pytest.mark.parametrize("tokens, drawn", [(1, True), (0, False)])
def test_a_run_without_gpu_tokens_waits_for_nothing_of_a_gpu(bare, monkeypatch, tokens, drawn):
    monkeypatch.setenv(gpus.VISIBLE, "GPU-a")
    dry = snakemake(bare, "-n", "--cores", "2", "--resources", f"gpu={tokens}", "--configfile", QUICK)
    assert ("plots/gpu_utilization_by_level.svg" in dry) == drawn
    assert set(re.findall(r"gpu=(\d)", dry.partition("Job stats")[2])) == {str(tokens)}
