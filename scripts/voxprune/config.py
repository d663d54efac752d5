"""The experiment's settings: one clear sentence for what can't work, before any job starts."""

import difflib
import json

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from voxprune.files import InputError

TYPES = {str: "text", bool: "true/false", int: "a whole number", float: "a number", list: "a list", dict: "a group of keys",
         type(None): "nothing"}  # fmt: skip
WANTED = {"string": "text", "integer": "a whole number", "number": "a number", "array": "a list", "object": "a group of keys",
          "null": "nothing"}  # fmt: skip


def check_config(config, schema):
    """Raises InputError naming the key, its value and the remedy for the first thing wrong in the config."""
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    if error is not None:
        raise InputError(_sentence(error))
    dataset, voxels = config["dataset"], config["voxels"]
    if (dataset["source"] == "folder") != (dataset["folder"] is not None):
        raise InputError("config: dataset.folder goes with `source: folder`, and only with it; give both or neither")
    if voxels["convention"] == "centred" and 2 * voxels["padding"] >= voxels["resolution"]:
        raise InputError(f"config: voxels.padding {voxels['padding']} leaves no cells; it must be under half the resolution")
    if config["network"] == "original" and voxels["resolution"] % 4:
        raise InputError(f"config: voxels.resolution {voxels['resolution']} must be a multiple of 4 for network original")
    for name, method in config["methods"].items():
        if name == "parent":
            raise InputError("config: methods.parent: this name is taken by the unpruned network; rename the method")
        if method["unit"] == "weight" and method["realise"] == "remove":
            raise InputError(
                f"config: methods.{name}: single weights can't be removed; use `realise: mask` or `unit: filter`"
            )


def _sentence(error):
    where = ".".join(map(str, error.absolute_path)) or "the file"
    value, rule = error.instance, error.validator_value
    if error.validator == "additionalProperties":
        unknown = sorted(set(value) - set(error.schema["properties"]))[0]
        near = difflib.get_close_matches(unknown, error.schema["properties"], 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(error.schema['properties'])}"
        return f"config: {where} has an unknown key {unknown!r}; {hint}"
    if error.validator == "required":
        missing = next(key for key in rule if key not in value)
        return f"config: {where} lacks the key {missing!r}; see config.yaml for its meaning"
    if error.validator == "enum":
        return f"config: {where} is {value!r}; choose one of {', '.join(map(str, rule))}"
    if error.validator == "type":
        kinds = [rule] if isinstance(rule, str) else rule
        wanted, remedy = " or ".join(WANTED[kind] for kind in kinds), ""
        if isinstance(value, str) and {"integer", "number"} & set(kinds):
            remedy = "; write it without quotes, with a decimal point before any exponent (0.001 or 1.0e-3)"
            remedy += ", and lists in a file for --configfile"
        return f"config: {where} is {json.dumps(value)} ({TYPES.get(type(value), 'something else')}), not {wanted}{remedy}"
    return f"config: {where}: {error.message.splitlines()[0]}"
