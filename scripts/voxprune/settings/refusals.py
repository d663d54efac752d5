"""What the schema of the config refuses, put into one sentence."""

import difflib
import json

from voxprune.settings.schema import schema_of
from voxprune.settings.section import Section

TYPES = {str: "text", bool: "true/false", int: "a whole number", float: "a number", list: "a list", dict: "a group of keys",
         type(None): "nothing"}  # fmt: skip
WANTED = {"string": "text", "integer": "a whole number", "number": "a number", "array": "a list", "object": "a group of keys",
          "null": "nothing"}  # fmt: skip
RENAMED = {"realise": "apply", "grid": "channel_multiple"}  # keys of methods that earlier versions called otherwise


def first_error(content: dict, section: type[Section]) -> str | None:
    """One sentence about the first thing in `content` that doesn't fit the section's fields, None where all does."""
    from jsonschema import Draft202012Validator  # here, because commands take their options from sections without it
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(schema_of(section)).iter_errors(content))
    return None if error is None else _sentence(error)


def _sentence(error):
    where = ".".join(map(str, error.absolute_path)) or "the file"
    value, rule = error.instance, error.validator_value
    if error.validator == "additionalProperties":
        return _unknown_key(where, value, error.schema["properties"])
    if error.validator == "required":
        missing = next(key for key in rule if key not in value)
        return f"{where} lacks the key {missing!r}; see config.yaml for its meaning"
    if error.validator == "enum":
        return f"{where} is {value!r}; choose one of {', '.join(map(str, rule))}"
    if error.validator == "type":
        return _wrong_type(where, value, [rule] if isinstance(rule, str) else rule)
    if error.validator == "pattern":
        return f"{where} has {value!r}; it must be {error.schema['must_be']}"
    return f"{where}: {error.message.splitlines()[0]}"


def _unknown_key(where, content, known):
    unknown = sorted(set(content) - set(known))[0]
    if unknown in RENAMED and RENAMED[unknown] in known:
        return f"{where} has the key {unknown!r}, which is now called {RENAMED[unknown]!r}; rename it"
    near = difflib.get_close_matches(unknown, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
    return f"{where} has an unknown key {unknown!r}; {hint}"


def _wrong_type(where, value, kinds):
    wanted, remedy = " or ".join(WANTED[kind] for kind in kinds), ""
    if isinstance(value, str) and {"integer", "number"} & set(kinds):
        remedy = "; write it without quotes, with a decimal point before any exponent (0.001 or 1.0e-3)"
        remedy += ", and lists in a file for --configfile"
    return f"{where} is {json.dumps(value)} ({TYPES.get(type(value), 'something else')}), not {wanted}{remedy}"
