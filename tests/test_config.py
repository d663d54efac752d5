"""The config: what is shipped is valid, what can't work is refused with one sentence that names key and remedy."""

import copy

import pytest
import yaml
from hypothesis import assume, given
from hypothesis.strategies import characters, text
from snakemake.utils import update_config

from conftest import ROOT
from voxprune import config, criteria, networks
from voxprune.config import check_config
from voxprune.files import InputError

SCHEMA = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text())
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())


def with_value(path, value):
    changed = copy.deepcopy(DEFAULT)
    group = changed
    *parents, last = path.split(".")
    for key in parents:
        group = group[key]
    group[last] = value
    return changed


def test_the_default_is_valid():
    check_config(DEFAULT, SCHEMA)


@given(text(characters(exclude_characters="/{}<>", exclude_categories=["Cc", "Cs"]), min_size=1))
def test_a_class_may_have_any_other_name(name):
    assume(not name.startswith("."))
    check_config(with_value("dataset.classes", ["chair", name] if name != "chair" else ["chair", "table"]), SCHEMA)


@pytest.mark.parametrize(
    "path, value, sentence",
    [
        ("levels", ["10"], 'levels.0 is "10" \\(text\\), not a whole number; write it without quotes'),
        ("training.learning_rate", "1e-3", 'training.learning_rate is "1e-3" \\(text\\), not a number; .*1.0e-3'),
        ("training.lerning_rate", 0.1, "training has an unknown key 'lerning_rate'; did you mean 'learning_rate'"),
        ("methods.weight.unit", "wieght", "methods.weight.unit is 'wieght'; choose one of weight, filter"),
        ("methods.weight.criterion", "l7", "methods.weight.criterion is 'l7'; choose one of l1"),
        ("methods.weight.realise", "remove", "methods.weight: single weights can't be removed"),
        ("methods.parent", {"unit": "filter", "criterion": "l1", "scope": "layer", "realise": "mask"}, "name is taken"),
        ("network", "resnet", "network is 'resnet'; choose one of original, voxnet, resnet3d, or yours as"),
        ("methods.filter.criterion", "bn_scale", "bn_scale needs BatchNorm, network original has none"),
        ("methods.filter.criterion", "lamp", "methods.filter.criterion is 'lamp'; choose one of l1, l2"),
        ("levels", [10, 101], "levels.1"),
        ("voxels.padding", 16, "leaves no cells"),
        ("dataset.source", "folder", "needs either dataset.folder or dataset.archive; give one of them"),
        ("dataset.archive", "x.zip", "dataset.archive goes with `source: folder`, modelnet10 or modelnet40"),
        ("voxels.scale", "fits", "voxels.scale"),
        ("experiment", "../elsewhere", "experiment has '../elsewhere'; it must be letters, digits, `_`, `-` and `.`"),
        ("experiment", "a; rm -r b", "experiment has 'a; rm -r b'; it must be letters"),
        ("experiment", "-n", "experiment has '-n'; it must be letters"),
        ("experiment", "two\n", "experiment has 'two.n'; it must be letters"),
        ("dataset.name", "$HOME", "dataset.name has '\\$HOME'; it must be letters"),
        ("methods", {"a b": DEFAULT["methods"]["filter"]}, "methods has 'a b'; it must be letters"),
        ("network", "$(ls):Class", "network has '\\$\\(ls\\):Class'; it must be a name, or package.module:Class"),
        ("dataset.folder", "{split}", "dataset.folder has '{split}'; it must be a path without braces"),
        ("dataset.folder", "-meshes", "dataset.folder has '-meshes'; .* no dash first \\(give its full path then\\)"),
        ("dataset.classes", ["chair", "a/b"], "dataset.classes.1 has 'a/b'; it must be any text without slashes"),
        ("dataset.classes", ["chair", ".."], "dataset.classes.1 has '..'; it must be any text .* no dot first"),
        ("dataset.classes", ["chair", "{name}"], "dataset.classes.1 has '{name}'; it must be any text without"),
        ("dataset.classes", ["chair", "<results>"], "dataset.classes.1 has '<results>'; it must be any text without"),
        ("dataset.classes", ["chair", "two\n"], "dataset.classes.1 has 'two.n'; it must be any text without"),
        ("dataset.classes", ["chair", ""], "dataset.classes.1 has ''; it must be any text without"),
        ("dataset.classes", ["chair"], "dataset.classes"),
    ],
)
def test_what_cannot_work_is_refused(path, value, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        check_config(with_value(path, value), SCHEMA)
    assert str(error.value).startswith("config: ") and "\n" not in str(error.value)


def test_a_scale_and_the_corner_convention_exclude_each_other():
    changed = with_value("voxels.scale", 2.5)
    check_config(changed, SCHEMA)
    changed["voxels"]["convention"] = "corner"
    with pytest.raises(InputError, match="voxels.scale is of the centred convention"):
        check_config(changed, SCHEMA)


def test_folder_and_archive_exclude_each_other():
    changed = with_value("dataset.archive", "x.zip")
    changed["dataset"] |= {"source": "modelnet10", "classes": "all"}
    check_config(changed, SCHEMA)
    changed["dataset"]["folder"] = "x"
    with pytest.raises(InputError, match="either dataset.folder or dataset.archive"):
        check_config(changed, SCHEMA)


@pytest.mark.parametrize(
    "name, recipe, sentence",
    [
        ("weight", {"budget": "macs"}, "masks remove no macs"),
        ("weight", {"grid": 8}, "a grid is of filters"),
        ("filter", {"budget": "latency", "scope": "global"}, "latency is measured of networks that lose the same share"),
        ("filter", {"budget": "latency", "grid": 8}, "latency is measured of networks that lose the same share"),
        ("filter", {"grid": 8, "scope": "global"}, "a grid is of filters in each layer"),
        ("filter", {"retrain": "finetune", "learning_rate": 0.01}, "retrain finetune needs `epochs`"),
        ("filter", {"retrain": "finetune", "epochs": 2}, "needs a `learning_rate`"),
        ("filter", {"retrain": "rewind", "epochs": 1000}, "can't go back further"),
        ("filter", {"epochs": 2}, "retrain none takes no epochs"),
        ("filter-masked", {"retrain": "scratch", "epochs": 2}, "new weights fill a mask again"),
        ("filter", {"budget": "macs", "steps": 2}, "steps count units"),
        ("filter", {"grid": 17}, "a grid of 17 takes nothing of the 16 filters of network original's.* `grid: 16` or less"),
        ("filter", {"retrain": "batchnorm"}, "retrain batchnorm needs BatchNorm, network original has none; choose another"),
        ("filter", {"retrain": "rewind", "epochs": 2, "learning_rate": 0.01}, "rewind trains at the parent's.*; leave"),
        ("filter", {"retrain": "scratch", "epochs": 2, "learning_rate": 0.01}, "scratch trains at the parent's.*; leave"),
        (
            "weight",
            {"scope": "block"},
            "blocks of four weights can't lose 10 %; use levels of 0, 25, 50, 75 and 100,.* to null",
        ),
        ("filter", {"scope": "block"}, "blocks \\(the 2:4 pattern\\) are of weights"),
    ],
)
def test_a_recipe_that_cannot_work_is_refused(name, recipe, sentence):
    changed = copy.deepcopy(DEFAULT)
    changed["methods"][name] |= recipe
    with pytest.raises(InputError, match=f"config: methods.{name}: .*{sentence}"):
        check_config(changed, SCHEMA)


@pytest.mark.parametrize(
    "name, recipe, network, levels",
    [
        ("weight", {"scope": "block"}, "original", [0, 25, 50, 75, 100]),
        ("filter", {"grid": 16}, "original", [50]),
        ("filter", {"grid": 64}, "package.module:Mine", [50]),
        ("filter", {"retrain": "batchnorm"}, "voxnet", [50]),
        ("filter", {"retrain": "rewind", "epochs": 2}, "original", [50]),
    ],
)
def test_what_is_near_to_that_but_works_is_taken(name, recipe, network, levels):
    changed = copy.deepcopy(DEFAULT) | {"network": network, "levels": levels}
    changed["methods"][name] |= recipe
    check_config(changed, SCHEMA)


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_experiments_are_valid(path):
    merged = copy.deepcopy(DEFAULT)
    update_config(merged, yaml.safe_load(path.read_text()))
    merged["methods"] = {name: method for name, method in merged["methods"].items() if method}
    check_config(merged, SCHEMA)


def test_the_names_are_those_of_the_code():
    assert list(networks.NETWORKS) == config.NETWORKS
    built = {name: networks.build(name, 32, ["a", "b"]) for name in config.NETWORKS}
    assert {name: min(networks.widths(network).values()) for name, network in built.items()} == config.FEWEST_FILTERS
    plain = [name for name, network in built.items() if not any("running_mean" in key for key in network.state_dict())]
    assert plain == config.WITHOUT_BATCHNORM
    assert {unit: list(names) for unit, names in criteria.CRITERIA.items()} == config.CRITERIA


def test_a_missing_key_is_named():
    incomplete = copy.deepcopy(DEFAULT)
    del incomplete["training"]["epochs"]
    with pytest.raises(InputError, match="training lacks the key 'epochs'"):
        check_config(incomplete, SCHEMA)


def test_every_key_is_explained():
    """Each line of config.yaml that sets something says what it means."""
    settings = [line for line in (ROOT / "config.yaml").read_text().splitlines() if ": " in line.split("#")[0]]
    unexplained = {line.split(":")[0].strip() for line in settings if "#" not in line}
    assert unexplained <= {"test_per_class", "optimiser", "weight_decay", "weight", "filter"}  # said beside or by choices


def test_conda_environments_pin_what_the_requirements_pin():
    pinned = set((ROOT / "envs/requirements.txt").read_text().split())
    for path in (ROOT / "envs").glob("*.yaml"):
        *_, from_pypi = yaml.safe_load(path.read_text())["dependencies"]
        assert set(from_pypi["pip"]) <= pinned, path.name
