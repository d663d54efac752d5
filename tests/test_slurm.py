"""A run through a real SLURM, killed twice on its way. `make test-slurm` installs SLURM and runs this; see docs/cluster.md."""

import os
import re
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import psutil
import pytest

import one_machine_slurm as slurm
from conftest import QUICK, clone, snakemake

pytestmark = [pytest.mark.slurm, pytest.mark.skipif(slurm.why_not() is not None, reason=str(slurm.why_not()))]

SECONDS = 900  # that no run here should take
LONGER = ["--config", "training={epochs: 150}"]  # than quick.yaml's training, so that there is time to kill it
CLUSTER = f"--workflow-profile profiles/slurm --cores {slurm.CPUS}".split()
CLUSTER += "--slurm-status-command squeue --slurm-init-seconds-before-status-checks 3".split()  # no accounting; quickly
SEED = "results/quick/seed0"
STATE = f"{SEED}/parent/checkpoint.safetensors.resume"


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slurm")
    try:
        slurm.start(folder)
        yield folder
    finally:
        slurm.stop(folder)


@pytest.fixture(scope="module")
def begin():
    """A function that starts a run on the cluster; what it started doesn't outlive the tests."""
    begun = []

    def start(folder, *arguments):
        command = [sys.executable, "-m", "snakemake", *arguments, *CLUSTER, "--configfile", QUICK]
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        begun.append(subprocess.Popen(
            command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell may have these tests ignore it
        ))  # fmt: skip
        return begun[-1]

    yield start
    for process in begun:
        process.kill()


def wait_for(happened, process):
    """Waits until `happened` is true, which must come before the process's end."""
    until = time.monotonic() + SECONDS
    while not happened():
        assert process.poll() is None, process.stdout.read()[-4000:]
        assert time.monotonic() < until
        time.sleep(0.05)


def training_job():
    """The id of the job that trains the parent and runs, None where there is none."""
    running = [job for job in slurm.jobs() if job["JobState"] == "RUNNING"]
    return next((job["JobId"] for job in running if job["Comment"].startswith("rule_train")), None)


@pytest.fixture(scope="module")
def story(tmp_path_factory, begin):
    """The quick experiment by SLURM: its Snakemake is killed in training, and when the run goes on, its job is cancelled."""
    folder = clone(tmp_path_factory.mktemp("story") / "voxprune")
    killed = begin(folder, *LONGER)
    wait_for((folder / STATE).exists, killed)
    left = training_job()
    killed.kill()
    killed.communicate()
    resumed = begin(folder, *LONGER)
    wait_for(lambda: training_job() not in (None, left), resumed)
    sent = time.time()
    wait_for(lambda: (folder / STATE).exists() and (folder / STATE).stat().st_mtime > sent, resumed)
    cancelled = training_job()
    slurm.run("scancel", cancelled)
    output, _ = resumed.communicate(timeout=SECONDS)
    assert resumed.returncode == 0, output[-6000:]
    return {"folder": folder, "output": output, "left": left, "cancelled": cancelled, "jobs": slurm.jobs()}


def test_the_jobs_went_through_sbatch(story):
    names = {re.match(r"(rule|group)_(\w+?)(_wildcards.*)?$", job["Comment"])[2] for job in story["jobs"]}
    assert {"train", "measure", "measure_parent", "measure_sensitivity"} < names and "draw_plots" not in names
    assert all(job["JobName"].startswith("voxprune_") for job in story["jobs"])
    assert "Done. The answer: results/quick/answer.md" in story["output"]


def test_the_results_equal_those_of_a_local_run_to_the_bit(story, tmp_path):
    local = clone(tmp_path / "voxprune")
    snakemake(local, "--cores", "2", "--until", "evaluate", "evaluate_levels", "--configfile", QUICK, *LONGER)
    kinds = (f"{SEED}/**/checkpoint.safetensors", f"{SEED}/**/predictions.npz", "results/voxels/**/*.npy")
    files = [path.relative_to(local) for kind in kinds for path in local.glob(kind)]
    assert len(files) == 7 + 7 + 4
    assert not [file for file in files if (local / file).read_bytes() != (story["folder"] / file).read_bytes()]


def test_jobs_that_want_the_gpu_never_overlapped(story):
    spans = sorted((when(job["StartTime"]), when(job["EndTime"])) for job in story["jobs"] if "gpu:1" in str(job))
    assert len(spans) > 8
    assert all(one[1] <= other[0] for one, other in zip(spans, spans[1:]))


def when(text):
    return datetime.fromisoformat(text)


def test_measuring_has_its_node_to_itself(story):
    measuring = [
        job for job in story["jobs"] if job["Comment"].startswith(("rule_measure_parent", "rule_measure_wildcards"))
    ]
    assert len(measuring) == 4 and {(job["OverSubscribe"], job["NumCPUs"]) for job in measuring} == {("NO", str(slurm.CPUS))}


def test_what_a_killed_run_left_is_cancelled_and_the_same_command_goes_on(story):
    assert f"SLURM jobs {story['left']}; training goes on where it was" in story["output"]
    states = {job["JobId"]: job["JobState"] for job in story["jobs"]}
    assert states[story["left"]] == "CANCELLED"


def test_a_cancelled_job_is_sent_again_with_more_and_goes_on_after_its_last_epoch(story):
    training = [job for job in story["jobs"] if job["Comment"].startswith("rule_train")]
    assert [job["JobState"] for job in training] == ["CANCELLED", "CANCELLED", "COMPLETED"]
    assert training[1]["JobId"] == story["cancelled"] and training[1]["MinMemoryNode"] != training[2]["MinMemoryNode"]
    log = (story["folder"] / "results/quick/logs/seed0/parent/train.log").read_text()
    assert re.match(r"seed 0: resumed after epoch \d+\n", log) and log.count("epoch 150/150") == 1


def test_the_log_of_a_failing_job_is_shown(story):
    """On the voxels of the story; nothing but training is to do, and it can't be done."""
    options = ["--configfile", QUICK, "--config", "experiment=fails", "training={learning_rate: 1.0e+30}", "--retries", "0"]
    output = snakemake(story["folder"], "results/fails/seed0/parent/checkpoint.safetensors", *CLUSTER, *options, check=False)
    assert "lower `training: learning_rate`" in output and "Stopped. The reason stands in the log above" in output


def test_ctrl_c_cancels_the_jobs_and_leaves_nothing_running(story, begin):
    options = ["--config", "experiment=stopped", "training={epochs: 500}"]
    run = begin(story["folder"], "results/stopped/seed0/parent/checkpoint.safetensors", *options)
    wait_for(lambda: training_job() is not None, run)
    run.send_signal(signal.SIGINT)
    assert run.communicate(timeout=SECONDS) and run.returncode != 0
    until = time.monotonic() + 60
    while slurm.run("squeue", "--noheader"):
        assert time.monotonic() < until
        time.sleep(0.5)
    assert not [
        process
        for process in psutil.process_iter(["cmdline"])
        if f"{story['folder']}" in " ".join(process.info["cmdline"] or ())
    ]
