"""The section `methods`: one entry is one way to prune."""

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta

from voxprune.core.registry import choices
from voxprune.settings.network import NETWORKS
from voxprune.settings.section import Count, NotNegative, Positive, Section, one_of, says

CRITERIA = "pruning/criteria"  # with a folder for each unit
CONTROL = "random"  # the criterion that chooses nothing: the others must do better
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
        "block: of weights, in every four of them along the kernel's width; levels 25, 50, 75")]  # fmt: skip
    apply: Annotated[Literal["mask", "remove"], says("remove: smaller layers | mask: zeros, shapes stay")]
    layers: Annotated[Literal["convolutions", "all"], says(
        "of which layers single weights are pruned: convolutions | all: the linear ones too, which hold most weights of "
        "`original`")] = "convolutions"  # fmt: skip
    ratios: Annotated[
        dict[str, NotNegative] | None,
        says("{layer: factor on the level there}, of scope layer; 0 leaves a layer whole, layers left out take 1"),
    ] = None
    channel_multiple: Annotated[Count, says(
        "keep a multiple of so many filters in every layer, where the hardware prefers that; at most 16 in `original`, "
        "`resnet3d` and `resnet3d_stride4`, 32 in `voxnet`, whose smallest layers have no more")] = 1  # fmt: skip
    budget: Annotated[Literal["units", "macs", "parameters", "latency"], says(
        "levels are percent of these: units, or the network's macs, parameters or latency, which is measured here first")] = "units"  # fmt: skip
    steps: Annotated[Count, says("prune in so many equal steps, and retrain after each")] = 1
    prune_at: Annotated[Annotated[float, Meta(gt=0, lt=1)] | None, says(
        "prune the parent as it was after this share of its epochs; 0.25 is early; retraining by rewind then is the rest of them")] = None  # fmt: skip
    sparsify: Annotated[Positive | None, says(
        "strength of a group lasso that pushes whole filters towards zero while the parent is trained on before pruning; 0.01 is "
        "strong")] = None  # fmt: skip
    sparsify_epochs: Annotated[Count | None, says("of that training, with a fresh optimiser and the parent's schedule")] = (
        None
    )
    retrain: Annotated[str, one_of(RETRAIN_KINDS), says("what follows pruning")] = "none"
    epochs: Annotated[
        Count | None,
        says(
            "of retraining, after each step; left out by rewind with `prune_at`; of scratch those beyond the parent's, none where left out"
        ),
    ] = None
    learning_rate: Annotated[Positive | None, says("of retraining by finetune; the parent's where it is left out")] = None
    distil: Annotated[Annotated[float, Meta(gt=0, le=1)] | None, says(
        "share of the loss of retraining that compares with the parent's logits instead of labels (distillation); 1: no labels")] = None  # fmt: skip
    temperature: Annotated[Positive | None, says(
        "of distil: logits are divided by it, so that above 1 the parent's second guesses count more")] = None  # fmt: skip

    @property
    def trains(self) -> bool:
        """Whether weights are trained after pruning."""
        return bool(_retraining_facts(self)["NEEDS"]) or self.starts_anew

    @property
    def starts_anew(self) -> bool:
        """Whether retraining begins with new weights, so that nothing of the parent's training is in the network."""
        return _retraining_facts(self).get("NEW_WEIGHTS", False)

    def parent_epochs(self, epochs: int) -> int:
        """How many of the parent's epochs come before pruning."""
        return epochs if self.prune_at is None else round(self.prune_at * epochs)

    def epochs_before(self, epochs: int) -> int:
        """For how many epochs the network has been trained when it is pruned."""
        return self.parent_epochs(epochs) + (self.sparsify_epochs or 0)

    def contradictions(self, config):
        parts = (_of_units, _of_budgets, _of_sparsity, _of_retraining, _of_early_pruning, _of_distillation)
        for wrong, remedy in [one for part in parts for one in part(self, config)]:
            if wrong:
                yield f": {remedy}"


def trials(methods: Iterable[Method], levels: Iterable[int]) -> list[tuple[Method, int]]:
    """What a network must allow, in few trials: [(method, level)], one for all methods that choose from the same units in the same way.

    They rank by `l1`, since shapes decide, or by `bn_scale`, which needs BatchNorm; those with a budget of MACs or parameters take the
    highest level below 100.
    """
    highest = max((level for level in levels if level < 100), default=0)
    found = {}
    for method in methods:
        budget = "units" if method.budget == "latency" else method.budget
        choice = Method(
            method.unit, "bn_scale" if method.criterion == "bn_scale" else "l1", "layer" if budget == "units" else method.scope,
            method.apply, layers=method.layers, ratios=method.ratios, channel_multiple=method.channel_multiple, budget=budget,
        )  # fmt: skip
        level = 50 if budget == "units" else highest
        found[repr((choice, level))] = (choice, level)
    return [found[key] for key in sorted(found)]


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
            method.ratios is not None and method.scope != "layer",
            f"ratios are factors on the level of single layers; use `scope: layer`, not {method.scope}",
        ),
        (
            weights and method.apply == "remove",
            "single weights can't be removed; use `apply: mask` or `unit: filter`",
        ),
        (blocks and not weights, "blocks are of weights; use `unit: weight` or another scope"),
        (
            blocks and odd is not None,
            f"blocks of four weights can't lose {odd} %; use levels of 0, 25, 50, 75 and 100, or another scope; "
            "where levels are refined, set the method to null",
        ),
        (
            method.layers == "all" and not weights,
            "filters are of convolutions; use `unit: weight`, or leave `layers` out",
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
    ]


def _of_sparsity(method, config):
    sparsifies, lasts = method.sparsify is not None, method.sparsify_epochs is not None
    return [
        (sparsifies and not lasts, "sparsify needs `sparsify_epochs`"),
        (lasts and not sparsifies, "`sparsify_epochs` are of sparsify; leave them out or give `sparsify`"),
        (
            sparsifies and method.unit == "weight",
            "sparsify pushes whole filters towards zero; use `unit: filter`, or leave `sparsify` out",
        ),
        (
            sparsifies and method.starts_anew,
            f"retrain {method.retrain} forgets the weights that sparsify made; leave `sparsify` out",
        ),
    ]


def _of_retraining(method, config):
    kind, facts = method.retrain, _retraining_facts(method)
    given = [key for key in ("epochs", "learning_rate") if getattr(method, key) is not None]
    missing = [key for key in facts["NEEDS"] if key not in given and not _trains_the_rest(method)]
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


def _trains_the_rest(method):
    """Whether retraining is what is left of the parent's schedule after an early pruning."""
    return method.retrain == "rewind" and method.prune_at is not None


def _of_early_pruning(method, config):
    early, whole = method.prune_at is not None, config.training.epochs
    return [
        (
            early and not method.trains,
            f"`prune_at` leaves the rest of the training to retraining, and retrain {method.retrain} trains nothing; use "
            "`retrain: rewind`",
        ),
        (early and method.starts_anew, f"retrain {method.retrain} begins with new weights; leave `prune_at` out"),
        (
            early and not 0 < method.parent_epochs(whole) < whole,
            f"prune_at {method.prune_at} is epoch {method.parent_epochs(whole)} of {whole}; choose a share in between",
        ),
        (
            _trains_the_rest(method) and method.epochs is not None,
            "retrain rewind with `prune_at` trains the rest of the parent's schedule; leave `epochs` out",
        ),
        (
            _trains_the_rest(method) and method.steps > 1,
            "the rest of the parent's schedule is trained once; use `steps: 1` or `retrain: finetune`",
        ),
    ]


def _of_distillation(method, config):
    distils, tempered = method.distil is not None, method.temperature is not None
    return [
        (
            distils and not method.trains,
            f"retrain {method.retrain} trains nothing that could learn from the parent; leave `distil` out or use "
            "`retrain: finetune`",
        ),
        (distils and not tempered, "distil needs `temperature`; 2 is usual"),
        (tempered and not distils, "a temperature is of distillation; leave `temperature` out or give `distil`"),
    ]
