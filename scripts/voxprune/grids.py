"""What a grid of voxels is: its settings, and their name in paths. Imports nothing heavy."""

from dataclasses import dataclass

CONVENTIONS = ("centred", "corner")
OCCUPANCIES = ("surface", "solid")
UPS = ("z", "y", "x")


@dataclass(frozen=True)
class Grid:
    """How meshes become voxels; the keys of `voxels` in the config, and `up` of the data set."""

    resolution: int  # cells along each side
    convention: str = "centred"  # centred: on all axes | corner: as the original study did
    occupancy: str = "surface"  # surface: cells that a triangle touches | solid: and those hidden inside
    padding: int = 0  # cells kept empty around a centred object
    scale: float | str = "fit"  # fit: each object fills the grid | length in the meshes' unit that does, for all
    views: int = 1  # grids a mesh: turned about the up axis by equal steps, the first as it is
    up: str = "z"  # the meshes' axis that points upwards; it becomes z


def grid_name(grid):
    """The settings of a grid in words, as they stand in paths: `32-centred-surface-padding1`."""
    words = [grid.resolution, grid.convention, grid.occupancy]
    words += [f"padding{grid.padding}"] * (grid.convention == "centred" and grid.padding > 0)
    words += [f"scale{grid.scale}"] * (grid.scale != "fit")
    words += [f"views{grid.views}"] * (grid.views > 1)
    words += [f"up{grid.up}"] * (grid.up != "z")
    return "-".join(map(str, words))
