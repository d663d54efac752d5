"""Jobs that a killed run left on a SLURM cluster. Only the workflow uses this, never a job, so changing it reruns nothing."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from voxprune.core.errors import InputError

JOB_NAME = "voxprune"  # how the names of our jobs begin: profiles/slurm, slurm-jobname-prefix
PATIENCE_S = 120  # SLURM gives a cancelled job half a minute to end by itself


def cancel_jobs_left(folder: str | Path, report: Callable[[str], object], patience_s: float = PATIENCE_S) -> None:
    """Cancels this user's SLURM jobs that a killed run in this folder left in the queue, and waits for their end.

    They would write the same files as the jobs of the run that goes on. Does nothing where there is no SLURM.
    """
    left = jobs_left(folder)
    if not left:
        return
    names = ", ".join(left)
    report(f"Cancelling what an interrupted run left in the queue: SLURM jobs {names}; training goes on where it was")
    subprocess.run(["scancel", *left])
    until = time.monotonic() + patience_s
    while jobs_left(folder):
        if time.monotonic() > until:
            raise InputError(f"{folder}: SLURM jobs {names} of an earlier run don't end; scancel them and run again")
        time.sleep(1)


def jobs_left(folder: str | Path) -> list[str]:
    """The ids of this user's SLURM jobs that a run in this folder began, waiting or running."""
    if shutil.which("squeue") is None:
        return []
    done = subprocess.run(["squeue", "--me", "--noheader", "--format=%i|%j|%Z"], capture_output=True, text=True)
    rows = [line.strip().split("|", 2) for line in done.stdout.splitlines()]
    return [job for job, name, place in rows if name.startswith(f"{JOB_NAME}_") and os.path.realpath(place) == os.path.realpath(folder)]  # fmt: skip
