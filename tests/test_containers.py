"""Containers hold the pinned packages, and every job can run in one. No container is built here: docs/cluster.md says what was."""

import re

import pytest

from conftest import QUICK, ROOT, clone, snakemake

DOCKERFILE, DEFINITION = ((ROOT / name).read_text() for name in ("Dockerfile", "envs/apptainer.def"))
STEPS = ["python", "torch", "packages"]


def test_docker_and_apptainer_build_the_same():
    for text in (DOCKERFILE, DEFINITION):
        assert re.findall(r"^From:? (.*)$", text, re.MULTILINE | re.IGNORECASE) == ["debian:bookworm-slim"]
        assert re.findall(r"bash /opt/voxprune/container.sh (\w+)", text) == STEPS
        assert set(re.findall(r"envs/([\w.]+)\b", text)) >= {"container.sh", "requirements.txt", "constraints.txt"}
    script = (ROOT / "envs/container.sh").read_text()
    assert (
        re.findall(r"^  (\w+)\)", script, re.MULTILINE) == STEPS
        and "install -r requirements.txt -c constraints.txt" in script
    )


def test_a_container_of_docker_runs_without_rights():
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", DOCKERFILE, re.MULTILINE)


@pytest.fixture
def apptainer(tmp_path, monkeypatch):
    """A stand-in for Apptainer that notes how it is called, and runs the command outside of any container."""
    calls = tmp_path / "calls"
    (tmp_path / "apptainer").write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec echo apptainer version 1.3.4\necho "$@" >> {calls}\n'
        'while [ "$1" != -c ]; do shift; done\nexec bash -c "$2"\n'
    )
    (tmp_path / "apptainer").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return calls


def test_every_job_runs_in_the_container(bare, apptainer, tmp_path):
    folder = clone(tmp_path / "voxprune", bare)
    table = "results/voxels/furniture-quick/16-centred-surface-padding1/test/chair.csv"
    output = snakemake(
        folder, table, "results/quick/network.txt", "--sdm", "apptainer", "--cores", "2", "--configfile", QUICK
    )
    called = [line for line in apptainer.read_text().splitlines() if "exec" in line and "scripts/" in line]
    scripts = {re.search(r"scripts/(\w+)\.py", line)[1] for line in called}
    assert scripts == {"generate_furniture", "voxelize", "check_network"}, output
    assert all(" voxprune.sif bash -c " in line for line in called)
