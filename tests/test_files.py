"""Files are whole or absent; the hash of code follows its meaning; commands end in one sentence."""

import argparse
import errno

import pytest

from voxprune import provenance
from voxprune.files import InputError, read_json, run_command, whole, write_json


def test_a_broken_write_leaves_the_old_file_and_no_other(tmp_path):
    (tmp_path / "x").write_text("old")
    with pytest.raises(RuntimeError), whole(tmp_path / "x") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x", "old")]


def test_a_full_disk_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="no space left on this disk; free some"), whole(tmp_path / "x") as temporary:
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
    (tmp_path / "voxprune").mkdir()
    (tmp_path / "stage.py").write_text("from voxprune import near\n")
    (tmp_path / "voxprune/near.py").write_text("from voxprune.far import thing\n")
    (tmp_path / "voxprune/far.py").write_text("thing = 1\n")
    (tmp_path / "voxprune/other.py").write_text("thing = 1\n")
    monkeypatch.setattr(provenance, "SCRIPTS", tmp_path)

    def hash_after(file=None, text=None):
        if file:
            (tmp_path / file).write_text(text)
        provenance._tree.cache_clear()
        return provenance.code_hash("stage")

    return hash_after


@pytest.mark.parametrize("file, text, counts", [
    ("voxprune/far.py", "thing = 2\n", True),
    ("voxprune/far.py", "thing  =  1  # a comment\n", False),
    ("voxprune/other.py", "thing = 2\n", False),
    ("stage.py", "from voxprune import near\nprint(near)\n", True),
])  # fmt: skip
def test_code_counts_by_meaning_and_by_what_a_stage_imports(scripts, file, text, counts):
    assert (scripts() != scripts(file, text)) == counts
