"""The section `voxels`: how meshes become grids of cells."""

from typing import Annotated, Literal

from msgspec import Meta

from voxprune.settings.section import Natural, Positive, Section, Up, says


class Cells(Section, frozen=True):
    """What both the config's `voxels` and a `Grid` say."""

    resolution: Annotated[int, Meta(ge=4, le=256), says(
        "cells along each side; 32 shows finer detail and takes eight times as long")] = 16  # fmt: skip
    convention: Annotated[Literal["centred", "corner"], says(
        "centred: the object fills the grid and is centred | corner: as the original study did")] = "centred"  # fmt: skip
    occupancy: Annotated[Literal["surface", "solid"], says(
        "surface: cells that the mesh touches, as in the study | solid: cells hidden inside as well")] = "surface"  # fmt: skip
    padding: Annotated[Natural, says("empty cells around a centred object")] = 1
    scale: Annotated[Literal["fit"] | Positive, says(
        "fit: each object fills the grid | a length in the meshes' unit that fills it, so that sizes count")] = "fit"  # fmt: skip
    views: Annotated[int, Meta(ge=1, le=360), says(
        "grids per mesh, turned about the up axis; 12: training draws one, testing also votes over all")] = 1  # fmt: skip
    library: Annotated[Literal["voxprune", "open3d"], says(
        "voxprune: our own readers and voxelizer | open3d: Open3D, as in the study; only with `convention: corner`")] = "voxprune"  # fmt: skip


class Voxels(Cells, frozen=True):
    """How meshes become voxels."""

    on_bad_mesh: Annotated[Literal["fail", "skip"], says(
        "fail: stop, and name every mesh that can't be used | skip: leave them out and list them")] = "fail"  # fmt: skip

    def contradictions(self, config):
        if self.convention == "centred" and 2 * self.padding >= self.resolution:
            yield f".padding {self.padding} leaves no cells; it must be under half the resolution"
        if self.convention == "corner" and self.scale != "fit":
            yield ".scale is of the centred convention; use `convention: centred` or `scale: fit`"
        if self.convention == "corner" and self.padding != Voxels().padding:
            yield f".padding {self.padding} is of the centred convention; leave it out or use `convention: centred`"
        studys = (self.convention, self.occupancy, self.views, config.dataset.up) == ("corner", "surface", 1, "z")
        if self.library == "open3d" and not studys:
            yield (
                ".library open3d voxelizes as the study did: use `convention: corner`, `occupancy: surface`, `views: 1` and "
                "`dataset: {up: z}`, or `library: voxprune`"
            )


class Grid(Cells, frozen=True):
    """How one mesh becomes a grid: the settings of `voxels` that decide it, and the data set's `up`."""

    up: Up = "z"

    @property
    def name(self):
        """The settings in words, as they stand in paths: `32-centred-surface-padding1`."""
        words = [self.resolution, self.convention, self.occupancy]
        words += [f"padding{self.padding}"] * (self.convention == "centred" and self.padding > 0)
        words += [f"scale{self.scale}"] * (self.scale != "fit")
        words += [f"views{self.views}"] * (self.views > 1)
        words += [f"up{self.up}"] * (self.up != "z")
        words += ["open3d"] * (self.library == "open3d")
        return "-".join(map(str, words))
