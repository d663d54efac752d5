"""Measures deployed networks on this device, interleaved, and writes a file from which scripts/choose.py chooses.

Copy the folders of the parent and of pruned networks here, and name the parent first.
"""

import argparse
import json
import sys
from pathlib import Path

from voxprune.core.command import run_command
from voxprune.core.errors import InputError
from voxprune.deploy import device


def main(options):
    if options.rounds < 1 or options.calls < 1:
        raise InputError("--rounds and --calls are numbers from 1")
    networks = [device.network(folder) for folder in options.models]
    for sentence in device.left_out(networks):
        print(sentence)
    tell = lambda text: print(f"\r{text} ", end="", file=sys.stderr, flush=True)  # noqa: E731
    found = device.measure(networks, options.rounds, options.calls, tell)
    print(file=sys.stderr)
    options.output.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
    for row in found["rows"]:
        print(line(row))
    for one in found["control"]:
        print(f"noise in {one['engine']} {one['precision']}: the first network again, {times(one['ratio'])}")
    print(f"written to {options.output}, whose name will be the device's in scripts/choose.py --device-file")


def line(row):
    origin, latency = row["origin"] or {}, row["latency_ms"]
    name = f"{origin['method']} {origin['level_percent']} %" if origin else "a network that doesn't say how it was made"
    compared = f", {times(row['ratio'])}" if row["ratio"] else ""
    memory = f", {row['peak_memory_bytes'] / 1e6:.0f} MB at most" if row["peak_memory_bytes"] else ""
    return (
        f"{name} in {row['engine']} {row['precision']}: min {latency['min']:.3g} ms, median {latency['p50']:.3g} ms"
        f"{compared}{memory}"
    )


def times(ratio):
    within = (
        "no interval from fewer than six rounds" if ratio["low"] is None else f"{ratio['low']:.2f} to {ratio['high']:.2f}"
    )
    return f"{ratio['p50']:.2f} times as fast ({within})"


def parse():
    parser = argparse.ArgumentParser(prog="bench_device", description=__doc__)
    parser.add_argument("models", nargs="+", help="folders that export made; the first is what others are compared with")
    parser.add_argument("--output", type=Path, default=Path("device.json"), help="the file (default device.json)")
    parser.add_argument("--rounds", type=int, default=30, help="rounds over all networks and engines (default 30)")
    parser.add_argument("--calls", type=int, default=10, help="calls of each in a round (default 10)")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
