"""The section `dataset`: which meshes."""

from typing import Annotated, Literal

from msgspec import Meta

from voxprune.settings.section import EACH_ONCE, ClassName, Count, Name, Path, Section, Up, says

FURNITURE = ("bathtub", "bed", "chair", "desk", "dresser", "monitor", "night_stand", "sofa", "table", "toilet")
Seed = Annotated[int, Meta(ge=0, lt=2**32)]


class Dataset(Section, frozen=True):
    """Which meshes are classified, and how they are split into training and test objects."""

    name: Annotated[Name, says(
        "folder under data/meshes/ and results/voxels/; take another name when you change the rest")] = "furniture"  # fmt: skip
    source: Annotated[Literal["furniture", "modelnet10", "modelnet40", "folder"], says(
        "furniture: generated here | modelnet10, modelnet40: downloaded (0.5 and 2 GB) | folder: your own")] = "furniture"  # fmt: skip
    folder: Annotated[Path | None, says(
        "meshes that you have: a tree <class>/<train or test>/*, <train or test>/<class>/* or <class>/*")] = None  # fmt: skip
    archive: Annotated[Path | None, says(
        "or a .zip of such a tree; for modelnet10 and 40: where the download is or will be")] = None  # fmt: skip
    classes: Annotated[
        Literal["all"] | Annotated[tuple[ClassName, ...], Meta(min_length=2, extra_json_schema={"uniqueItems": True})],
        says("the classes, in the order of their labels; all: every class there is")] = FURNITURE  # fmt: skip
    up: Up = "z"
    train_per_class: Annotated[Count, says(
        "furniture only: training meshes per class; more give a better parent and a longer run")] = 250  # fmt: skip
    test_per_class: Annotated[Count, says("furniture only: test meshes per class; more narrow every interval")] = 100
    test_percent: Annotated[float, Meta(gt=0, lt=100), says(
        "of a tree without train and test: share of each class that is drawn for testing")] = 20  # fmt: skip
    seed: Annotated[Seed, says("of that draw, and of furniture: another seed gives other objects")] = 0

    def contradictions(self, config):
        given = [key for key in ("folder", "archive") if getattr(self, key) is not None]
        if self.source == "furniture" and given:
            yield f".{given[0]} goes with `source: folder`, modelnet10 or modelnet40; set one of these"
        if self.source == "folder" and len(given) != 1 or len(given) > 1:
            yield ": `source: folder` needs either dataset.folder or dataset.archive; give one of them"


Seeds = Annotated[tuple[Seed, ...], EACH_ONCE, says(
    "one parent for each, from which all methods and levels of the seed start; take 6 or more to conclude")]  # fmt: skip
