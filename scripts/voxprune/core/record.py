"""The config that an experiment ran with, kept beside its results."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from voxprune.core.errors import InputError
from voxprune.core.files import atomic_write


def write_record(path: str | Path, config: dict) -> None:
    """Writes the whole config of a run, as it can be given to --configfile again."""
    with atomic_write(path) as temporary:
        temporary.write_text("# The config of the last run that wrote here.\n" + yaml.safe_dump(config, sort_keys=False))


def check_record(path: str | Path, config: dict, memory: str | Path) -> None:
    """Raises InputError where results were made with another config, and Snakemake can't know what made them.

    path: as by `write_record`. memory: the folder in which Snakemake keeps what made each file; as long as it holds any, a
    changed setting reruns what depends on it. A dry run leaves it empty.
    """
    if any(Path(memory).glob("*")) or not Path(path).is_file():
        return
    changed = next(differences(yaml.safe_load(Path(path).read_text()), config), None)
    if changed is not None:
        key, before, now = changed
        raise InputError(
            f"{Path(path).parent}: these results were made with {key} {before!r}, now it is {now!r}, and {memory}, which "
            "remembers what made each file, is not here; set that key back, take another `experiment`, or delete this folder"
        )


def differences(one: Any, other: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(key, value in one, value in the other) for all that differs, keys of groups joined by dots."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in {**one, **other}:
            yield from differences(one.get(name), other.get(name), f"{key}.{name}" if key else str(name))
    elif one != other:
        yield key, one, other
