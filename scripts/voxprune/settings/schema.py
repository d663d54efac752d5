"""The JSON schema of the config, derived from its sections."""

import msgspec

from voxprune.settings.section import Section

OPTIONAL = ("Method",)  # sections whose keys may be left out; of the others config.yaml holds every key


def schema_of(section: type[Section]) -> dict:
    """The JSON schema (draft 2020-12) of a section, every key required but for those of methods."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(section)}
    for name, definition in schema["$defs"].items():
        if name not in OPTIONAL:
            definition["required"] = list(definition["properties"])
    return schema
