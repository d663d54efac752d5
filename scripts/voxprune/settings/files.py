"""Which files of code a setting brings in, besides those that a stage always uses: a change of them reruns only their users."""

from collections.abc import Iterable
from pathlib import Path

from voxprune.core.provenance import own_module_file
from voxprune.core.registry import choices
from voxprune.settings.measurement import ENGINES
from voxprune.settings.method import CRITERIA, RETRAINING
from voxprune.settings.network import NETWORKS


def network_files(name: str) -> list[Path]:
    """The file of a built-in network, or that of `package.module:Class`, as far as it can be found."""
    if name in choices(NETWORKS):
        return [choices(NETWORKS)[name].path]
    return own_module_file(name.partition(":")[0])


def method_files(unit: str, criterion: str, retrain: str) -> list[Path]:
    """The files of a method's criterion and of its kind of retraining."""
    return [choices(f"{CRITERIA}/{unit}")[criterion].path, choices(RETRAINING)[retrain].path]


def criteria_files(unit: str) -> list[Path]:
    """The files of all criteria that rank a unit."""
    return [choice.path for choice in choices(f"{CRITERIA}/{unit}").values()]


def engine_files(names: Iterable[str]) -> list[Path]:
    """The files of engines."""
    return [choices(ENGINES)[name].path for name in names]
