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

# Spelled out, because torch takes seconds to load; a test holds them to networks.NETWORKS and criteria.CRITERIA.
FEWEST_FILTERS = {"original": 16, "voxnet": 32, "resnet3d": 16}  # of the smallest layer
NETWORKS = list(FEWEST_FILTERS)
WITHOUT_BATCHNORM = ["original"]
CRITERIA = {
    "filter": ["l1", "l2", "random", "geometric_median", "taylor", "bn_scale", "activation", "fisher"],
    "weight": ["l1", "random", "lamp", "taylor", "fisher"],
}


def check_config(config, schema):
    """Raises InputError naming the key, its value and the remedy for the first thing wrong in the config."""
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    if error is not None:
        raise InputError(_sentence(error))
    dataset, voxels = config["dataset"], config["voxels"]
    given = [key for key in ("folder", "archive") if dataset[key] is not None]
    if dataset["source"] == "furniture" and given:
        raise InputError(
            f"config: dataset.{given[0]} goes with `source: folder`, modelnet10 or modelnet40; set one of these"
        )
    if dataset["source"] == "folder" and len(given) != 1 or len(given) > 1:
        raise InputError("config: `source: folder` needs either dataset.folder or dataset.archive; give one of them")
    if voxels["convention"] == "centred" and 2 * voxels["padding"] >= voxels["resolution"]:
        raise InputError(f"config: voxels.padding {voxels['padding']} leaves no cells; it must be under half the resolution")
    if voxels["convention"] == "corner" and voxels["scale"] != "fit":
        raise InputError("config: voxels.scale is of the centred convention; use `convention: centred` or `scale: fit`")
    if config["network"] not in NETWORKS and ":" not in config["network"]:
        names = ", ".join(NETWORKS)
        raise InputError(
            f"config: network is {config['network']!r}; choose one of {names}, or yours as package.module:Class"
        )
    for name, method in config["methods"].items():
        if name == "parent":
            raise InputError("config: methods.parent: this name is taken by the unpruned network; rename the method")
        known = CRITERIA[method["unit"]]
        if method["criterion"] not in known:
            raise InputError(
                f"config: methods.{name}.criterion is {method['criterion']!r}; choose one of {', '.join(known)}"
            )
        for wrong, remedy in _contradictions(method, config):
            if wrong:
                raise InputError(f"config: methods.{name}: {remedy}")


def _contradictions(method, config):
    """(whether a recipe can't work, why and what to do) for everything that can be wrong with one."""
    network, without_batchnorm = config["network"], config["network"] in WITHOUT_BATCHNORM
    fewest = FEWEST_FILTERS.get(network, float("inf"))  # your own network's layers are seen by the job alone
    odd = next((level for level in config["levels"] if level % 25), None)
    retrain, weights = method.get("retrain", "none"), method["unit"] == "weight"
    trains = retrain in ("finetune", "rewind", "scratch")
    budget, grid = method.get("budget", "units"), method.get("grid", 1)
    return [
        (
            weights and method["realise"] == "remove",
            "single weights can't be removed; use `realise: mask` or `unit: filter`",
        ),
        (
            method["scope"] == "block" and not weights,
            "blocks (the 2:4 pattern) are of weights; use `unit: weight` or another scope",
        ),
        (
            method["scope"] == "block" and odd is not None,
            f"blocks of four weights can't lose {odd} %; use levels of 0, 25, 50, 75 and 100, or another scope; "
            "where levels are refined, set the method to null",
        ),
        (method["scope"] == "block" and method.get("steps", 1) > 1, "blocks of four weights know no steps; use `steps: 1`"),
        (
            grid > 1 and (weights or method["scope"] == "global"),
            "a grid is of filters in each layer; use `scope: layer`, or no grid",
        ),
        (
            grid > fewest,
            f"a grid of {grid} takes nothing of the {fewest} filters of network {network}'s smallest layer; "
            f"use `grid: {fewest}` or less",
        ),
        (
            budget != "units" and method["realise"] == "mask",
            f"masks remove no {budget}; use `budget: units` or `realise: remove`",
        ),
        (
            budget != "units" and method.get("steps", 1) > 1,
            f"steps count units, not {budget}; use `steps: 1` or `budget: units`",
        ),
        (
            budget == "latency" and (method["scope"] != "layer" or grid > 1),
            "latency is measured of networks that lose the same share in every layer; use `scope: layer` without a grid",
        ),
        (
            method["criterion"] == "bn_scale" and without_batchnorm,
            f"bn_scale needs BatchNorm, network {network} has none; choose another criterion or network",
        ),
        (
            retrain == "batchnorm" and without_batchnorm,
            f"retrain batchnorm needs BatchNorm, network {network} has none; choose another `retrain` or network",
        ),
        (trains and "epochs" not in method, f"retrain {retrain} needs `epochs`"),
        (retrain == "finetune" and "learning_rate" not in method, "retrain finetune needs a `learning_rate`"),
        (
            retrain in ("rewind", "scratch") and "learning_rate" in method,
            f"retrain {retrain} trains at the parent's learning rates; leave `learning_rate` out or use `retrain: finetune`",
        ),
        (
            retrain == "rewind" and method.get("epochs", 0) > config["training"]["epochs"],
            "rewind can't go back further than training.epochs",
        ),
        (retrain == "scratch" and method["realise"] == "mask", "new weights fill a mask again; use `realise: remove`"),
        (retrain == "scratch" and method.get("steps", 1) > 1, "training from scratch knows no steps; use `steps: 1`"),
        (
            not trains and ("epochs" in method or "learning_rate" in method),
            f"retrain {retrain} takes no epochs or learning_rate",
        ),
    ]


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
    if error.validator == "pattern":
        return f"config: {where} has {value!r}; it must be {error.schema['description']}"
    return f"config: {where}: {error.message.splitlines()[0]}"
