"""Command-line options that derive from the sections of the config: their names, defaults, ranges and meanings."""

import argparse
import inspect
from collections.abc import Collection
from typing import Any, get_args, get_origin

import msgspec
from msgspec import NODEFAULT

from voxprune.settings.schema import schema_of
from voxprune.settings.section import Section


def add_options(
    parser: argparse.ArgumentParser,
    section: type[Section],
    only: Collection[str] | None = None,
    by: str | None = None,
    alternatives: dict | None = None,
) -> None:
    """Adds an option for each plain field of a section, in a group of its own.

    only: the names of the fields to take; by default all.
    by, alternatives: another option chooses among these instances of the section, {its value: instance}, whose values an option
    that isn't given takes; such an option is None then.
    """
    group = parser.add_argument_group(
        f"settings of {section.__name__.lower()}", (inspect.getdoc(section) or "").partition("\n\n")[0]
    )
    properties = schema_of(section)["$defs"][section.__name__]["properties"]
    for field in msgspec.structs.fields(section):
        if only and field.name not in only or isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            continue
        described = _described(field, properties[field.name])
        if alternatives:
            values = [f"{_shown(getattr(one, field.name))} with {by} {name}" for name, one in alternatives.items()]
            described |= {"default": None, "help": f"{properties[field.name]['description']} (default {', '.join(values)})"}
        group.add_argument(f"--{field.name.replace('_', '-')}", **described)


def from_options(section: type[Section], options: argparse.Namespace, **more: Any) -> Any:
    """The section that the parsed options say. more: values of its fields that are no options."""
    names = [name for name in section.__struct_fields__ if hasattr(options, name)]
    given = {name: getattr(options, name) for name in names}
    return section(**{name: _collected(section, name, one) for name, one in given.items()} | more)


def _collected(section, name, value):
    """What an option that takes several values makes of them: a tuple, or of `name=value` a dictionary."""
    if not isinstance(value, list):
        return value
    kind = next(field.type for field in msgspec.structs.fields(section) if field.name == name)
    return dict(value) if _value_type(kind) else tuple(value)


def _described(field, schema):
    """The keyword arguments of `add_argument` for a field."""
    several, value = _item_type(field.type), _value_type(field.type)
    converter = _named(_converter(value)) if value else _converter(several or field.type)
    described = {"type": converter, "help": schema.get("description", "").replace("%", "%%")}
    if several or value:
        described["nargs"] = "+"
    if field.default is NODEFAULT:
        described["required"] = True
    else:
        described["default"] = list(field.default) if isinstance(field.default, tuple) else field.default
        described["help"] += "" if field.default is None else f" (default {_shown(field.default)})"
    if "enum" in schema:
        described["choices"] = schema["enum"]
    else:
        described["metavar"] = "NAME=VALUE" if value else field.name.rpartition("_")[2].upper()
    return described


def _item_type(kind):
    """The type of the items where a field holds several, else None."""
    parts = [part for part in _parts(kind) if get_origin(part) is tuple]
    return get_args(parts[0])[0] if parts else None


def _value_type(kind):
    """The type of the values where a field holds a dictionary, else None."""
    parts = [part for part in _parts(kind) if get_origin(part) is dict]
    return get_args(parts[0])[1] if parts else None


def _parts(kind):
    """A type and what it is annotated with or a union of."""
    yield kind
    for part in get_args(kind) if get_origin(kind) is not dict else ():
        yield from _parts(part)


def _named(convert):
    """Turns `name=value` into (name, value)."""

    def convert_named(text):
        name, _, value = text.rpartition("=")
        return name, convert(value)

    convert_named.__name__ = "name=value"
    return convert_named


def _converter(kind):
    """Turns an option's text into a value of a field's type."""

    def convert(text):
        return msgspec.convert(text, kind, strict=False)  # its ValidationError is a ValueError, which argparse reports

    convert.__name__ = "value"  # what argparse calls it then
    return convert


def _shown(value):
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
