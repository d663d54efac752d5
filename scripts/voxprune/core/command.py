"""The frame of every command: options, messages, interruption."""

import argparse
import sys
from collections.abc import Callable

from voxprune.core.errors import InputError
from voxprune.core.interruption import end_when_told


def run_command(
    main: Callable[[argparse.Namespace], object], parser: argparse.ArgumentParser, arguments: list[str] | None = None
) -> None:
    """A stage's command line: parses, runs, and turns what a user can mend and interruptions into one sentence and status 1."""
    options = parser.parse_args(arguments)
    end_when_told()
    try:
        main(options)
    except InputError as error:
        sys.exit(f"{parser.prog}: {error}")
    except OSError as error:
        sys.exit(f"{parser.prog}: {error}; mend this and run the same command again")
    except KeyboardInterrupt:
        sys.exit(f"{parser.prog}: interrupted; the same command goes on from here")


def add_gpus_option(parser: argparse.ArgumentParser) -> None:
    """The option that says whether a job may use a GPU."""
    parser.add_argument(
        "--gpus", type=int, default=1, help="0 keeps to the CPU; otherwise CUDA where torch has it (default 1)"
    )
