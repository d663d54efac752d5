"""Of an experiment's processor time, how much is work, and how much starts Python, loads libraries and runs Snakemake?

usage: python benchmarks/overhead.py [--config experiments/quick.yaml] [--cores 2]
Runs the whole experiment in a folder of its own, the default one where no config is given. Every command says how much processor
time it had spent before its work began, and how much the work took (`VOXPRUNE_CLOCK`, scripts/voxprune/core/command.py); the
rest of what all processes took is Snakemake's and the shells'. Goal: at most 25 % is no work.
"""

import argparse
import json
import resource
import tempfile
from pathlib import Path

from workflow import run_workflow

GOAL_PERCENT = 25


def main(options):
    with tempfile.TemporaryDirectory() as folder:
        clock = Path(folder, "clock")
        arguments = ["--cores", options.cores, "--resources", "gpu=0"]
        arguments += ["--configfile", options.config.resolve()] if options.config else []
        seconds, _ = run_workflow(folder, "--quiet", "all", *arguments, VOXPRUNE_CLOCK=str(clock))
        jobs = [json.loads(line) for line in clock.read_text().splitlines()]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(table(jobs, used.ru_utime + used.ru_stime))
    print(f"{len(jobs)} jobs in {seconds:.0f} s on {options.cores} cores")


def table(jobs, total):
    """The report. jobs: what each command said of itself. total: processor seconds of all processes."""
    lines = [f"{'command':>20} {'jobs':>5} {'start, s':>9} {'work, s':>9}"]
    for name in dict.fromkeys(job["command"] for job in jobs):
        same = [job for job in jobs if job["command"] == name]
        lines.append(f"{name:>20} {len(same):5} {added(same, 'start_s'):9.1f} {added(same, 'work_s'):9.1f}")
    start, work = added(jobs, "start_s"), added(jobs, "work_s")
    lines += [
        f"{'Snakemake, shells':>20} {'':5} {total - start - work:9.1f}",
        f"{'all':>20} {len(jobs):5} {total - work:9.1f} {work:9.1f}",
    ]
    return "\n".join(
        [*lines, f"no work: {100 * (1 - work / total):.0f} % of the processor time (goal: at most {GOAL_PERCENT} %)"]
    )


def added(jobs, key):
    return sum(job[key] for job in jobs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, help="of the experiment (default: the default experiment)")
    parser.add_argument("--cores", type=int, default=2)
    main(parser.parse_args())
