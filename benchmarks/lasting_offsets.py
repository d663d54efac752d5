"""Do copies of one network differ in speed for as long as a process lives, by where their weights happen to lie?

usage: python benchmarks/lasting_offsets.py [--copies 12] [--series 7] [--network resnet3d]
Twelve copies of one network are measured side by side in ten rounds, in seven processes one after the other. If nothing lasted,
copies would differ in a process only by what rounds differ by; `offset` is the standard deviation beyond that. Verdicts compare
copies as the workflow does, and should find no difference: `claims` counts those that do.
"""

import argparse
import copy
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from voxprune.measurement import compare, latency
from voxprune.measurement.conditions import Windows, cells
from voxprune.networks.build import build_network
from voxprune.voxels.dataset import Voxels

ENGINES, BATCHES = ["torch", "onnxruntime", "openvino"], [1, 64]


def one_series(options):
    """Prints {cell: [[median milliseconds of each round] of each copy]} and {cell: verdicts} as JSON."""
    torch.manual_seed(0)
    network = build_network(options.network, 32, [str(number) for number in range(10)]).eval()
    names = [latency.PARENT, latency.AGAIN, *map(str, range(options.copies - 2))]
    models = {name: copy.deepcopy(network) for name in names}
    packed = torch.randint(0, 256, (64, 32, 32, 4), dtype=torch.uint8)
    voxels = Voxels(packed, torch.zeros(64, dtype=torch.int64), np.array(["random"] * 64), 32)
    conditions = cells(ENGINES, [1], BATCHES, torch.device("cpu"))
    windows = Windows(seconds=options.seconds, warmup_calls=2, windows=0)
    found = compare.measure(models, voxels, conditions, windows, torch.device("cpu"), report=lambda line: None)
    medians = {
        str(cell): [latency.round_medians(found.latencies, name, cell).tolist() for name in names] for cell in conditions
    }
    verdicts = {
        str(cell): [found.figures[name][number]["speedup"]["verdict"] for name in names[2:]]
        for number, cell in enumerate(conditions)
    }
    print(json.dumps({"medians": medians, "verdicts": verdicts, "invalid": found.invalid_reasons}))


def main(options):
    series = []
    for _ in range(options.series):
        command = [sys.executable, __file__, "--one", "--network", options.network, "--copies", str(options.copies)]
        command += ["--seconds", str(options.seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        series.append(json.loads(done.stdout.splitlines()[-1]))
        for reason in series[-1]["invalid"]:
            print(f"invalid: {reason}")
    print(f"{options.network}, {options.copies} copies, {options.series} processes of 10 rounds, percent of the latency")
    print(f"{'cell':>32} {'round':>6} {'offset':>6} {'claims':>12}")
    for cell in series[0]["medians"]:
        logs = np.log([one["medians"][cell] for one in series])  # (series, copies, rounds)
        logs -= logs.mean(axis=1, keepdims=True)
        rounds = logs.var(axis=2, ddof=1).mean()
        offset = max(0.0, logs.mean(axis=2).var(axis=1, ddof=1).mean() - rounds / logs.shape[2])
        said = [one for each in series for one in each["verdicts"][cell]]
        claims = sum(one != "no difference" for one in said)
        print(f"{cell:>32} {100 * rounds**0.5:6.2f} {100 * offset**0.5:6.2f} {f'{claims} of {len(said)}':>12}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=12)
    parser.add_argument("--series", type=int, default=7)
    parser.add_argument("--network", default="resnet3d")
    parser.add_argument("--seconds", type=float, default=0.05, help="of timed calls a copy, engine, batch and round")
    parser.add_argument("--one", action="store_true", help="one series, as JSON")
    chosen = parser.parse_args()
    (one_series if chosen.one else main)(chosen)
