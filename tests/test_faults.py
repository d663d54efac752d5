"""Every fault ends with one sentence that says what to do, and nothing is lost: disks really are full or read-only.

Where this machine lets no test mount anything, a full disk is stood in for by a limit on the size of files
(RLIMIT_FSIZE), and a read-only one by permissions, which root doesn't feel.
"""

import contextlib
import os
import pickle
import resource
import subprocess

import evaluate
import numpy as np
import pytest
import torch
import train
from safetensors.torch import save_file

import nets
from conftest import QUICK, snakemake
from voxprune.core.command import run_command
from voxprune.core.errors import InputError
from voxprune.core.files import atomic_write, write_csv, write_json
from voxprune.core.memory import enough_memory
from voxprune.networks.architectures import original
from voxprune.networks.checkpoint import load_checkpoint, save_checkpoint
from voxprune.training import fit


def mount(*arguments):
    """Whether this machine let us mount."""
    return subprocess.run(["mount", *map(str, arguments)], capture_output=True).returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """A function of kilobytes that gives a folder which holds no more, and one that lifts the limit."""
    folder, limits = tmp_path / "disk", resource.getrlimit(resource.RLIMIT_FSIZE)
    folder.mkdir()

    def limit(kilobytes):
        if not mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder):
            resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 512, limits[1]))
        return folder

    def lift():
        mount("-o", "remount,size=100m", folder)
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    yield limit, lift
    lift()
    subprocess.run(["umount", folder], capture_output=True)


@contextlib.contextmanager
def read_only(folder):
    """The folder can't be written to meanwhile."""
    if mount("--bind", folder, folder):
        assert mount("-o", "remount,ro,bind", folder)
    elif os.geteuid():
        folder.chmod(0o555)
    else:
        pytest.skip("root without the right to mount can write everywhere")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], capture_output=True)
        folder.chmod(0o755)


def sentence_of(stage, *arguments):
    """What a command that must fail ends with."""
    try:
        with pytest.raises(SystemExit) as stop:
            run_command(stage.main, stage.parse(), list(map(str, arguments)))
    finally:
        torch.use_deterministic_algorithms(False)
    assert "\n" not in stop.value.code
    return stop.value.code


def training_options(voxels, folder, epochs=3):
    return [
        "--voxels", voxels, "--classes", "chair", "table", "--epochs", epochs, "--batch-size", 8, "--learning-rate", 0.05,
        "--gpus", 0, "--checkpoint", folder / "checkpoint.safetensors", "--curve", folder / "curve.csv",
    ]  # fmt: skip


def evaluation_options(voxels, checkpoint, parent, folder):
    return [
        "--checkpoints", checkpoint, "--parent", parent, "--voxels", voxels, "--gpus", 0,
        "--metrics", folder / "metrics.json", "--predictions", folder / "predictions.npz",
    ]  # fmt: skip


@pytest.fixture
def checkpoint(voxels, tmp_path):
    """A trained parent."""
    run_command(train.main, train.parse(), list(map(str, training_options(voxels, tmp_path))))
    torch.use_deterministic_algorithms(False)
    return tmp_path / "checkpoint.safetensors"


# ---- a full disk ---------------------------------------------------------------------------------------------------


def test_training_on_a_full_disk_stops_with_a_sentence_and_goes_on_from_its_last_epoch(voxels, small_disk, tmp_path, capsys):
    limit, lift = small_disk
    folder = limit(900)  # one state fits, but not the next beside it
    sentence = sentence_of(train, *training_options(voxels, folder))
    assert sentence.endswith("resume: no space left on this disk; free some and run the same command again")
    kept = [path.name for path in folder.iterdir()]
    assert kept in (["checkpoint.safetensors.resume"], [])  # the limit on file sizes lets not even one be written
    lift()
    for where in (folder, tmp_path):
        run_command(train.main, train.parse(), list(map(str, training_options(voxels, where))))
    assert ("resumed after epoch 1" in capsys.readouterr().out) == bool(kept)
    assert (folder / "checkpoint.safetensors").read_bytes() == (tmp_path / "checkpoint.safetensors").read_bytes()


def make_checkpoint(path):
    save_checkpoint(nets.build("original"), path, nets.ORIGIN)


def save_state(path):
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        torch.save({"x": torch.zeros(100_000)}, file)


def save_array(path):
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.save(file, np.zeros(100_000))


def save_arrays(path):
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, x=np.zeros(100_000))


def save_json(path):
    write_json(path, list(range(100_000)))


def save_curve(path):
    write_csv(path, [dict.fromkeys(fit.CURVE, 0.123456789)] * 10_000)


@pytest.mark.parametrize("write", [make_checkpoint, save_state, save_array, save_arrays, save_json, save_curve])
def test_no_file_is_left_half_written_on_a_full_disk(write, small_disk):
    limit, _ = small_disk
    folder = limit(128)
    (folder / "file").write_text("old")
    with pytest.raises(InputError, match="file: no space left on this disk; free some and run the same command again"):
        write(folder / "file")
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("file", "old")]


# ---- a folder that can't be written --------------------------------------------------------------------------------


def test_a_read_only_folder_is_a_sentence(voxels, tmp_path):
    (tmp_path / "results").mkdir()
    with read_only(tmp_path / "results"):
        sentence = sentence_of(train, *training_options(voxels, tmp_path / "results"))
    assert sentence.endswith("this folder can't be written; change its permissions or run elsewhere")


@pytest.mark.parametrize("missing, sentence", [
    (["metrics.json", "predictions.npz"], "results: this folder can't be written; change its permissions or run elsewhere"),
    (["metrics.json"], "Write-protected output files for rule evaluate_levels"),  # Snakemake's own words, where outputs are there
])  # fmt: skip
def test_a_run_with_read_only_results_stops_before_any_job(copy, missing, sentence):
    folder = "results/quick/seed0/filter/level050"
    for name in missing:
        for path in (copy / folder).parent.glob(f"level*/{name}"):  # one job writes them all
            path.unlink()
    with read_only(copy / "results"):
        output = snakemake(copy, f"{folder}/metrics.json", "--cores", "1", "--configfile", QUICK, check=False)
    assert sentence in output
    assert "Error in rule" not in output


# ---- memory --------------------------------------------------------------------------------------------------------


def gpu_is_full(*arguments, **options):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nGPU 0 has 1 GiB free.")


def test_training_out_of_gpu_memory_names_batch_size_and_resolution(voxels, tmp_path, monkeypatch):
    monkeypatch.setattr("voxprune.training.step.cross_entropy", gpu_is_full)
    assert sentence_of(train, *training_options(voxels, tmp_path)) == (
        "train: out of GPU memory with batches of 8 at resolution 8; lower `training: batch_size` or `voxels: resolution`"
    )


def test_evaluating_out_of_gpu_memory_names_batch_size_and_resolution(voxels, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(original.Network, "forward", lambda self, x: gpu_is_full() if len(x) > 1 else x.new_zeros(1, 2))
    sentence = sentence_of(evaluate, *evaluation_options(voxels, checkpoint, checkpoint, tmp_path))
    assert sentence.startswith("evaluate: out of GPU memory with batches of 16 at resolution 8; lower")


@pytest.mark.parametrize("fill", [lambda: torch.empty(1 << 50), lambda: np.empty(1 << 50)])
def test_out_of_memory_on_the_processor_is_told_too(fill):
    with pytest.raises(InputError, match="out of memory with batches of 64 at resolution 32; lower it"):
        with enough_memory(64, 32, "lower it"):
            fill()


def test_other_errors_are_not_taken_for_want_of_memory():
    with pytest.raises(RuntimeError, match="shapes"), enough_memory(64, 32, "lower it"):
        raise RuntimeError("shapes don't match")


# ---- files that are not what they should be ------------------------------------------------------------------------


class Trap:
    """What a malicious pickle does when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-1000])


def one_bit_flipped(path):
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)


def emptied(path):
    path.write_bytes(b"")


def other_tensors(path):
    save_file({"weight": torch.zeros(3)}, path)


def a_pickle(path):
    path.write_bytes(pickle.dumps(Trap(path.with_name("sprung"))))


def a_pickle_of_torch(path):
    torch.save({"weight": Trap(path.with_name("sprung"))}, path)


def another_program_as_network(path):
    network = load_checkpoint(path)[0]
    network.description["network"] = "os:mkdir"
    network.description["resolution"] = str(path.with_name("sprung"))
    save_checkpoint(network, path, nets.ORIGIN)


@pytest.mark.parametrize("damage", [cut_short, one_bit_flipped, emptied, other_tensors, a_pickle, a_pickle_of_torch,
                                    another_program_as_network])  # fmt: skip
def test_a_damaged_or_foreign_checkpoint_is_a_sentence_and_runs_nothing(voxels, checkpoint, tmp_path, damage):
    damage(checkpoint)
    sentence = sentence_of(evaluate, *evaluation_options(voxels, checkpoint, checkpoint, tmp_path))
    assert (
        "not a voxprune checkpoint (" in sentence
        and sentence.endswith("; delete it and run again")
        or ("network 'os:mkdir' is no torch.nn.Module" in sentence)
    )
    assert not (tmp_path / "sprung").exists() and not (tmp_path / "metrics.json").exists()


@pytest.mark.parametrize("damage", [cut_short, emptied, a_pickle])
def test_a_damaged_shard_is_a_sentence(voxels, tmp_path, damage):
    for path in voxels.rglob("*.*"):
        (tmp_path / path.relative_to(voxels)).parent.mkdir(exist_ok=True)
        (tmp_path / path.relative_to(voxels)).write_bytes(path.read_bytes())
    damage(tmp_path / "train/table.npy")
    assert "train/table.npy: damaged (" in sentence_of(train, *training_options(tmp_path, tmp_path))
    assert not (tmp_path / "train/sprung").exists()


def test_a_missing_file_is_a_sentence(voxels, tmp_path):
    sentence = sentence_of(evaluate, *evaluation_options(voxels, tmp_path / "x", tmp_path / "x", tmp_path))
    assert sentence.endswith("x: no such checkpoint; run the job that makes it first")
