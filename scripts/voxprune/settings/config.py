"""The whole config: its sections, and one clear sentence for what can't work, before any job starts."""

from typing import Annotated

import msgspec
from msgspec import Meta

from voxprune.core.errors import InputError
from voxprune.core.registry import choices
from voxprune.settings.answer import Answer
from voxprune.settings.dataset import Dataset, Seeds
from voxprune.settings.measurement import Measurement
from voxprune.settings.method import CRITERION_OBJECTS, Method, criteria
from voxprune.settings.network import DEFAULT_NETWORK, NETWORKS
from voxprune.settings.refusals import first_error
from voxprune.settings.section import EACH_ONCE, Count, Name, NetworkName, Percent, Section, says
from voxprune.settings.training import Augmentation, Training
from voxprune.settings.voxels import Voxels

STUDY_METHODS = {
    "weight": Method("weight", "l1", "layer", "mask"),
    "filter": Method("filter", "l1", "layer", "remove"),
    "filter-masked": Method("filter", "l1", "layer", "mask"),  # as the study did: zeros, biases stay
}


class Config(Section, frozen=True):
    """An experiment: one data set, one network, one way of training, some methods, levels and seeds."""

    experiment: Annotated[Name, says(
        "name of the folder under results/; results of different names don't touch each other")] = "furniture"  # fmt: skip
    dataset: Dataset = Dataset()
    voxels: Voxels = Voxels()
    network: Annotated[NetworkName, says(
        f"one of {', '.join(choices(NETWORKS))}, or your own as package.module:Class")] = DEFAULT_NETWORK  # fmt: skip
    training: Training = Training()
    augmentation: Augmentation = Augmentation()
    seeds: Seeds = (0, 1, 2)
    methods: Annotated[dict[Name, Method], Meta(min_length=1)] = msgspec.field(default_factory=lambda: dict(STUDY_METHODS))
    levels: Annotated[tuple[Percent, ...], EACH_ONCE, says(
        "percent; 0 is the parent, trained on where a method trains")] = tuple(range(10, 101, 10))  # fmt: skip
    criterion_objects: Annotated[Count, says(
        "training objects that data-driven criteria look at; more are steadier and slower")] = CRITERION_OBJECTS  # fmt: skip
    answer: Answer = Answer()
    measurement: Measurement = Measurement()
    device_files: Annotated[tuple[str, ...], says(
        "what bench_device.py or ./classify --bench --json wrote on other devices; tables and plots take them in")] = ()  # fmt: skip


def without_removed_methods(content: dict) -> dict:
    """The config's dictionary without the methods that an experiment removed, by setting them to null."""
    methods = content["methods"]
    if not isinstance(methods, dict):
        return content  # `check_config` says what is wrong
    return content | {"methods": {name: method for name, method in methods.items() if method is not None}}


def check_config(content: dict) -> Config:
    """The `Config` in a dictionary, as read from YAML. Raises InputError naming the key, its value and the remedy for the
    first thing that is wrong in it.
    """
    sentence = first_error(content, Config)
    if sentence is not None:
        raise InputError(f"config: {sentence}")
    try:
        config = msgspec.convert(content, Config)
    except msgspec.ValidationError as error:  # 6.0 is a whole number to a schema, and none to a setting
        raise InputError(f"config: {error}; write whole numbers without a decimal point") from error
    for name in ("dataset", "voxels", "training", "augmentation", "answer", "measurement"):
        for sentence in getattr(config, name).contradictions(config):
            raise InputError(
                f"config: {sentence.removeprefix(': ')}" if sentence.startswith(": ") else f"config: {name}{sentence}"
            )
    _check_names(config)
    for name, method in config.methods.items():
        for sentence in method.contradictions(config):
            raise InputError(f"config: methods.{name}{sentence}")
    return config


def _check_names(config):
    """Names that depend on others: of the network, of methods, of criteria."""
    if config.network not in choices(NETWORKS) and ":" not in config.network:
        known = ", ".join(choices(NETWORKS))
        raise InputError(f"config: network is {config.network!r}; choose one of {known}, or yours as package.module:Class")
    for name, method in config.methods.items():
        if name == "parent":
            raise InputError("config: methods.parent: this name is taken by the unpruned network; rename the method")
        if method.criterion not in criteria(method.unit):
            known = ", ".join(criteria(method.unit))
            raise InputError(f"config: methods.{name}.criterion is {method.criterion!r}; choose one of {known}")
