"""Under which conditions networks are measured."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import torch

from voxprune.core import registry
from voxprune.measurement import cpu
from voxprune.settings import options as settings
from voxprune.settings.measurement import ENGINES, FULL, Conditions, Windows


@dataclass(frozen=True)
class Cell:
    """The conditions of one figure. threads: of the CPU."""

    engine: str
    device: str
    threads: int
    batch_size: int

    def __str__(self):
        return f"{self.engine}/{self.device}/threads{self.threads}/batch{self.batch_size}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what is measured and for how long: `measurement` in the config."""
    settings.add_options(parser, Conditions)
    settings.add_options(parser, Windows, by="--detail", alternatives={"brief": Windows(), "full": FULL})


def windows_of(options: argparse.Namespace) -> Windows:
    """The windows that the options of `add_options` say; those not given are the detail's."""
    detail = {"brief": Windows(), "full": FULL}[options.detail]
    given = {name: getattr(options, name) for name in Windows.__struct_fields__ if getattr(options, name) is not None}
    return msgspec.structs.replace(
        detail, **{name: tuple(one) if isinstance(one, list) else one for name, one in given.items()}
    )


def cells(engine_names: Iterable[str], threads: Any, batch_sizes: Iterable[int], device: torch.device) -> list[Cell]:
    """Every combination of conditions. threads: numbers, or 'all' for the cores this process may use."""
    counts = dict.fromkeys(cpu.available_cores() if count == "all" else int(count) for count in threads)
    known = registry.choices(ENGINES)
    return [
        Cell(name, device.type if known[name].facts["ON_GPU"] else "cpu", count, size)
        for name in engine_names
        for count in counts
        for size in batch_sizes
    ]
