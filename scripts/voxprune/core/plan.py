"""What an experiment set out to test, written down before its networks are tested; later changes stay visible.

`plan.json` of an experiment is a list: the first plan, and one more for each run with another one.
"""

from pathlib import Path

from voxprune.core.files import read_json, write_json
from voxprune.core.provenance import settings_hash

PLANNED = ("margin_points", "confidence_percent", "methods", "levels", "seeds")
RECIPE = ("network", "voxels", "training", "augmentation")  # what the parents depend on


def record_plan(folder: str | Path, config: dict) -> None:
    """Adds the plan of a run to `plan.json` in the experiment's folder, where it differs from the last. config: the whole config."""
    plans, now = read_plans(folder), plan_of(config)
    if not plans or any(plans[-1][key] != now[key] for key in now):
        tested = sum(1 for _ in Path(folder).glob("seed*/**/predictions.npz"))
        write_json(Path(folder) / "plan.json", [*plans, now | {"networks_tested_before": tested}])


def plan_of(config: dict) -> dict:
    """What is fixed before the first test prediction: margin, confidence, methods, levels, seeds; and the hash of the recipe."""
    known = config | config["answer"]
    return {
        "dataset": config["dataset"]["name"],
        "recipe": settings_hash({key: config[key] for key in RECIPE}),
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
        keys = [key for key in (*PLANNED, "recipe", "dataset") if before[key] != after[key]]
        if after["networks_tested_before"]:
            found.append({"keys": keys, "networks_tested": after["networks_tested_before"]})
    return found


def recipes_tested(results: str | Path, dataset: str) -> int:
    """How many recipes, of a parent and a method, were tested on a data set by the experiments in the folder `results`."""
    found = set()
    for path in Path(results).glob("*/plan.json"):
        if any(path.parent.glob("seed*/**/predictions.npz")):
            for plan in read_json(path):
                if plan["dataset"] == dataset:
                    found |= {(plan["recipe"], settings_hash(method)) for method in plan["methods"].values()}
    return len(found)
