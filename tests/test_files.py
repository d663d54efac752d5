"""Files are whole or absent; the hash of code follows its meaning; commands end in one sentence."""

import argparse
import errno
import os
import subprocess
import sys
import time

import pytest

from conftest import ROOT
from voxprune.core import provenance
from voxprune.core.command import run_command
from voxprune.core.errors import InputError
from voxprune.core.files import atomic_write, read_json, write_json


def test_a_broken_write_leaves_the_old_file_and_no_other(tmp_path):
    (tmp_path / "x").write_text("old")
    with pytest.raises(RuntimeError), atomic_write(tmp_path / "x") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x", "old")]


def test_content_is_on_the_disk_before_its_name(tmp_path, monkeypatch):
    """Else a power loss could leave the name with nothing behind it."""
    done = []
    monkeypatch.setattr("os.fsync", lambda file: done.append(("fsync", os.readlink(f"/proc/self/fd/{file}"))))
    monkeypatch.setattr("os.replace", lambda *paths: done.append(("replace", str(paths[0]))))
    with atomic_write(tmp_path / "x") as temporary:
        temporary.write_text("new")
    assert done == [("fsync", str(temporary)), ("replace", str(temporary))]


def test_what_a_killed_writer_left_is_removed_and_never_read(tmp_path):
    for name, age in ((".x.123.part", 2 * 3600), (".x.124.part", 60), (".y.123.part", 2 * 3600)):
        (tmp_path / name).write_text("half")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    with atomic_write(tmp_path / "x") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "x").read_text() == "new"
    assert {path.name for path in tmp_path.iterdir()} == {"x", ".x.124.part", ".y.123.part"}


def test_two_writers_never_mix(tmp_path):
    """What a killed run left running may still write: the file is always one writer's, whole."""
    content = {name: name * 1_000_000 for name in "ab"}
    code = "import sys; from voxprune.core.files import atomic_write\n"
    code += "for _ in range(20):\n with atomic_write(sys.argv[1]) as t: t.write_text(sys.argv[2] * 1_000_000)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    writers = [subprocess.Popen([sys.executable, "-c", code, tmp_path / "x", name], env=environment) for name in content]
    while any(writer.poll() is None for writer in writers):
        if (tmp_path / "x").exists():
            assert (tmp_path / "x").read_text() in content.values()
    assert [writer.returncode for writer in writers] == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_full_disk_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="no space left on this disk; free some"), atomic_write(tmp_path / "x") as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_json_refuses_what_json_has_not(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"accuracy": float("nan")})
    assert not list(tmp_path.iterdir())
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(InputError, match="x.json: not valid JSON"):
        read_json(tmp_path / "x.json")


def test_a_command_ends_in_one_sentence():
    def main(options):
        raise InputError("a.off: is bad; mend it")

    with pytest.raises(SystemExit) as stop:
        run_command(main, argparse.ArgumentParser(prog="stage"), [])
    assert stop.value.code == "stage: a.off: is bad; mend it"


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    for package in ("a", "b"):
        (tmp_path / "voxprune" / package).mkdir(parents=True)
    (tmp_path / "stage.py").write_text("from voxprune.a import near\n")
    (tmp_path / "voxprune/a/near.py").write_text("from voxprune.b.far import thing\n")
    (tmp_path / "voxprune/b/far.py").write_text("thing = 1\n")
    (tmp_path / "voxprune/b/other.py").write_text("thing = 1\n")
    monkeypatch.setattr(provenance, "SCRIPTS", tmp_path)

    def hash_after(file=None, text=None):
        if file:
            (tmp_path / file).write_text(text)
        provenance._code_and_imports.cache_clear()
        return provenance.code_hash("stage")

    return hash_after


@pytest.mark.parametrize("file, text, counts", [
    ("voxprune/b/far.py", "thing = 2\n", True),
    ("voxprune/b/far.py", "thing  =  1  # a comment\n", False),
    ("voxprune/b/other.py", "thing = 2\n", False),
    ("stage.py", "from voxprune.a import near\nprint(near)\n", True),
])  # fmt: skip
def test_code_counts_by_meaning_and_by_what_a_stage_imports(scripts, file, text, counts):
    assert (scripts() != scripts(file, text)) == counts


def test_code_in_a_folder_that_cannot_be_written_has_the_same_hash(scripts, monkeypatch):
    """Such as an installation of root's: what was read of the code isn't kept then, and nothing fails."""

    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    kept = scripts()
    monkeypatch.setattr(os, "replace", refuse)
    assert scripts("voxprune/b/far.py", "thing = 2\n") != kept
    assert scripts("voxprune/b/far.py", "thing = 1\n") == kept
