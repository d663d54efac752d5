"""The promises about speed and memory in one table: what each benchmark finds, its goal, and whether it is met.

usage: python benchmarks/promises.py [--runs 2] [--only WORD ...] [--folder results/benchmarks]
Most benchmarks run twice or as often as is said, those that take minutes once; the table shows the median and the range. Beside the
table, `promises.json` keeps the figures for a comparison over time. On two quiet cores it takes about a quarter of an hour, of which
the default experiment takes a third. Where there is a GPU it also runs the experiment `modelnet10` on it and tells what that cost.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from voxprune.core import provenance
from voxprune.core.files import write_json


@dataclass(frozen=True)
class Promise:
    """name: of the figure. command: of the benchmark that prints it. read: takes the figure from its output. goal: the figure that is
    promised. most: whether the goal is the most allowed, rather than the least. once: run once, because it takes minutes.
    """

    name: str
    command: str
    read: Callable
    goal: float
    most: bool = False
    once: bool = False

    def met(self, figure):
        return figure <= self.goal if self.most else figure >= self.goal


def number(pattern):
    """A reader of the first number that a regular expression finds."""
    return lambda text: float(re.search(pattern, text, re.MULTILINE)[1])


def over_the_studys_parent(engine):
    """A reader: how many times as fast a pruned network is in an engine as the study's parent in eager PyTorch."""

    def read(text):
        whole, pruned = (re.search(rf"^{word} .*$", text, re.MULTILINE)[0] for word in (PARENT, SMALL))
        return number(r"torch ([\d.]+) ms")(whole) / number(rf"\| {engine} ([\d.]+) ms")(pruned)

    return read


PARENT, SMALL = "original:0", "resnet3d:75"  # a quarter of resnet3d's filters lost half a point (docs/recipes.md)
DEPLOYED = f"deployed_latency.py --rounds 40 --networks {PARENT} {SMALL}"
PROMISES = [
    Promise("voxelizing: the study's loop over ours", "voxelization.py {meshes} --repeat 2", number(r"^all .* ([\d.]+)x$"), 5),
    Promise("training epoch: ours over bare steps", "training_epoch.py --rounds 2", number(r"^ours / bare +([\d.]+)"), 1.15, most=True),
    Promise("loading an epoch: the study's over ours", "training_epoch.py --rounds 2", number(r"^loading: study / ours +([\d.]+)"), 5),
    Promise("throughput with the GPU watched over without", "sampling.py --rounds 30 --seconds 0.5", number(r"without: ([\d.]+)"), 0.99),
    Promise("half the filters of resnet3d: speedup over the MACs' in the best engine", "speedup.py --seconds 0.1 --batch-size 16", number(r"^resnet3d {2}.*?([\d.]+)  [\d.]+ %  best"), 0.8, once=True),
    Promise("a quarter of resnet3d's filters in C over the study's parent in torch", DEPLOYED, over_the_studys_parent("C"), 30),
    Promise("a quarter of resnet3d's filters in OpenVINO INT8 over the same", DEPLOYED, over_the_studys_parent("openvino INT8"), 17),
    Promise("answer of 200 pruned networks of 10 seeds and 10,000 objects, s", "aggregation.py", number(r"^([\d.]+) s"), 15, most=True),
    Promise("first dry run with 100,000 meshes, s", "scale.py --meshes 100000 --dry", number(r"^ *100000 +([\d.]+)"), 20, most=True, once=True),
    Promise("training on 4,899 shapes at 100^3, MB", "memory.py", number(r"steps of .* (\d+) MB"), 2500, most=True, once=True),
    Promise("default experiment: processor time that is no work, %", "overhead.py", number(r"^no work: (\d+) %"), 25, most=True, once=True),
    Promise("default experiment on two cores, s", "overhead.py", number(r"jobs in (\d+) s"), 300, most=True, once=True),
    Promise("quick experiment on two cores, s", "overhead.py --config experiments/quick.yaml", number(r"jobs in (\d+) s"), 25, most=True),
]  # fmt: skip


def main(options):
    wanted = [one for one in PROMISES if not options.only or any(word in one.name for word in options.only)]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        make_meshes(folder)
        for command in dict.fromkeys(one.command for one in wanted):
            same = [one for one in wanted if one.command == command]
            outputs = [output(command.format(meshes=folder)) for _ in range(1 if same[0].once else options.runs)]
            for one in same:
                found[one.name] = [one.read(text) for text in outputs]
                print(row(one, found[one.name]), flush=True)
    write_json(
        options.folder / "promises.json",
        {"figures": found, "versions": provenance.versions(), "hardware": provenance.hardware()},
    )
    table = "\n".join([HEADER, *(row(one, found[one.name]) for one in wanted)])
    (options.folder / "promises.md").write_text(f"{table}\n")
    if torch.cuda.is_available() and not options.only:
        told = output("gpu_experiment.py")
        print(told)
        (options.folder / "gpu_experiment.txt").write_text(told)


HEADER = "| promise | found | range | goal | met | benchmark |\n|---|--:|--:|--:|---|---|"


def row(promise, figures):
    middle = statistics.median(figures)
    spread = f"{min(figures):.4g} to {max(figures):.4g}" if len(figures) > 1 else "one run"
    goal = f"{'at most' if promise.most else 'at least'} {promise.goal:g}"
    script = promise.command.split()[0]
    return (
        f"| {promise.name} | {middle:.4g} | {spread} | {goal} | {'yes' if promise.met(middle) else '**no**'} | `{script}` |"
    )


def make_meshes(folder):
    command = [sys.executable, ROOT / "scripts/generate_furniture.py", "--class", "chair", "--folder", folder]
    subprocess.run([*command, "--train-per-class", "6", "--test-per-class", "1"], check=True)
    for path in Path(folder).glob("*/*.off"):
        path.rename(Path(folder) / path.name)


def output(command):
    """What a benchmark prints. Exits with it where the benchmark fails."""
    done = subprocess.run(
        [sys.executable, *f"benchmarks/{command}".split()],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        sys.exit(f"{command}: {done.stdout}")
    return done.stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[], help="words of the names of the promises to look at")
    parser.add_argument("--folder", type=Path, default=ROOT / "results/benchmarks")
    main(parser.parse_args())
