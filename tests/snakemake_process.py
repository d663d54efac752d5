"""Snakemake as a user would run it, in a process that has it loaded already: starting it takes two seconds, a dry run one more."""

import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["snakemake.cli"])


def run(arguments, folder, environment):
    """Runs `snakemake ARGUMENTS` in a folder. Returns its exit status, and what it and its jobs wrote to stdout and stderr."""
    with tempfile.NamedTemporaryFile() as output:
        process = processes.Process(target=_be_snakemake, args=(list(map(str, arguments)), folder, environment, output.name))
        process.start()
        process.join()
        return process.exitcode, Path(output.name).read_text()


def _be_snakemake(arguments, folder, environment, output):
    for stream in (1, 2):
        os.dup2(os.open(output, os.O_WRONLY | os.O_APPEND), stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    main()
