"""The frame of every command: options, messages, interruption."""

import argparse
import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from voxprune.core.errors import InputError
from voxprune.core.interruption import end_when_told

CLOCK = "VOXPRUNE_CLOCK"  # environment variable: a file to which every command appends its processor seconds, for benchmarks


def run_command(
    main: Callable[[argparse.Namespace], object], parser: argparse.ArgumentParser, arguments: list[str] | None = None
) -> None:
    """A stage's command line: parses, runs, and turns what a user can mend and interruptions into one sentence and status 1."""
    options = parser.parse_args(arguments)
    end_when_told()
    gc.freeze()  # libraries stay to the end: looking through them once more takes half a second where torch is among them
    try:
        with clocked(parser.prog):
            main(options)
    except InputError as error:
        sys.exit(f"{parser.prog}: {error}")
    except OSError as error:
        sys.exit(f"{parser.prog}: {error}; mend this and run the same command again")
    except KeyboardInterrupt:
        sys.exit(f"{parser.prog}: interrupted; run the same command again")


@contextmanager
def clocked(command: str) -> Iterator[None]:
    """Where VOXPRUNE_CLOCK names a file: appends a line of JSON with the processor seconds of this process and its children
    before the work (Python's start and imports) and of the work."""
    start, clock = _processor_seconds(), time.monotonic()
    yield
    if CLOCK in os.environ:
        figures = {"start_s": start, "work_s": _processor_seconds() - start, "wall_s": time.monotonic() - clock}
        with open(os.environ[CLOCK], "a") as file:
            file.write(json.dumps({"command": command, **figures}) + "\n")


def _processor_seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def add_gpus_option(parser: argparse.ArgumentParser) -> None:
    """The option that says whether a job may use a GPU."""
    parser.add_argument(
        "--gpus", type=int, default=1, help="0 keeps to the CPU; otherwise CUDA where torch has it (default 1)"
    )
