"""The plan: what was set out to be tested stays on record, and what was changed after looking is told."""

from voxprune.core import plan
from voxprune.core.files import write_json

CONFIG = {
    "dataset": {"name": "beds"}, "network": "original", "voxels": {"resolution": 32}, "training": {"epochs": 6}, "augmentation": {},
    "answer": {"margin_points": 1.0, "confidence_percent": 95}, "methods": {"filter": {"criterion": "l1"}}, "levels": [50], "seeds": [0, 1],
    "criterion_objects": 256, "measurement": {"least_percent": 1.0},
}  # fmt: skip


def look_at_the_test_set(folder):
    path = folder / "seed0/parent/predictions.npz"
    path.parent.mkdir(parents=True)
    path.touch()


def test_a_plan_that_stays_is_written_once(tmp_path):
    for _ in range(2):
        plan.record_plan(tmp_path, CONFIG)
    plans = plan.read_plans(tmp_path)
    assert len(plans) == 1 and plans[0]["networks_tested_before"] == 0 and plan.changes(plans) == []


def test_a_change_before_any_test_prediction_is_free_and_one_after_is_told(tmp_path):
    plan.record_plan(tmp_path, CONFIG)
    plan.record_plan(tmp_path, CONFIG | {"seeds": [0, 1, 2]})
    look_at_the_test_set(tmp_path)
    plan.record_plan(tmp_path, CONFIG | {"seeds": [0, 1, 2], "answer": {"margin_points": 2.0, "confidence_percent": 95}})
    assert plan.changes(plan.read_plans(tmp_path)) == [{"keys": ["margin_points"], "networks_tested": 1}]


def test_recipes_tested_on_one_data_set_are_counted_over_experiments(tmp_path):
    other_recipe = CONFIG | {"training": {"epochs": 30}}
    for name, config in {"one": CONFIG, "same": CONFIG, "longer": other_recipe, "untested": other_recipe | {"network": "voxnet"},
                         "elsewhere": CONFIG | {"dataset": {"name": "chairs"}}}.items():  # fmt: skip
        plan.record_plan(tmp_path / name, config)
        if name != "untested":
            look_at_the_test_set(tmp_path / name)
    assert plan.recipes_tested(tmp_path, "beds") == 2 and plan.recipes_tested(tmp_path, "chairs") == 1


def test_a_plan_that_was_replaced_before_any_test_is_no_recipe_that_was_tested(tmp_path):
    plan.record_plan(tmp_path / "one", CONFIG)
    plan.record_plan(tmp_path / "one", CONFIG | {"training": {"epochs": 30}})
    look_at_the_test_set(tmp_path / "one")
    assert plan.recipes_tested(tmp_path, "beds") == 1


def test_other_test_objects_and_another_least_difference_are_told_too(tmp_path):
    plan.record_plan(tmp_path, CONFIG)
    look_at_the_test_set(tmp_path)
    plan.record_plan(tmp_path, CONFIG | {"dataset": {"name": "beds", "seed": 1}, "measurement": {"least_percent": 5.0}})
    assert plan.changes(plan.read_plans(tmp_path)) == [{"keys": ["objects", "least_percent"], "networks_tested": 1}]


def test_a_plan_of_an_older_version_has_not_changed(tmp_path):
    plan.record_plan(tmp_path, CONFIG)
    look_at_the_test_set(tmp_path)
    [old] = plan.read_plans(tmp_path)
    write_json(tmp_path / "plan.json", [{key: old[key] for key in old if key not in plan.LATER}])
    plan.record_plan(tmp_path, CONFIG)
    assert len(plan.read_plans(tmp_path)) == 1
