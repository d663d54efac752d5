"""Any interruption: commands and whole runs are really killed, and the same command ends in the same files."""

import contextlib
import os
import re
import signal
import subprocess
import sys

import psutil
import pytest

from conftest import QUICK, ROOT, snakemake, wait_for
from voxprune.core import interruption

SECONDS = 60  # that nothing here should take


def train(voxels, folder, epochs=40, learning_rate=0.05):
    return [
        sys.executable, ROOT / "scripts/train.py", "--voxels", voxels, "--classes", "chair", "table", "--epochs", epochs,
        "--batch-size", 8, "--learning-rate", learning_rate, "--validation-share", 0.2, "--gpus", 0,
        "--checkpoint", folder / "checkpoint.safetensors", "--curve", folder / "curve.csv",
    ]  # fmt: skip


def prune(voxels, parent, folder):
    return [
        sys.executable, ROOT / "scripts/prune.py", "--parent", parent, "--method", "m", "--unit", "filter", "--criterion", "l1", "--scope", "layer", "--apply", "remove",
        "--levels", 50, "--steps", 2, "--retrain", "finetune", "--epochs", 30, "--learning-rate", 0.01, "--voxels", voxels,
        "--gpus", 0, "--checkpoints", folder / "checkpoint.safetensors", "--curves", folder / "curve.csv",
    ]  # fmt: skip


def hear_ctrl_c():
    """Ctrl-C is ignored by what a shell runs in the background, which may be these tests, and by all that this starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(command, **options):
    """Starts a command in a session of its own, with the environment that Snakemake gives its jobs."""
    environment = {**os.environ, "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env=environment, preexec_fn=hear_ctrl_c, **options,
    )  # fmt: skip


def finish(command):
    """Runs a command to its end; returns what it printed."""
    process = start(command)
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, output
    return output


def kill(command, when, by):
    """Sends a signal to a command once it has printed a line that matches `when`; returns what it printed from there on."""
    process = start(command)
    assert any(re.search(when, line) for line in process.stdout), f"no line {when!r} came"
    process.send_signal(by)
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode != 0
    return output


def state(folder):
    return folder / "checkpoint.safetensors.resume"


@pytest.fixture(scope="module")
def trained(voxels, tmp_path_factory):
    """What an uninterrupted training writes."""
    folder = tmp_path_factory.mktemp("trained")
    finish(train(voxels, folder))
    return folder


# ---- one command ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by, sentence", [
    (signal.SIGINT, "train: interrupted; run the same command again\n"),
    pytest.param(signal.SIGTERM, "train: interrupted; run the same command again\n", marks=pytest.mark.slow),
    (signal.SIGKILL, ""),
])  # fmt: skip
def test_a_killed_training_goes_on_to_the_same_bits(voxels, trained, tmp_path, by, sentence):
    output = kill(train(voxels, tmp_path), "epoch 3/", by)
    assert output.endswith(sentence) and "Traceback" not in output
    assert state(tmp_path).exists() and not (tmp_path / "checkpoint.safetensors").exists()
    assert re.search(r"resumed after epoch \d+\n", finish(train(voxels, tmp_path)))
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == (trained / "checkpoint.safetensors").read_bytes()
    assert not state(tmp_path).exists()
    assert (tmp_path / "curve.csv").read_text().count("\n") == 41


def test_killed_pruning_in_steps_goes_on_to_the_same_bits_and_does_no_step_twice(voxels, trained, tmp_path):
    parent, uninterrupted = trained / "checkpoint.safetensors", tmp_path / "uninterrupted"
    finish(prune(voxels, parent, uninterrupted))
    kill(prune(voxels, parent, tmp_path), "50 %: filters left", signal.SIGKILL)
    output = finish(prune(voxels, parent, tmp_path))
    assert "resumed after epoch 30" in output and output.count("epoch 1/30") == 1
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == (uninterrupted / "checkpoint.safetensors").read_bytes()
    assert not list(tmp_path.glob("*.resume"))


@pytest.mark.slow
def test_a_command_killed_after_its_last_epoch_loses_nothing(voxels, trained, tmp_path):
    kill(train(voxels, tmp_path), "epoch 40/40", signal.SIGKILL)
    assert "epoch 40/40" not in finish(train(voxels, tmp_path))
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == (trained / "checkpoint.safetensors").read_bytes()


def test_a_state_of_other_settings_is_refused_with_a_sentence(voxels, tmp_path):
    kill(train(voxels, tmp_path), "epoch 2/", signal.SIGKILL)
    output = finish(train(voxels, tmp_path, epochs=3))
    assert "resume: not resumed (it belongs to other settings, data or code); training starts afresh\n" in output
    assert "epoch 1/3" in output


# ---- a whole run ---------------------------------------------------------------------------------------------------

PARENT = "results/quick/seed0/parent/checkpoint.safetensors"


@pytest.fixture
def long(copy):
    """The finished quick experiment, whose parent is to be trained for longer: (folder, command)."""
    (copy / "long.yaml").write_text((copy / QUICK).read_text().replace("epochs: 4", "epochs: 60"))
    command = [sys.executable, "-m", "snakemake", PARENT, "--cores", "1", "--configfile", "long.yaml"]
    return copy, command


def start_run(folder, command):
    """A run whose training has left a state."""
    process = start(command, cwd=folder)
    wait_for(lambda: (folder / f"{PARENT}.resume").exists())
    return process


def processes_of(session):
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            found += [process] if os.getsid(process.pid) == session else []
    return found


def test_a_second_run_in_a_folder_is_refused(long):
    folder, command = long
    lock = interruption.lock_folder(folder / ".snakemake/voxprune.lock")
    refused = snakemake(folder, *command[3:], check=False)
    assert re.search(r"Another run works in this folder \(process \d+\); wait for its end", refused)
    lock.close()
    assert (folder / PARENT).exists()


def test_a_killed_run_leaves_no_process_and_no_lock_and_the_same_command_goes_on(long):
    folder, command = long
    run = start_run(folder, command)
    run.kill()
    run.wait()
    wait_for(lambda: not processes_of(run.pid))
    assert not (folder / PARENT).exists() and (folder / f"{PARENT}.resume").exists()
    snakemake(folder, *command[3:])
    log = (folder / "results/quick/logs/seed0/parent/train.log").read_text()
    assert re.match(r"seed 0: resumed after epoch \d+\n", log) and "epoch 60/60" in log
    assert (folder / PARENT).exists() and not (folder / f"{PARENT}.resume").exists()


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.slow
def test_a_run_whose_processes_are_all_killed_goes_on_to_the_same_bits(long, by):
    folder, command = long
    run = start_run(folder, command)
    os.killpg(run.pid, by)
    output, _ = run.communicate(timeout=SECONDS)
    assert run.returncode != 0 and "Traceback" not in output and not (folder / PARENT).exists()
    snakemake(folder, *command[3:])
    resumed = (folder / PARENT).read_bytes()
    assert "resumed after epoch" in (folder / "results/quick/logs/seed0/parent/train.log").read_text()
    snakemake(folder, *command[3:], "--forcerun", "train")
    assert (folder / PARENT).read_bytes() == resumed


def test_the_lock_of_a_folder_is_gone_with_its_process(tmp_path):
    lock = interruption.lock_folder(tmp_path / "lock")
    assert interruption.lock_folder(tmp_path / "lock") == str(os.getpid())
    lock.close()  # as the kernel does at a process's end
    assert interruption.lock_folder(tmp_path / "lock")


def test_a_command_whose_run_is_gone_before_it_begins_ends_at_once():
    """Else a job that starts while Snakemake is killed would go on beside the same job of the next run."""
    gone = subprocess.run([sys.executable, "-c", "from voxprune.core.interruption import this_process; print(this_process())"],
                          cwd=ROOT / "scripts", capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
    waits = "from voxprune.core.interruption import end_when_told; end_when_told(); import time; time.sleep(60)"
    ends = subprocess.run(
        [sys.executable, "-c", waits],
        cwd=ROOT / "scripts",
        env=os.environ | {interruption.RUN: gone},
        capture_output=True,
        timeout=30,
    )
    assert b"KeyboardInterrupt" in ends.stderr
