"""Meshes to voxels: one mesh to an occupancy grid, the meshes of one class and split to a packed shard."""

import csv
import importlib.metadata
import io
import multiprocessing
import os
import threading
import zipfile
import zlib
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
from tqdm import tqdm

from voxprune.core.errors import InputError
from voxprune.core.files import atomic_write
from voxprune.core.provenance import code_hash, settings_hash
from voxprune.datasets.folders import mesh_hash
from voxprune.meshes.endings import format_files
from voxprune.meshes.read import REMEDY, read_mesh
from voxprune.voxels.open3d_reference import open3d_version, open3d_voxelizer
from voxprune.voxels.placement import occupied
from voxprune.voxels.rasterize import mark_surface

COLUMNS = ("file", "vertices", "triangles", "occupied_voxels", "status", "reason")
LIBRARIES = ("numpy", "numba", "mapbox_earcut")  # whose versions could change a grid
MOST_NAMED = 10  # bad meshes in a sentence
MESHES_A_WORKER = 32  # fewer don't pay for the start of another process


def voxelize(mesh, grid):
    """Occupancy of a mesh in all views, as `placement.occupied` says; cells are found by compiled code."""
    return occupied(mesh, grid, mark_surface)


def pack(occupancy):
    """Packs occupancy, bool (..., R, R, R), eight cells a byte along the last axis: uint8 (..., R, R, ceil(R / 8))."""
    return np.packbits(occupancy, axis=-1)


def unpack(packed, resolution):
    """The inverse of `pack`: bool (..., R, R, R)."""
    return np.unpackbits(packed, axis=-1, count=resolution).astype(bool)


def voxelize_meshes(meshes, shard, table, cache, grid, on_bad_mesh="fail", workers=1, progress=print):
    """Voxelizes meshes, paths, into one shard, and goes on where an interrupted call stopped.

    shard: `.npy` path, uint8 (meshes * views, R, R, ceil(R / 8)), the views of a mesh one after the other.
    table: `.csv` path, a row a mesh (COLUMNS, voxels of the first view); the order of its rows with status `ok` is the
    shard's. cache: folder in which each finished mesh stays under its content's hash, for the next call; those of
    other meshes, settings, code or versions of libraries are removed. workers: processes.
    A bad mesh gets status `skipped` and the reason; with on_bad_mesh="fail" InputError is raised at the end instead, and
    names all of them, so that they can be mended at once. Raises InputError where no mesh is left.
    """
    Path(cache).mkdir(parents=True, exist_ok=True)
    found, folder = [], Path(meshes[0]).parent
    workers = 1 if grid.library == "open3d" else min(workers, len(meshes) // MESHES_A_WORKER)
    codes = {ending: _code(grid, ending) for ending in {path.suffix.lower() for path in meshes}}
    with _maker(grid) as make, _workers(workers, folder) as run:
        work = partial(_voxelize_cached, grid=grid, cache=cache, codes=codes, make=make)
        for path, (key, row) in zip(meshes, tqdm(run(work, meshes), total=len(meshes), unit=" meshes", disable=None)):
            if not key and on_bad_mesh == "skip":
                row["reason"] = row["reason"].removesuffix(f"; {REMEDY}")
            found.append((key, {"file": path.name, **row}))
            if not key:
                progress(f"{'skipped' if on_bad_mesh == 'skip' else 'bad'}: {row['reason']}")
    keys, bad = [key for key, _ in found if key], [row for key, row in found if not key]
    if bad and on_bad_mesh == "fail":
        raise InputError(_all_bad(bad, folder, len(meshes)))
    if not keys:
        raise InputError(f"{folder}: none of its meshes could be voxelized; the reasons stand above")
    _write_shard(shard, (_read_cache(cache, key)[0] for key in keys), len(keys))
    _write_table(table, [row for _, row in found])
    for path in set(Path(cache).iterdir()) - {_cache_file(cache, key) for key in keys}:
        path.unlink()
    progress(f"{shard}: {len(keys)} of {len(meshes)} meshes voxelized")


def _all_bad(bad, folder, count):
    """One sentence about the rows of bad meshes, of `count` in a folder: the first ten and why, then how many more."""
    if len(bad) == 1:
        return bad[0]["reason"]
    facts = [row["reason"].removeprefix(f"{folder / row['file']}: ").removesuffix(f"; {REMEDY}") for row in bad[:MOST_NAMED]]
    named = ", ".join(f"{row['file']} ({fact})" for row, fact in zip(bad, facts))
    more = f", and {len(bad) - MOST_NAMED} more, named in the log" if len(bad) > MOST_NAMED else ""
    return f"{folder}: {len(bad)} of {count} meshes are bad: {named}{more}; {REMEDY.replace('it', 'them')}"


def _code(grid, ending):
    """What a grid depends on besides its mesh and settings: the code that reads meshes of this ending, and libraries."""
    versions = [importlib.metadata.version(name) for name in LIBRARIES]
    code = code_hash("voxelize", *format_files([ending]))
    return [code, *versions, *([open3d_version()] if grid.library == "open3d" else [])]


@contextmanager
def _maker(grid):
    """Yields a function of a mesh's path that gives (occupancy in all views, number of vertices, number of triangles)."""
    if grid.library == "open3d":
        with open3d_voxelizer() as voxelize_as_the_study:
            yield partial(voxelize_as_the_study, resolution=grid.resolution)
    else:
        yield partial(_read_and_voxelize, grid=grid)


def _read_and_voxelize(path, grid):
    mesh = read_mesh(path)
    return voxelize(mesh, grid), len(mesh.vertices), len(mesh.triangles)


def _voxelize_cached(path, grid, cache, codes, make):
    """Makes sure that the voxels of a mesh are kept. Returns their key, None for a bad mesh, and its row."""
    ending = path.suffix.lower()
    key = settings_hash([mesh_hash(path), ending, msgspec.structs.asdict(grid), codes[ending]])
    known = _read_cache(cache, key)
    if known is None:
        try:
            occupancy, vertices, triangles = make(path)
        except InputError as error:
            reason = str(error) if str(path) in str(error) else f"{path}: {error}"
            return None, dict(zip(COLUMNS[1:], (0, 0, 0, "skipped", reason)))
        known = pack(occupancy), np.array([vertices, triangles, occupancy[0].sum()])
        target = _cache_file(cache, key)
        # A damaged file is noticed when it is read, so there is no wait for the disk.
        temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
        with open(temporary, "wb") as file:
            np.savez_compressed(file, packed=known[0], counts=known[1])
        os.replace(temporary, target)
    return key, dict(zip(COLUMNS[1:], (*known[1].tolist(), "ok", "")))


def _cache_file(cache, key):
    return Path(cache) / f"{key}.npz"


def _read_cache(cache, key):
    """(packed voxels, counts) of a mesh that was voxelized before, None where there are none or the file is damaged."""
    try:
        with np.load(_cache_file(cache, key)) as known:
            return known["packed"], known["counts"]
    except (OSError, ValueError, KeyError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return None


def _write_shard(path, grids, count):
    """Writes grids, (views, R, R, ceil(R / 8)) each, one after the other, so that no more than one lies in memory."""
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        for number, packed in enumerate(grids):
            if number == 0:
                shape = (count * len(packed), *packed.shape[1:])
                np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            file.write(packed.tobytes())


def _write_table(path, rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with atomic_write(path) as temporary:
        temporary.write_text(text.getvalue())


@contextmanager
def _workers(count, folder):
    """A map over so many processes, in order; over none where one would be enough."""
    if count < 2:
        yield map
        return
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), initializer=_end_with_parent) as pool:
        try:
            yield partial(pool.map, chunksize=8)
        except BrokenProcessPool as error:
            raise InputError(
                f"{folder}: a process ended early, most likely for want of memory; use fewer cores or a lower resolution"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _end_with_parent():
    """Ends this process when its parent is gone, so that a killed job leaves nobody behind."""

    def wait():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
