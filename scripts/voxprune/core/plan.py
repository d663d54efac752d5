"""What an experiment set out to test, written down before its networks are tested; later changes stay visible.

`plan.json` of an experiment is a list: the first plan, and one more for each run with another one.
"""

from pathlib import Path

from voxprune.core.files import read_json, write_json
from voxprune.core.provenance import settings_hash

PLANNED = ("margin_points", "confidence_percent", "methods", "levels", "seeds")
RECIPE = ("network", "voxels", "training", "augmentation")  # what the parents depend on
OBJECTS = ("classes", "train_per_class", "test_per_class", "test_percent", "seed")  # of `dataset`: which objects are tested
LATER = ("objects", "criterion_objects", "least_percent")  # keys that plans of older versions lack


def record_plan(folder: str | Path, config: dict) -> None:
    """Adds the plan of a run to `plan.json` in the experiment's folder, where it differs from the last. config: the whole config."""
    plans, now = read_plans(folder), plan_of(config)
    if not plans or _changed(plans[-1], now):
        tested = sum(1 for _ in Path(folder).glob("seed*/**/predictions.npz"))
        write_json(Path(folder) / "plan.json", [*plans, now | {"networks_tested_before": tested}])


def plan_of(config: dict) -> dict:
    """What is fixed before the first test prediction: margin, confidence, methods, levels, seeds; and the hash of the recipe."""
    known = config | config["answer"]
    return {
        "dataset": config["dataset"]["name"],
        "recipe": settings_hash({key: config[key] for key in RECIPE}),
        "objects": settings_hash({key: config["dataset"].get(key) for key in OBJECTS}),
        "criterion_objects": config["criterion_objects"],
        "least_percent": config["measurement"]["least_percent"],
        **{key: known[key] for key in PLANNED},
    }


def read_plans(folder: str | Path) -> list[dict]:
    """The plans of an experiment, the first first; none where it has no `plan.json`."""
    path = Path(folder) / "plan.json"
    return read_json(path) if path.is_file() else []


def changes(plans: list[dict]) -> list[dict]:
    """What was changed after networks had been tested: [{keys, networks_tested}]."""
    found = []
    for before, after in zip(plans, plans[1:]):
        keys = _changed(before, after)
        if keys and after["networks_tested_before"]:
            found.append({"keys": keys, "networks_tested": after["networks_tested_before"]})
    return found


def _changed(before, after):
    """The keys of two plans that differ, leaving out those that one of them doesn't know."""
    known = [key for key in (*PLANNED, "recipe", "dataset", *LATER) if key in before and key in after]
    return [key for key in known if before[key] != after[key]]


def recipes_tested(results: str | Path, dataset: str) -> int:
    """How many recipes, of a parent and a method, were tested on a data set by the experiments in the folder `results`."""
    found = set()
    for path in Path(results).glob("*/plan.json"):
        if any(path.parent.glob("seed*/**/predictions.npz")):
            plans = read_json(path)
            for plan, after in zip(plans, [*plans[1:], {"networks_tested_before": 1}]):
                if plan["dataset"] == dataset and after["networks_tested_before"]:  # else it was replaced before any test
                    found |= {(plan["recipe"], settings_hash(method)) for method in plan["methods"].values()}
    return len(found)
