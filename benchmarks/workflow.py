"""Runs the workflow in a folder of its own, for benchmarks."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def run_workflow(folder: Any, *arguments: Any, **environment: str) -> tuple[float, str]:
    """(seconds, output) of one Snakemake command whose results come into the folder. Exits with what it said where it fails."""
    command = [sys.executable, "-m", "snakemake", "-s", ROOT / "Snakefile", "--directory", folder]
    command += ["--workflow-profile", ROOT / "profiles/default", *arguments]
    started = time.monotonic()
    done = subprocess.run(
        list(map(str, command)),
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        sys.exit(done.stdout)
    return time.monotonic() - started, done.stdout
