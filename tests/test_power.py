"""Power: what is foretold is what simulated experiments show, and what was found is told of the experiment at hand."""

import importlib

import foresee_power
import numpy as np
import pandas as pd
import pytest

from made_up import experiment
from voxprune.answer import comparison, power, statistics


def shown(rng, seeds, objects, disagreement, seed_sd, margin, strictness, experiments=400):
    """Share of simulated experiments, in which nothing is lost, whose test shows that."""
    passed = 0
    for _ in range(experiments):
        luck, chance = rng.normal(0, seed_sd / 100, (seeds, 1)), rng.random((seeds, objects))
        difference = (chance < (disagreement + luck) / 2).astype(int) - (chance > 1 - (disagreement - luck) / 2).astype(int)
        parent = np.where(difference > 0, 0, 1)
        found = statistics.difference(parent + difference, parent, conservative=True)
        passed += statistics.non_inferiority(found, margin) <= strictness
    return passed / experiments


@pytest.mark.parametrize("seeds, objects, disagreement, strictness", [
    (3, 900, 0.04, 0.05), (6, 900, 0.04, 0.05 / 3), (10, 900, 0.04, 0.05 / 3), (6, 300, 0.04, 0.05),
])  # fmt: skip
def test_power_is_that_of_simulated_experiments(seeds, objects, disagreement, strictness):
    simulated = shown(np.random.default_rng(0), seeds, objects, disagreement, 0.3, 1.0, strictness)
    foretold = power.power(seeds, objects, 1.0, strictness, power.assumed_spread(100 * disagreement, 0.3))
    assert foretold == pytest.approx(simulated, abs=0.08)


def test_more_seeds_objects_and_margin_show_more_and_more_methods_less():
    spread = power.assumed_spread()
    base = power.power(6, 900, 1.0, 0.05 / 3, spread)
    assert power.power(10, 900, 1.0, 0.05 / 3, spread) > base < power.power(6, 900, 2.0, 0.05 / 3, spread)
    assert power.power(6, 300, 1.0, 0.05 / 3, power.assumed_spread()) < base > power.power(6, 900, 1.0, 0.05 / 9, spread)


@pytest.mark.parametrize("seeds, objects", [(1, 300), (3, 300), (6, 1)])
def test_the_experiments_own_number_of_seeds_is_told(seeds, objects):
    outcomes, summary, demand = experiment(seeds=seeds, objects=objects)
    levels = comparison.compare(outcomes, summary, demand, 1.0, 0.95)["levels"]
    table = power.power_found(outcomes, levels, 1.0, 0.05)
    assert seeds in table["seeds"].tolist() and table["power_percent"].between(0, 100).all()
    assert table["seeds"].is_monotonic_increasing


def test_where_there_are_only_controls_they_share_the_error_as_in_the_verdicts():
    outcomes, summary, demand = experiment(seeds=3, objects=300)
    found = []
    for criterion in ("l1", "random"):
        summary.loc[summary["method"] != "parent", "criterion"] = criterion
        levels = comparison.compare(outcomes, summary, demand, 1.0, 0.95)["levels"]
        found.append(power.power_found(outcomes, levels, 1.0, 0.05))
    assert found[0].equals(found[1])


def test_it_is_told_before_anything_is_trained(tmp_path, capsys):
    """From the tables of the test voxels: 900 objects that could be voxelized, of which one more could not."""
    pd.DataFrame({"status": ["ok"] * 900 + ["skipped"]}).to_csv(tmp_path / "chair.csv", index=False)
    module = importlib.import_module("foresee_power")
    options = ["--tables", tmp_path / "chair.csv", "--methods", "3", "--seeds", "4", "--power", tmp_path / "power.csv"]
    module.main(module.parse().parse_args(list(map(str, [*options, "--margin-points", 1, "--confidence-percent", 95]))))
    said = capsys.readouterr().out
    assert (
        "900 test objects, 3 methods, a margin of 1 point" in said
        and "with  4 seeds:" in said
        and "<- as configured" in said
    )
    table = pd.read_csv(tmp_path / "power.csv").set_index("seeds")["power_percent"]
    assert table.is_monotonic_increasing and table[4] == pytest.approx(
        100 * power.power(4, 900, 1.0, 0.05 / 3, power.assumed_spread())
    )


@pytest.mark.parametrize(
    "most_percent, advice", [(0, "test more objects"), (79, "test more objects"), (80, "More seeds show more")]
)
def test_more_seeds_are_advised_only_where_they_help(most_percent, advice):
    assert advice in foresee_power.advice(most_percent)
