"""Every kind and layout of data set: the same voxels, and no job without need."""

import json
import re
import shutil

import pytest
import trimesh

from conftest import clone, jobs, snakemake
from voxprune.datasets import furniture


@pytest.fixture(scope="session")
def meshes(tmp_path_factory):
    """Two classes of few meshes, <class>/<split>/*, one of them in another format."""
    folder = tmp_path_factory.mktemp("meshes")
    for name in ("chair", "table"):
        furniture.generate(name, folder / name / "train", range(1, 6), seed=0)
        furniture.generate(name, folder / name / "test", range(6, 9), seed=0)
        mesh = folder / name / "test" / f"{name}_0006.off"
        trimesh.load_mesh(mesh, process=False).export(mesh.with_suffix(".obj"))
        mesh.unlink()
    return folder


def arrange(meshes, target, layout):
    """A copy of the meshes in another layout."""
    for path in meshes.glob("*/*/*"):
        place = target / layout.format(name=path.parent.parent.name, split=path.parent.name) / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    return target


def shards(folder, dataset):
    """{<split>/<class>: its voxels and their names} of a data set at 16^3."""
    voxels = folder / f"results/voxels/{dataset}/16-centred-surface-padding1"
    return {
        f"{table.parent.name}/{table.stem}": (table.with_suffix(".npy").read_bytes(), table.read_text())
        for table in voxels.glob("*/*.csv")
    }


KINDS = ["tree", "turned", "flat", "archive"]


@pytest.fixture(scope="session")
def voxelized(tmp_path_factory, meshes):
    """A clone in which the same meshes are data sets of every kind and layout, and the config of each."""
    folder = clone(tmp_path_factory.mktemp("kinds") / "voxprune")
    arrange(meshes, folder / "mine/tree", "{name}/{split}")
    arrange(meshes, folder / "mine/turned", "{split}/{name}")
    arrange(meshes, folder / "mine/flat", "{name}")
    shutil.make_archive(folder / "mine/tree", "zip", folder / "mine/tree")
    for kind in KINDS:
        place = {"archive": "mine/tree.zip"} if kind == "archive" else {"folder": f"mine/{kind}"}
        dataset = {"name": kind, "source": "folder", "classes": "all", "test_percent": 37.5, **place}
        (folder / f"{kind}.yaml").write_text(json.dumps({"dataset": dataset, "voxels": {"resolution": 16}}))
        snakemake(folder, "--until", "voxelize", "--cores", "2", "--configfile", f"{kind}.yaml")
    return folder


def test_every_kind_of_data_set_gives_the_same_voxels(voxelized, meshes):
    found = shards(voxelized, "tree")
    assert sorted(found) == ["test/chair", "test/table", "train/chair", "train/table"]
    assert "chair_0006.obj" in found["test/chair"][1] and found["test/chair"][1].count("ok") == 3
    assert shards(voxelized, "turned") == shards(voxelized, "archive") == found
    flat = shards(voxelized, "flat")
    for name in ("chair", "table"):
        assert flat[f"test/{name}"][1].count("ok") == 3 and flat[f"train/{name}"][1].count("ok") == 5
        rows = [line for split in ("train", "test") for line in flat[f"{split}/{name}"][1].splitlines()[1:]]
        expected = [line for split in ("train", "test") for line in found[f"{split}/{name}"][1].splitlines()[1:]]
        assert sorted(rows) == sorted(expected)


@pytest.mark.parametrize(
    "kind", ["tree", pytest.param("turned", marks=pytest.mark.slow), pytest.param("flat", marks=pytest.mark.slow), "archive"]
)
def test_what_reruns_in_every_kind_of_data_set(voxelized, tmp_path, kind):
    """Touching a mesh reruns nothing; changing it, its class; one removed, the same."""
    folder = clone(tmp_path / "voxprune", voxelized, results=True)
    again = lambda: jobs(folder, "--until", "voxelize", "--configfile", f"{kind}.yaml")
    archive = folder / "mine/tree.zip"
    path = archive if kind == "archive" else next((folder / "mine" / kind).rglob("chair_0001.off"))
    path.touch()
    assert again() == {}
    if kind == "archive":
        (folder / "mine/tree/chair/train/chair_0001.off").unlink()
        shutil.make_archive(archive.with_suffix(""), "zip", folder / "mine/tree")
        assert again() == {"extract_archive": 2, "voxelize": 2}
        return
    path.write_text(path.with_name("chair_0002.off").read_text())
    assert again() == {"voxelize": 1}
    path.unlink()
    assert again() == {"voxelize": 1}


@pytest.mark.slow
def test_experiments_with_some_classes_of_an_archive_leave_each_other_alone(voxelized, tmp_path):
    """f with all classes, g with two of them, f again: nothing of f reruns."""
    folder = clone(tmp_path / "voxprune", voxelized, results=True)
    for path in (folder / "mine/tree/chair").glob("*/*"):
        (folder / "mine/tree/bed" / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / "mine/tree/bed" / path.parent.name / path.name.replace("chair", "bed"))
    shutil.make_archive(folder / "mine/tree", "zip", folder / "mine/tree")
    for experiment, classes in (("f", "all"), ("g", ["chair", "table"])):
        dataset = {"name": "shared", "source": "folder", "classes": classes, "archive": "mine/tree.zip"}
        (folder / f"{experiment}.yaml").write_text(
            json.dumps({"experiment": experiment, "dataset": dataset, "voxels": {"resolution": 16}})
        )
    snakemake(folder, "results/f/skipped.csv", "--cores", "2", "--configfile", "f.yaml")
    assert jobs(folder, "results/g/skipped.csv", "--configfile", "g.yaml") == {"list_skipped": 1}
    snakemake(folder, "results/g/skipped.csv", "--cores", "2", "--configfile", "g.yaml")
    assert jobs(folder, "results/f/skipped.csv", "--configfile", "f.yaml") == {}
    for path in (folder / "data/meshes/shared/bed/test").iterdir():
        path.unlink()
    output = snakemake(folder, "results/f/skipped.csv", "--cores", "2", "--configfile", "f.yaml", check=False)
    assert "shared/bed/test: no mesh in it" in output and "Traceback" not in output


def test_modelnet_is_extracted_whole_whatever_classes_are_used(bare, tmp_path):
    """So that experiments with some of its classes share it: the same job, to the letter."""
    commands = set()
    for classes in ("all", ["chair", "table"]):
        dataset = {"name": "modelnet10", "source": "modelnet10", "classes": classes}
        (tmp_path / "mine.yaml").write_text(json.dumps({"dataset": dataset}))
        output = snakemake(bare, "-n", "-p", "--until", "fetch_modelnet", "--configfile", tmp_path / "mine.yaml")
        commands.add((re.search("python scripts/fetch_modelnet.*", output)[0], re.search(" output: (.*)", output)[1]))
    assert len(commands) == 1
