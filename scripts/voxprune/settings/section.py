"""What the sections of the config are made of: typed fields, each with its default, range and meaning.

A field is `name: Annotated[type, says("what it means")] = default`; units stand in names. The schema that checks a config, the
options of the commands, config.yaml and docs/settings.md all derive from these fields. Imports nothing heavy.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta, Struct


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A group of keys in the config. Contradictions between its keys are told by `contradictions`."""

    def contradictions(self, config):
        """Yields a sentence, without the section's name, for everything in it that can't work. config: the whole `Config`."""
        return ()


def says(text: str) -> Meta:
    """The meaning of a field, as it stands in config.yaml, in --help and in the docs."""
    return Meta(description=text)


def one_of(names: Iterable[str]) -> Meta:
    """A text that must be one of `names`, which are only known when the code is read."""
    return Meta(extra_json_schema={"enum": list(names)})


def _text(pattern, must_be):
    return Meta(pattern=pattern, extra_json_schema={"must_be": must_be})


Count = Annotated[int, Meta(ge=1)]
Natural = Annotated[int, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, lt=1)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Name = Annotated[str, _text(
    r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$(?!\n)", "letters, digits, `_`, `-` and `.`, of which the last two are not first")]  # fmt: skip
Path = Annotated[str, _text(
    r"^[^-{}<>\x00-\x1f][^{}<>\x00-\x1f]*$(?!\n)",
    "a path without braces, angle brackets and line breaks, and no dash first (give its full path then)")]  # fmt: skip
ClassName = Annotated[str, _text(
    r"^[^./{}<>\x00-\x1f][^/{}<>\x00-\x1f]*$(?!\n)",
    "any text without slashes, braces, angle brackets and line breaks, and no dot first")]  # fmt: skip
NetworkName = Annotated[str, _text(r"^[\w.:]+$(?!\n)", "a name, or package.module:Class")]
Up = Annotated[
    Literal["z", "y", "x"], says("the axis of the meshes that points upwards; CAD exports and .gltf often have y")
]

EACH_ONCE = Meta(min_length=1, extra_json_schema={"uniqueItems": True})
