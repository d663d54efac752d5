import fcntl
import os
import re
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import snakemake_process
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
QUICK = "experiments/quick.yaml"

CUBE = """OFF
8 6 0
0 0 0
1 0 0
1 1 0
0 1 0
0 0 1
1 0 1
1 1 1
0 1 1
4 0 3 2 1
4 4 5 6 7
4 0 1 5 4
4 1 2 6 5
4 2 3 7 6
4 3 0 4 7
"""


LONGEST = ["test_workflow", "test_deploy_c_code", "test_interruption", "test_reruns", "test_data_set_kinds", "test_safety"]


def pytest_collection_modifyitems(items):
    """The files that take longest come first, so that no process works alone at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture
def cube(tmp_path):
    """A folder with one `.off` file, the unit cube out of quads."""
    (tmp_path / "cube.off").write_text(CUBE)
    return tmp_path / "cube.off"


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def voxels(tmp_path_factory):
    """A folder of shards: 20 training and 4 test objects of each of two classes, 8^3."""
    from voxprune.voxels.voxelize import pack

    folder, rng = tmp_path_factory.mktemp("voxels"), np.random.default_rng(0)
    for split, count in (("train", 20), ("test", 4)):
        (folder / split).mkdir()
        for name, share in (("chair", 0.2), ("table", 0.3)):
            np.save(folder / split / f"{name}.npy", pack(rng.random((count, 8, 8, 8)) < share))
            rows = [f"{name}_{number}.off,8,12,100,ok,\n" for number in range(count)]
            (folder / split / f"{name}.csv").write_text(
                "file,vertices,triangles,occupied_voxels,status,reason\n" + "".join(rows)
            )
    return folder


def clone(target, source=ROOT, results=False):
    """A copy of the workflow as git would clone it, with the results of `source` or without, dates kept.

    Compiled code comes with it, which saves some seconds a clone.
    """
    bare = shutil.ignore_patterns(".git", ".venv", ".hypothesis", ".pytest_cache")
    more = shutil.ignore_patterns(".snakemake", *(() if results else ("results", "data")))
    shutil.copytree(source, target, ignore=lambda *names: bare(*names) | (set() if results else more(*names)))
    return target


def snakemake(folder, *arguments, check=True):
    """Runs `snakemake ARGUMENTS`, targets first, since --configfile takes several; returns stdout and stderr together."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    status, output = snakemake_process.run(arguments, folder, environment)
    assert not check or status == 0, output[-4000:]
    return output


def jobs(folder, *arguments):
    """What a dry run would do: {rule: number of jobs}, {} for nothing."""
    output = snakemake(folder, *arguments, "-n", "--quiet", "rules", "--cores", "2")
    if "Nothing to be done" in output:
        return {}
    table = re.search(r"^job +count\n[- ]+\n(.*?)\n\n", output, re.MULTILINE | re.DOTALL).group(1)
    counts = {rule: int(count) for rule, count in (line.split() for line in table.splitlines())}
    return {rule: count for rule, count in counts.items() if rule not in ("all", "total")}


def wait_for(condition):
    """Waits until a function returns something true, for at most a minute."""
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


REPORT = {"summarise": 1, "write_answer": 1, "write_tables": 1, "draw_plots": 1, "draw_pictures": 1, "write_front_page": 1}


def mesh(folder):
    """One mesh of the quick experiment."""
    return folder / "data/meshes/furniture-quick/chair/test/chair_0041.off"


@pytest.fixture(scope="session")
def bare(tmp_path_factory):
    return clone(tmp_path_factory.mktemp("bare") / "voxprune")


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The quick experiment, run for real from a bare clone: once, for all processes that share these tests."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with open(shared / "finished.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "finished").exists():
            folder = clone(shared / "unfinished")
            output = snakemake(folder, "--cores", "all", "--resources", "gpu=1", "--configfile", QUICK)
            assert "Done. The answer: results/quick/answer.md   tables: results/quick/tables/" in output
            folder.rename(shared / "finished")
    return clone(tmp_path_factory.mktemp("finished") / "voxprune", shared / "finished", results=True)


@pytest.fixture
def copy(finished, tmp_path):
    return clone(tmp_path / "voxprune", finished, results=True)
