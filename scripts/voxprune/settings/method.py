"""The section `methods`: one entry is one way to prune."""

from typing import Annotated, Literal

from voxprune.core.registry import choices
from voxprune.settings.network import NETWORKS
from voxprune.settings.section import Count, Positive, Section, one_of, says

CRITERIA = "pruning/criteria"  # with a folder for each unit
RETRAINING = "training/retraining"
CRITERION_OBJECTS = 256  # that data-driven criteria look at
RETRAIN_KINDS = list(choices(RETRAINING))


def criteria(unit: str) -> list[str]:
    """The names of the criteria that rank a unit (filter | weight)."""
    return list(choices(f"{CRITERIA}/{unit}"))


class Method(Section, frozen=True):
    """One way to prune: what is ranked and how, what happens to it, and how the network is trained afterwards."""

    unit: Annotated[Literal["weight", "filter"], says("what is ranked and pruned: filter or weight")]
    criterion: Annotated[str, says(
        f"how units are ranked: filters by {', '.join(criteria('filter'))}; weights by {', '.join(criteria('weight'))}")]  # fmt: skip
    scope: Annotated[Literal["layer", "global", "block"], says(
        "layer: the level holds in every layer | global: over all layers together, filters relative to their layer's mean | "
        "block: of weights, in every four of them; 50 % is the 2:4 pattern; levels 25, 50, 75")]  # fmt: skip
    apply: Annotated[Literal["mask", "remove"], says("remove: smaller layers | mask: zeros, shapes stay")]
    channel_multiple: Annotated[Count, says(
        "keep a multiple of so many filters in every layer, where the hardware prefers that; at most 16 in `original` and "
        "`resnet3d`, 32 in `voxnet`, whose smallest layers have no more")] = 1  # fmt: skip
    budget: Annotated[Literal["units", "macs", "parameters", "latency"], says(
        "levels are percent of these: units, or the network's macs, parameters or latency, which is measured here first")] = "units"  # fmt: skip
    steps: Annotated[Count, says("prune in so many equal steps, and retrain after each")] = 1
    retrain: Annotated[str, one_of(RETRAIN_KINDS), says("what follows pruning")] = "none"
    epochs: Annotated[Count | None, says("of retraining, after each step")] = None
    learning_rate: Annotated[Positive | None, says("of retraining by finetune; the parent's where it is left out")] = None

    @property
    def trains(self) -> bool:
        """Whether weights are trained after pruning."""
        return bool(_retraining_facts(self)["NEEDS"])

    @property
    def starts_anew(self) -> bool:
        """Whether retraining begins with new weights, so that nothing of the parent's training is in the network."""
        return _retraining_facts(self).get("NEW_WEIGHTS", False)

    def contradictions(self, config):
        for wrong, remedy in [*_of_units(self, config), *_of_budgets(self, config), *_of_retraining(self, config)]:
            if wrong:
                yield f": {remedy}"


def _network_facts(config):
    """What is known of a built-in network before it is built; empty for one of the user's own, which the jobs check."""
    known = choices(NETWORKS).get(config.network)
    return known.facts if known else {}


def _retraining_facts(method):
    """What the file of a method's kind of retraining says of it: the keys it NEEDS and MAY_HAVE, and whether NEW_WEIGHTS."""
    return choices(RETRAINING)[method.retrain].facts


def _of_units(method, config):
    weights, blocks = method.unit == "weight", method.scope == "block"
    odd = next((level for level in config.levels if level % 25), None)
    without_batchnorm = not _network_facts(config).get("BATCHNORM", True)
    return [
        (
            weights and method.apply == "remove",
            "single weights can't be removed; use `apply: mask` or `unit: filter`",
        ),
        (blocks and not weights, "blocks (the 2:4 pattern) are of weights; use `unit: weight` or another scope"),
        (
            blocks and odd is not None,
            f"blocks of four weights can't lose {odd} %; use levels of 0, 25, 50, 75 and 100, or another scope; "
            "where levels are refined, set the method to null",
        ),
        (blocks and method.steps > 1, "blocks of four weights know no steps; use `steps: 1`"),
        (
            method.criterion == "bn_scale" and without_batchnorm,
            f"bn_scale needs BatchNorm, network {config.network} has none; choose another criterion or network",
        ),
    ]


def _of_budgets(method, config):
    multiple, fewest = method.channel_multiple, _network_facts(config).get("FEWEST_FILTERS", float("inf"))
    return [
        (
            multiple > 1 and (method.unit == "weight" or method.scope == "global"),
            "a channel multiple is of filters in each layer; use `scope: layer`, or no `channel_multiple`",
        ),
        (
            multiple > fewest,
            f"a channel multiple of {multiple} takes nothing of the {fewest} filters of network {config.network}'s smallest "
            f"layer; use `channel_multiple: {fewest}` or less",
        ),
        (
            method.budget != "units" and method.apply == "mask",
            f"masks remove no {method.budget}; use `budget: units` or `apply: remove`",
        ),
        (
            method.budget != "units" and method.steps > 1,
            f"steps count units, not {method.budget}; use `steps: 1` or `budget: units`",
        ),
        (
            method.budget == "latency" and (method.scope != "layer" or multiple > 1),
            "latency is measured of networks that lose the same share in every layer; use `scope: layer` without "
            "`channel_multiple`",
        ),
    ]


def _of_retraining(method, config):
    kind, facts = method.retrain, _retraining_facts(method)
    given = [key for key in ("epochs", "learning_rate") if getattr(method, key) is not None]
    missing = [key for key in facts["NEEDS"] if key not in given]
    without_batchnorm = not _network_facts(config).get("BATCHNORM", True)
    return [
        (
            kind == "batchnorm" and without_batchnorm,
            f"retrain batchnorm needs BatchNorm, network {config.network} has none; choose another `retrain` or network",
        ),
        (missing, f"retrain {kind} needs {' and '.join(f'`{key}`' for key in missing)}"),
        (
            method.trains
            and "learning_rate" in given
            and "learning_rate" not in [*facts["NEEDS"], *facts.get("MAY_HAVE", [])],
            f"retrain {kind} trains at the parent's learning rates; leave `learning_rate` out or use `retrain: finetune`",
        ),
        (
            kind == "rewind" and (method.epochs or 0) > config.training.epochs,
            "rewind can't go back further than training.epochs",
        ),
        (method.starts_anew and method.apply == "mask", "new weights fill a mask again; use `apply: remove`"),
        (method.starts_anew and method.steps > 1, "training from scratch knows no steps; use `steps: 1`"),
        (not method.trains and given, f"retrain {kind} takes no epochs or learning_rate"),
    ]
