"""config.yaml and the page of settings, written from the sections: nothing in them is said twice by hand."""

import inspect
import json
import textwrap
from typing import Any

import msgspec

from voxprune.core.registry import choices
from voxprune.settings.config import Config
from voxprune.settings.measurement import Measurement
from voxprune.settings.method import RETRAINING, Method
from voxprune.settings.schema import schema_of
from voxprune.settings.section import Section

COMMENT_COLUMN, WIDTH = 30, 125
HEAD = """\
# The default experiment: the study's three methods on the embedded furniture data set.
# Change a copy, not this file: `snakemake --configfile my.yaml` overrides any of these keys and keeps the others (see
# experiments/), and so does `--config 'training={epochs: 2}' 'levels=[50, 75]'`.
# This file is written by `make settings` from scripts/voxprune/settings/, where each setting is declared once.
# What a change reruns is in docs/reruns.md.
"""
METHODS_HEAD = """\
A method is one entry, `name: {its settings}`. An experiment's own entries are added to these; set one of these to null to
leave it out. The settings of a method, of which the first four must be given:"""


def config_yaml() -> str:
    """The text of config.yaml: every key with its default and meaning."""
    default = Config()
    blocks = [_block(field.name, field.type, getattr(default, field.name), "") for field in msgspec.structs.fields(Config)]
    return HEAD + "\n" + "\n".join(blocks)


def _block(name, kind, value, indent):
    if name == "methods":
        return _methods(value)
    if isinstance(value, msgspec.Struct) and name == "full":
        return _line(f"{indent}{name}: {_flow(msgspec.to_builtins(value))}", "as brief, but for hours")
    if isinstance(value, msgspec.Struct):
        lines = [_line(f"{indent}{name}:", inspect.getdoc(kind).replace("\n", " "))]
        described = schema_of(kind)["$defs"][kind.__name__]["properties"]
        for field in msgspec.structs.fields(kind):
            if isinstance(field.default, msgspec.Struct):
                lines.append(_block(field.name, field.type, field.default, indent + "  "))
            else:
                lines.append(
                    _line(
                        f"{indent}  {field.name}: {_flow(field_value(value, field))}", described[field.name]["description"]
                    )
                )
        return "".join(lines)
    return _line(f"{name}: {_flow(value)}", schema_of(Config)["$defs"]["Config"]["properties"][name]["description"])


def field_value(section: type[Section], field: Any) -> Any:
    """The value of a field as plain data."""
    return msgspec.to_builtins(getattr(section, field.name))


def _methods(methods):
    lines = [f"# {line}\n" for line in METHODS_HEAD.splitlines()]
    described = schema_of(Method)["$defs"]["Method"]["properties"]
    for field in msgspec.structs.fields(Method):
        first, *others = _meaning(field, described[field.name]).split(" | ")
        lines += _wrapped(f"#   {field.name}", first, "#")
        lines += [line for other in others for line in _wrapped("#", other, "#")]
    lines.append("methods:\n")
    width = max(map(len, methods)) + 2
    for name, method in methods.items():
        plain = {"unit": method.unit, "criterion": method.criterion, "scope": method.scope, "apply": method.apply}
        lines.append(f"  {name + ':':{width}}{_flow(plain)}\n")
    return "".join(lines)


def _meaning(field, schema):
    text = schema["description"]
    if field.name == "retrain":
        text = " | ".join([f"{text}:", *(f"{kind.name}: {kind.summary}" for kind in choices(RETRAINING).values())])
    default = field.default
    return text if default in (msgspec.NODEFAULT, None, "none") else f"{text} (default {default})"


def _line(text, comment):
    return "".join(_wrapped(text, comment, ""))


def _wrapped(text, comment, start):
    """`text` with a comment beside it, which goes on below in the same column."""
    column = max(COMMENT_COLUMN, len(text) + 2) if not start else 24
    if WIDTH - column < 40:  # too little room beside the text: above it
        indent = text[: len(text) - len(text.lstrip())]
        return [f"{indent}# {line}\n" for line in textwrap.wrap(comment, WIDTH - len(indent) - 2)] + [text + "\n"]
    first, *rest = textwrap.wrap(comment, WIDTH - column - 2)
    mark = "" if start else "# "
    lines = [f"{text:{column}}{mark}{first}\n"]
    return lines + [f"{start:{column}}{mark}{line}\n" for line in rest]


def _flow(value):
    """A value as it stands in YAML, in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return value if isinstance(value, str) else json.dumps(value)


def settings_page() -> str:
    """docs/settings.md: a table for each section."""
    parts = [
        "# Settings\n\nWritten by `make settings` from `scripts/voxprune/settings/`. Each key stands in `config.yaml` with its default.\n"
    ]
    for name, definition in schema_of(Config)["$defs"].items():
        parts.append(
            f"\n## {_title(name)}\n\n{definition['description']}\n\n| key | default | range | meaning |\n|---|---|---|---|\n"
        )
        for key, schema in definition["properties"].items():
            if "$ref" not in schema and key != "methods":
                parts.append(
                    f"| `{key}` | {_default(schema)} | {_range(schema)} | {schema['description'].replace('|', chr(92) + '|')} |\n"
                )
    full = _flow(msgspec.to_builtins(Measurement().full))
    return "".join(parts) + f"\nThe defaults are those of `brief`; `full` is `{full}`.\n\n{_kinds()}"


def _kinds():
    kinds = "".join(f"| `{kind.name}` | {kind.summary} |\n" for kind in choices(RETRAINING).values())
    return f"## Kinds of retraining\n\n| kind | meaning |\n|---|---|\n{kinds}"


def _title(name):
    return {
        "Config": "The experiment",
        "Method": "methods: one entry each",
        "Windows": "measurement.brief and measurement.full",
    }.get(name, name.lower())


def _default(schema):
    return f"`{_flow(schema['default'])}`" if "default" in schema else "must be given"


def _range(schema):
    if "anyOf" in schema:
        return " or ".join(filter(None, map(_range, schema["anyOf"])))
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    said = [f"{word} {schema[key]:.10g}" for key, word in bounds.items() if key in schema]
    kind = {
        "integer": "whole number",
        "number": "number",
        "array": "list",
        "string": "text",
        "object": "group of keys",
        "null": "null",
    }.get(schema.get("type"), "")
    return ", ".join([kind, *said])
