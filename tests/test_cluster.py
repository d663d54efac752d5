"""What a run on a cluster needs of the workflow, as far as it can be seen without one; test_slurm.py has a real one."""

import re

import pytest
import yaml

from conftest import QUICK, ROOT, snakemake
from voxprune.core import cluster
from voxprune.core.errors import InputError

PROFILE = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
RULES = "\n".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """A stand-in for SLURM: `squeue` lists the lines of the file that is returned, `scancel` notes what it is given, and
    empties that file where it may."""
    lines, cancelled = tmp_path / "queue", tmp_path / "cancelled"
    for name, script in {
        "squeue": f"cat {lines}",
        "scancel": f"echo $* > {cancelled}; [ -w {lines} ] && : > {lines}",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return lines


def test_only_jobs_that_a_run_began_in_this_folder_are_cancelled(queue, tmp_path):
    here, told = tmp_path.resolve(), []
    queue.write_text(f"12|voxprune_7f|{here}\n13|voxprune_7f|{here}/other\n14|notebook|{here}\n15|voxprune_8a|{here}\n")
    cluster.cancel_jobs_left(tmp_path, told.append)
    assert (tmp_path / "cancelled").read_text() == "12 15\n"
    assert told == ["Cancelling what an interrupted run left in the queue: SLURM jobs 12, 15; training goes on where it was"]


def test_an_empty_queue_is_no_word_and_no_wait(queue, tmp_path):
    queue.write_text("")
    cluster.cancel_jobs_left(tmp_path, pytest.fail)
    assert not (tmp_path / "cancelled").exists()


def test_jobs_that_do_not_end_stop_the_run_with_a_sentence(queue, tmp_path):
    queue.write_text(f"12|voxprune_7f|{tmp_path.resolve()}\n")
    (tmp_path / "scancel").write_text("#!/bin/sh\n")
    with pytest.raises(InputError, match="SLURM jobs 12 of an earlier run don't end; scancel them and run again"):
        cluster.cancel_jobs_left(tmp_path, lambda line: None, patience_s=0)


def test_a_machine_without_slurm_has_no_jobs(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cluster.jobs_left(tmp_path) == []


# ---- resources -----------------------------------------------------------------------------------------------------


def resources(folder, *arguments):
    """{rule: its resources as text} of a dry run."""
    output = snakemake(folder, "-n", "--cores", "2", "--configfile", QUICK, *arguments)
    return dict(re.findall(r"^rule (\w+):\n(?:    .*\n)*?    resources: (.*)$", output, re.MULTILINE))


@pytest.mark.parametrize("nodes", [0, 1])
def test_a_profile_says_what_gpus_the_nodes_have_whatever_this_machine_has(bare, nodes):
    found = resources(bare, "--resources", "gpu=4", f"nodes_have_gpus={nodes}")
    assert f"gpu={nodes}," in found["train"] and f"gpu={nodes}," in found["measure"]


def test_what_trains_prunes_tests_or_measures_says_its_memory_and_time(bare):
    found = resources(bare)
    for rule in ("voxelize", "train", "prune_levels", "evaluate", "evaluate_levels", "measure", "measure_sensitivity"):
        assert {"mem_mb", "runtime"} <= set(re.findall(r"(\w+)=\d+", found[rule])), rule


def test_the_profile_names_rules_that_exist():
    named = {*PROFILE["set-resources"], *PROFILE["groups"], *PROFILE["set-threads"]}
    assert not [rule for rule in named if not re.search(rf"rule (\w+ as )?{rule}\b", RULES)]
    measuring = set(re.findall(r"rule (?:\w+ as )?(measure\w*)", RULES)) - {"measure_sensitivity"}
    assert measuring == set(PROFILE["set-resources"])


def test_the_jobs_of_the_profile_are_found_by_their_name():
    assert PROFILE["slurm-jobname-prefix"] == cluster.JOB_NAME


def test_the_two_profiles_agree_where_they_must():
    local = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text())
    for key in ("rerun-incomplete", "nolock", "show-failed-logs"):
        assert PROFILE[key] == local[key] is True
