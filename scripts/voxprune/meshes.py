"""Meshes on disk: find, read, repair, check, write.

Only this module imports Open3D, and only when a mesh is read: see `open3d`.
"""

import ctypes
import functools
import hashlib
import json
import re
import tempfile
from pathlib import Path

import numpy as np

from voxprune.files import InputError, content_hash, whole

GLUED_HEADER = re.compile(rb"\A(C?N?OFF)[ \t]*(\d)")  # 'OFF3514 3546 0', common in ModelNet40
SYSTEM_PACKAGES = "libegl1 libgl1 libx11-6"


def find_meshes(folder):
    """The `.off` files of a folder, sorted by name. Raises InputError where the folder is missing or empty."""
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of meshes; expected <dataset>/<class>/<train or test>/*.off")
    meshes = sorted(path for path in folder.glob("*.off") if not path.name.startswith("."))
    if not meshes:
        raise InputError(f"{folder}: no .off file in it; add meshes or take this class out of `dataset: classes`")
    return meshes


@functools.cache
def open3d():
    """Open3D, with libusb from its PyPI package where the system has none. Raises InputError where it can't load."""
    import libusb_package

    try:
        ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)
        import open3d as module
    except (ImportError, OSError) as error:
        raise InputError(
            f"Open3D can't load ({error}); on Debian or Ubuntu: sudo apt-get install {SYSTEM_PACKAGES}"
        ) from error
    module.utility.set_verbosity_level(module.utility.VerbosityLevel.Error)
    return module


def read_mesh(path):
    """Reads one `.off` file as an Open3D triangle mesh; larger polygons become triangles, a glued header is repaired.

    Raises InputError for a file that is missing, unreadable, without faces or extent, or with coordinates not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such mesh")
    mesh = _read_repaired(path)
    vertices = np.asarray(mesh.vertices)
    if not len(mesh.triangles):
        raise InputError(f"{path}: Open3D finds no faces in it; repair or remove it, or set `on_bad_mesh: skip`")
    if not np.isfinite(vertices).all():
        raise InputError(f"{path}: a coordinate is not a finite number; repair or remove it, or set `on_bad_mesh: skip`")
    if not np.ptp(vertices, axis=0).max() > 0:
        raise InputError(f"{path}: all its vertices coincide; repair or remove it, or set `on_bad_mesh: skip`")
    return mesh


def _read_repaired(path):
    with open(path, "rb") as file:
        start = file.read(64)
        if not GLUED_HEADER.match(start):
            return open3d().io.read_triangle_mesh(str(path))
        repaired = GLUED_HEADER.sub(rb"\1\n\2", start) + file.read()
    with tempfile.NamedTemporaryFile(suffix=".off") as copy:
        copy.write(repaired)
        copy.flush()
        return open3d().io.read_triangle_mesh(copy.name)


def write_off(path, vertices, faces):
    """Writes one `.off` file. vertices: (n, 3) floats; faces: lists of three or more vertex numbers each."""
    lines = ["OFF", f"{len(vertices)} {len(faces)} 0"]
    lines += ["%.6g %.6g %.6g" % tuple(vertex) for vertex in vertices]
    lines += [" ".join(map(str, (len(face), *face))) for face in faces]
    with whole(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n")


def folder_hash(folder, cache):
    """Hash of the names and contents of a folder's `.off` files, 16 hexadecimal digits.

    cache: folder of remembered hashes, so that a file is read again only when its size or date changes.
    Raises InputError where the folder is missing or holds no mesh.
    """
    folder = Path(folder)
    memory = Path(cache) / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    known = json.loads(memory.read_text()) if memory.exists() else {}
    found = {}
    for path in find_meshes(folder):
        stat = path.stat()
        stamp = [stat.st_size, stat.st_mtime_ns]
        if path.name in known and known[path.name][:2] == stamp:
            found[path.name] = known[path.name]
        else:
            found[path.name] = [*stamp, content_hash([path])]
    if found != known:
        with whole(memory) as temporary:
            temporary.write_text(json.dumps(found))
    contents = [[name, entry[2]] for name, entry in found.items()]
    return hashlib.sha256(json.dumps(contents).encode()).hexdigest()[:16]
