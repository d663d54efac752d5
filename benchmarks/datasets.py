"""One tree of meshes through every kind of data set: are the voxels the same, what does each cost, what does an edit cost?

usage: python benchmarks/datasets.py TREE [--cores 2]     TREE: <class>/<train or test>/*, e.g. ModelNet10 extracted

Runs the workflow's meshes and voxels (32^3) in a scratch copy: the tree as it is, its archive, both other
layouts, and the first again after one mesh of the largest class has changed. CPU seconds are of all processes together.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VOXELS = {"resolution": 32}
GRID = "32-centred-surface-padding1"


def run(folder, name, place, cores):
    """Seconds, CPU seconds and the largest process's megabytes of voxelizing a data set."""
    dataset = {"name": name, "source": "folder", "classes": "all", **{key: str(value) for key, value in place.items()}}
    (folder / "mine.yaml").write_text(json.dumps({"dataset": dataset, "voxels": VOXELS}))
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "snakemake", "--until", "voxelize", "--cores", str(cores), "--configfile", "mine.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - started, cpu, after.ru_maxrss / 1024


def voxels(folder, name):
    tables = sorted((folder / f"results/voxels/{name}/{GRID}").glob("*/*.csv"))
    assert tables, f"no voxels of {name} at {GRID}"
    return {
        f"{table.parent.name}/{table.stem}": (table.with_suffix(".npy").read_bytes(), table.read_text()) for table in tables
    }


def arrange(tree, target, layout):
    """The tree's meshes in another layout, as links."""
    for path in tree.glob("*/*/*"):
        place = target / layout.format(name=path.parent.parent.name, split=path.parent.name)
        place.mkdir(parents=True, exist_ok=True)
        (place / path.name).hardlink_to(path)
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--scratch", type=Path, default=None, help="folder for a copy of the tree (default: the system's)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        folder, tree = Path(scratch) / "voxprune", Path(scratch) / "tree"
        ignored = shutil.ignore_patterns(".git", ".venv", ".snakemake", "results", "data")
        shutil.copytree(ROOT, folder, ignore=ignored)
        shutil.copytree(options.tree.resolve(), tree)
        places = {
            "tree <class>/<split>": {"folder": tree},
            "archive of it": {"archive": shutil.make_archive(f"{scratch}/archive", "zip", tree)},
            "tree <split>/<class>": {"folder": arrange(tree, Path(scratch) / "turned", "{split}/{name}")},
            "tree <class>, drawn": {"folder": arrange(tree, Path(scratch) / "flat", "{name}")},
        }
        print(f"{'data set':28} {'s':>6} {'CPU s':>6} {'MB':>6}  voxels")
        first = None
        for number, (kind, place) in enumerate(places.items()):
            seconds, cpu, megabytes = run(folder, f"kind{number}", place, options.cores)
            found = voxels(folder, f"kind{number}")
            first = first or found
            same = "the same" if found == first else "other"
            if kind == "tree <class>, drawn":  # other splits, so compare meshes
                rows = [sorted(line for _, table in each.values() for line in table.splitlines()) for each in (found, first)]
                same = "the same, drawn otherwise" if rows[0] == rows[1] else "other"
            print(f"{kind:28} {seconds:6.1f} {cpu:6.1f} {megabytes:6.0f}  {same}", flush=True)
        largest = max(tree.glob("*/*"), key=lambda place: sum(1 for _ in place.iterdir()))
        edited, other = sorted(largest.iterdir())[:2]
        content = other.read_bytes()
        edited.unlink()  # the other layouts share the file
        edited.write_bytes(content)
        seconds, cpu, _ = run(folder, "kind0", places["tree <class>/<split>"], options.cores)
        print(f"one mesh of {len(list(largest.iterdir()))} edited        {seconds:6.1f} {cpu:6.1f}")
        seconds, cpu, _ = run(folder, "kind0", places["tree <class>/<split>"], options.cores)
        print(f"nothing edited               {seconds:6.1f} {cpu:6.1f}")


if __name__ == "__main__":
    main()
