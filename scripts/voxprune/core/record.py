"""The config that an experiment ran with, kept beside its results."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from voxprune.core.errors import InputError
from voxprune.core.files import atomic_write


def write_record(path: str | Path, config: dict, memory: str | Path) -> None:
    """Writes the whole config of a run, as it can be given to --configfile again, and that the run took place here.

    path: of the config in the experiment's folder. memory: the folder in which Snakemake keeps what made each file.
    """
    with atomic_write(path) as temporary:
        temporary.write_text("# The config of the last run that wrote here.\n" + yaml.safe_dump(config, sort_keys=False))
    with atomic_write(_mark(path, memory)) as temporary:
        temporary.touch()


def check_record(path: str | Path, config: dict, memory: str | Path) -> None:
    """Raises InputError where results were made with another config, and Snakemake can't know what made them.

    path, memory: as in `write_record`. Where Snakemake remembers this experiment's runs, a changed setting reruns what depends on it.
    It remembers none of results that were copied here, nor of any whose memory was deleted. A dry run leaves it empty.
    """
    if not Path(path).is_file() or (_mark(path, memory).is_file() and any(Path(memory).glob("*"))):
        return
    changed = next(differences(yaml.safe_load(Path(path).read_text()), config), None)
    if changed is not None:
        key, before, now = changed
        raise InputError(
            f"{Path(path).parent}: these results were made with {key} {before!r}, now it is {now!r}, and {memory}, which "
            "remembers what made each file, is not here; set that key back, take another `experiment`, or delete this folder"
        )


def _mark(path, memory):
    """The file beside the memory that says that an experiment ran here."""
    return Path(memory).parent / "voxprune-experiments" / Path(path).parent.name


def differences(one: Any, other: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(key, value in one, value in the other) for all that differs, keys of groups joined by dots."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in {**one, **other}:
            yield from differences(one.get(name), other.get(name), f"{key}.{name}" if key else str(name))
    elif one != other:
        yield key, one, other
