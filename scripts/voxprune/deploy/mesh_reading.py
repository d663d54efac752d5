"""The one place where a deployed classifier takes the mesh readers from."""

import sys

from voxprune.files import InputError


def read(path):
    """A mesh from any format that voxprune reads: see `voxprune.meshes.read_mesh`, whose errors these are.

    Raises InputError too where a format needs a package that isn't installed.
    """
    try:
        import mapbox_earcut  # noqa: F401
    except ImportError:  # a machine with NumPy alone
        from voxprune.deploy import ear_clipping

        sys.modules["mapbox_earcut"] = ear_clipping
    from voxprune.meshes import read_mesh

    try:
        return read_mesh(path)
    except ModuleNotFoundError as error:
        raise InputError(
            f"{path}: this format needs the Python package {error.name}; install it, or convert the mesh to .off"
        ) from error
