"""How long a deployed folder takes from start to answer, and how much memory, for one mesh a process, as a user calls it.

The Python program and the C program run in turn. Start to answer: from starting the process until it has ended. Peak memory: what
the kernel counted as resident, by GNU time. Prints a table of both beside the goals; other work on the machine only lengthens a
start, so the least of all starts comes nearest to a quiet machine.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

GOALS = {"python, ONNX Runtime": (500, 100), "C": (20, 5)}  # ms from start to answer, MB of peak memory


def main(options):
    if not shutil.which("time"):
        sys.exit("deployed_start: GNU time is not installed, which counts the memory; type apt-get install time")
    found = {name: [] for name in GOALS}
    with tempfile.TemporaryDirectory() as folder:
        model = shutil.copytree(options.model, Path(folder) / "model")
        subprocess.run(["make", "-s"], cwd=model, check=True)
        python = [options.python, model / "classify.py", "--engine", "onnxruntime"]
        commands = dict(zip(GOALS, (python, [model / "classify"])))
        for _ in range(options.rounds):
            for name, command in commands.items():
                found[name] += [start([*command, mesh]) for mesh in options.meshes]
    print(
        "| program | start to answer, ms: least | median | goal | processor time, ms: least | peak memory, MB: most | goal |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name, starts in found.items():
        (elapsed, used, memory), (goal_ms, goal_mb) = np.array(starts).T, GOALS[name]
        print(
            f"| {name} | {elapsed.min():.0f} | {np.median(elapsed):.0f} | {goal_ms} | {used.min():.0f} | {memory.max():.1f} | {goal_mb} |"
        )


def start(command):
    """(milliseconds from start to answer, of processor time, peak memory in MB) of a command."""
    began = time.perf_counter()
    done = subprocess.run([shutil.which("time"), "-f", "%U %S %M", *command], capture_output=True, text=True)
    elapsed = 1000 * (time.perf_counter() - began)
    if done.returncode:
        sys.exit(f"deployed_start: {done.stderr.strip()}")
    user, system, kilobytes = map(float, done.stderr.split()[-3:])
    return elapsed, 1000 * (user + system), kilobytes * 1024 / 1e6


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="folder that export made")
    parser.add_argument("meshes", nargs="+", help="meshes to classify, .off or .stl")
    parser.add_argument(
        "--python", default=sys.executable, help="interpreter with NumPy and ONNX Runtime (default: this one)"
    )
    parser.add_argument("--rounds", type=int, default=10, help="starts of each program for each mesh (default 10)")
    main(parser.parse_args())
