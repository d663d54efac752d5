"""The config: what is shipped is valid, what can't work is refused with one sentence that names key and remedy."""

import copy
import importlib

import prune
import pytest
import train
import write_settings
import yaml
from hypothesis import assume, given
from hypothesis.strategies import characters, text
from snakemake.utils import update_config

from conftest import ROOT
from voxprune.core.errors import InputError
from voxprune.core.registry import choices
from voxprune.measurement.conditions import windows_of
from voxprune.networks import build
from voxprune.networks.build import build_network
from voxprune.settings.config import Config, check_config, without_removed_methods
from voxprune.settings.method import Method
from voxprune.settings.network import NETWORKS
from voxprune.settings.options import from_options
from voxprune.settings.schema import schema_of

SECTIONS = ("dataset", "voxels", "training", "augmentation", "answer", "measurement")
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
    check_config(DEFAULT)


@given(text(characters(exclude_characters="/{}<>", exclude_categories=["Cc", "Cs"]), min_size=1))
def test_a_class_may_have_any_other_name(name):
    assume(not name.startswith("."))
    check_config(with_value("dataset.classes", ["chair", name] if name != "chair" else ["chair", "table"]))


@pytest.mark.parametrize(
    "path, value, sentence",
    [
        ("levels", ["10"], 'levels.0 is "10" \\(text\\), not a whole number; write it without quotes'),
        ("training.learning_rate", "1e-3", 'training.learning_rate is "1e-3" \\(text\\), not a number; .*1.0e-3'),
        ("training.lerning_rate", 0.1, "training has an unknown key 'lerning_rate'; did you mean 'learning_rate'"),
        ("methods.weight.unit", "wieght", "methods.weight.unit is 'wieght'; choose one of filter, weight"),
        ("methods.weight.criterion", "l7", "methods.weight.criterion is 'l7'; choose one of fisher, l1"),
        ("methods.filter.layers", "all", "methods.filter: filters are of convolutions; use `unit: weight`"),
        ("methods.weight.distil", 0, "methods.weight.distil"),
        ("methods.weight.prune_at", 1, "methods.weight.prune_at"),
        ("methods.weight.apply", "remove", "methods.weight: single weights can't be removed"),
        ("methods.parent", {"unit": "filter", "criterion": "l1", "scope": "layer", "apply": "mask"}, "name is taken"),
        (
            "network",
            "resnet",
            "network is 'resnet'; choose one of original, resnet3d, resnet3d_stride4, voxnet, or yours as",
        ),
        ("methods.filter.criterion", "bn_scale", "bn_scale needs BatchNorm, network original has none"),
        ("methods.filter.criterion", "lamp", "methods.filter.criterion is 'lamp'; choose one of activation, bn_scale"),
        ("levels", [10, 101], "levels.1"),
        ("voxels.padding", 16, "leaves no cells"),
        ("dataset.source", "folder", "needs either dataset.folder or dataset.archive; give one of them"),
        ("dataset.archive", "x.zip", "dataset.archive goes with `source: folder`, modelnet10 or modelnet40"),
        ("voxels.scale", "fits", "voxels.scale"),
        ("methods.filter.realise", "remove", "methods.filter has the key 'realise', which is now called 'apply'; rename it"),
        ("methods.filter.grid", 8, "methods.filter has the key 'grid', which is now called 'channel_multiple'; rename it"),
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
        check_config(with_value(path, value))
    assert str(error.value).startswith("config: ") and "\n" not in str(error.value)


def test_a_scale_and_the_corner_convention_exclude_each_other():
    changed = with_value("voxels.scale", 2.5)
    check_config(changed)
    changed["voxels"]["convention"] = "corner"
    with pytest.raises(InputError, match="voxels.scale is of the centred convention"):
        check_config(changed)


def test_folder_and_archive_exclude_each_other():
    changed = with_value("dataset.archive", "x.zip")
    changed["dataset"] |= {"source": "modelnet10", "classes": "all"}
    check_config(changed)
    changed["dataset"]["folder"] = "x"
    with pytest.raises(InputError, match="either dataset.folder or dataset.archive"):
        check_config(changed)


@pytest.mark.parametrize(
    "name, more, sentence",
    [
        ("weight", {"budget": "macs"}, "masks remove no macs"),
        ("weight", {"channel_multiple": 8}, "a channel multiple is of filters"),
        ("filter", {"channel_multiple": 8, "scope": "global"}, "a channel multiple is of filters in each layer"),
        ("filter", {"retrain": "finetune", "learning_rate": 0.01}, "retrain finetune needs `epochs`"),
        ("filter", {"retrain": "none", "learning_rate": 0.01}, "retrain none takes no epochs or learning_rate"),
        ("filter", {"retrain": "rewind", "epochs": 1000}, "can't go back further"),
        ("filter", {"epochs": 2}, "retrain none takes no epochs"),
        ("filter-masked", {"retrain": "scratch", "epochs": 2}, "new weights fill a mask again"),
        ("filter", {"budget": "macs", "steps": 2}, "steps count units"),
        (
            "filter",
            {"channel_multiple": 17},
            "a channel multiple of 17 takes nothing of the 16 filters of network original's.* `channel_multiple: 16` or less",
        ),
        ("filter", {"retrain": "batchnorm"}, "retrain batchnorm needs BatchNorm, network original has none; choose another"),
        ("filter", {"retrain": "rewind", "epochs": 2, "learning_rate": 0.01}, "rewind trains at the parent's.*; leave"),
        ("filter", {"retrain": "scratch", "epochs": 2, "learning_rate": 0.01}, "scratch trains at the parent's.*; leave"),
        (
            "weight",
            {"scope": "block"},
            "blocks of four weights can't lose 10 %; use levels of 0, 25, 50, 75 and 100,.* to null",
        ),
        ("filter", {"prune_at": 0.5}, "and retrain none trains nothing; use `retrain: rewind`"),
        ("filter", {"prune_at": 0.5, "retrain": "scratch", "epochs": 2}, "retrain scratch begins with new weights; leave"),
        ("filter", {"prune_at": 0.01, "retrain": "rewind"}, "prune_at 0.01 is epoch 0 of 6; choose a share in between"),
        ("filter", {"prune_at": 0.99, "retrain": "rewind"}, "prune_at 0.99 is epoch 6 of 6; choose a share in between"),
        ("filter", {"prune_at": 0.5, "retrain": "rewind", "epochs": 3}, "trains the rest of .*; leave `epochs` out"),
        ("filter", {"prune_at": 0.5, "retrain": "rewind", "steps": 2}, "is trained once; use `steps: 1`"),
        ("filter", {"prune_at": 0.5, "retrain": "finetune"}, "retrain finetune needs `epochs`"),
        ("filter", {"retrain": "rewind"}, "retrain rewind needs `epochs`"),
        (
            "filter",
            {"ratios": {"conv1": 0}, "scope": "global"},
            "ratios are factors on the level of single layers; use `scope: layer`",
        ),
        ("filter", {"sparsify": 0.01}, "sparsify needs `sparsify_epochs`"),
        ("filter", {"sparsify_epochs": 3}, "`sparsify_epochs` are of sparsify; leave them out or give `sparsify`"),
        ("weight", {"sparsify": 0.01, "sparsify_epochs": 3}, "pushes whole filters towards zero; use `unit: filter`"),
        (
            "filter",
            {"sparsify": 0.01, "sparsify_epochs": 3, "retrain": "scratch", "epochs": 2},
            "scratch forgets the weights that sparsify made; leave `sparsify` out",
        ),
        ("filter", {"distil": 0.5, "temperature": 2}, "retrain none trains nothing that could learn from the parent; leave"),
        ("filter", {"retrain": "finetune", "epochs": 1, "distil": 0.5}, "distil needs `temperature`; 2 is usual"),
        ("filter", {"retrain": "finetune", "epochs": 1, "temperature": 2}, "temperature is of distillation; leave"),
        ("filter", {"scope": "block"}, "blocks are of weights"),
    ],
)
def test_a_method_that_cannot_work_is_refused(name, more, sentence):
    changed = copy.deepcopy(DEFAULT)
    changed["methods"][name] |= more
    with pytest.raises(InputError, match=f"config: methods.{name}: .*{sentence}"):
        check_config(changed)


@pytest.mark.parametrize(
    "name, more, network, levels",
    [
        ("weight", {"scope": "block"}, "original", [0, 25, 50, 75, 100]),
        ("filter", {"channel_multiple": 16}, "original", [50]),
        ("weight", {"ratios": {"conv1": 0.5, "conv2": 1.5}}, "original", [50]),
        ("filter-masked", {"sparsify": 0.01, "sparsify_epochs": 2, "prune_at": 0.5, "retrain": "rewind"}, "original", [50]),
        ("filter", {"channel_multiple": 64}, "package.module:Mine", [50]),
        ("filter", {"retrain": "batchnorm"}, "voxnet", [50]),
        ("filter", {"retrain": "rewind", "epochs": 2}, "original", [50]),
        ("filter", {"retrain": "finetune", "epochs": 2}, "original", [50]),
        ("filter", {"retrain": "rewind", "prune_at": 0.5}, "original", [50]),
        ("filter", {"retrain": "scratch"}, "original", [50]),
        ("filter", {"retrain": "scratch", "epochs": 2, "distil": 1, "temperature": 4}, "original", [50]),
        ("filter", {"retrain": "rewind", "prune_at": 0.5, "distil": 0.5, "temperature": 2}, "original", [50]),
        ("filter-masked", {"retrain": "finetune", "epochs": 2, "prune_at": 0.5, "steps": 2}, "original", [50]),
    ],
)
def test_what_is_near_to_that_but_works_is_taken(name, more, network, levels):
    changed = copy.deepcopy(DEFAULT) | {"network": network, "levels": levels}
    changed["methods"][name] |= more
    check_config(changed)


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_experiments_are_valid(path):
    merged = copy.deepcopy(DEFAULT)
    update_config(merged, yaml.safe_load(path.read_text()))
    merged["methods"] = {name: method for name, method in merged["methods"].items() if method}
    check_config(merged)


def test_the_recipes_that_are_compared_take_as_many_epochs():
    content = yaml.safe_load((ROOT / "experiments/modelnet10-recipes.yaml").read_text())
    whole, totals = content["training"]["epochs"], {}
    for name, entry in content["methods"].items():
        if entry:
            method = Method(**entry)
            own = method.epochs or whole - method.parent_epochs(whole)
            totals[name] = own + (
                whole if method.starts_anew else method.parent_epochs(whole)
            )  # scratch: the parent's and `epochs`
    assert len(totals) == 7 and set(totals.values()) == {2 * whole}


@pytest.mark.parametrize("name", choices(NETWORKS))
def test_what_is_known_of_a_network_beforehand_is_true(name):
    network, facts = build_network(name, 32, ["a", "b"]), choices(NETWORKS)[name].facts
    assert min(build.widths(network).values()) == facts["FEWEST_FILTERS"]
    assert any("running_mean" in key for key in network.state_dict()) == facts["BATCHNORM"]


def test_what_is_shipped_derives_from_the_declared_settings():
    for path, content in write_settings.texts().items():
        assert (ROOT / path).read_text() == content, f"{path} is not what `make settings` writes"
    assert check_config(DEFAULT) == Config()


@pytest.mark.parametrize("stage, sections, required", [
    ("train", ["training", "augmentation", "voxels"], ["--voxels=v", "--classes=c", "--checkpoint=c", "--curve=c"]),
    ("voxelize", ["voxels"], ["--meshes=m", "--shards=s", "--tables=t", "--caches=c"]),
    ("measure", ["measurement"], ["--parent=p", "--checkpoints=c", "--outputs=o", "--samples=s", "--voxels=v"]),
    ("write_answer", ["answer"], ["--results=r", "--summary=s", "--demand=d", "--skipped=k"]),
    ("generate_furniture", ["dataset"], ["--class=chair", "--folder=f"]),
    ("extract_archive", ["dataset"], ["--archive=a", "--folder=f", "--classes=c"]),
])  # fmt: skip
def test_a_stage_run_by_hand_takes_the_default_experiments_settings(stage, sections, required):
    options = importlib.import_module(stage).parse().parse_args(required)
    if stage == "measure":
        windows = windows_of(options)
        assert windows == Config().measurement.brief and options.detail == Config().measurement.detail
    found = {}
    for section in sections:
        default = getattr(Config(), section)
        for key in set(default.__struct_fields__) & set(vars(options)) - FILES:
            found[key] = getattr(options, key) == plain(getattr(default, key))
    assert found and all(found.values()), [key for key, equal in found.items() if not equal]


FILES = {"name", "folder", "archive", "classes"}  # which a stage is told by hand


def plain(value):
    return list(value) if isinstance(value, tuple) else value


def test_pruning_by_hand_takes_what_a_method_leaves_out():
    required = [
        "--parent=p",
        "--method=m",
        "--levels=50",
        "--unit=filter",
        "--criterion=l1",
        "--scope=layer",
        "--apply=remove",
    ]
    options = prune.parse().parse_args([*required, "--voxels=v", "--checkpoints=c", "--curves=c"])
    assert from_options(Method, options) == Method("filter", "l1", "layer", "remove")
    assert options.criterion_objects == Config().criterion_objects


@pytest.mark.parametrize("value, sentence", [("0", "Expected `int` >= 1"), ("many", "Expected `int`")])
def test_an_option_is_held_to_the_range_of_its_setting(value, sentence, capsys):
    with pytest.raises(SystemExit):
        train.parse().parse_args([f"--epochs={value}"])
    assert "--epochs" in capsys.readouterr().err


def test_a_missing_key_is_named():
    incomplete = copy.deepcopy(DEFAULT)
    del incomplete["training"]["epochs"]
    with pytest.raises(InputError, match="training lacks the key 'epochs'"):
        check_config(incomplete)


def test_every_key_is_explained():
    for section in (Config, *(type(getattr(Config(), name)) for name in SECTIONS), Method):
        schema = schema_of(section)["$defs"][section.__name__]["properties"]
        plain = {key: one for key, one in schema.items() if "$ref" not in one and key != "methods"}
        assert not [key for key, one in plain.items() if not one.get("description")], section.__name__


@pytest.mark.parametrize("key, value, sentence", [
    ("methods", None, "config: methods is null"),
    ("seeds", [2**32], "seeds"),
    ("training", DEFAULT["training"] | {"momentum": 0.8}, "training.momentum 0.8 is of sgd; leave it out or use `optimiser: sgd`"),
    ("voxels", DEFAULT["voxels"] | {"convention": "corner", "padding": 0}, "voxels.padding 0 is of the centred convention; leave it out"),
    ("seeds", [0.0], "write whole numbers without a decimal point"),
    ("levels", [10.0], "write whole numbers without a decimal point"),
])  # fmt: skip
def test_what_only_looks_right_is_a_sentence(key, value, sentence):
    changed = without_removed_methods(copy.deepcopy(DEFAULT) | {key: value})
    with pytest.raises(InputError, match=sentence):
        check_config(changed)
