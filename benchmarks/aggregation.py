"""How long does a large experiment's answer take? Seconds and peak memory of write_answer on made-up predictions.

usage: python benchmarks/aggregation.py [--methods 10] [--levels 20] [--seeds 10] [--objects 10000]
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]
import made_up


def main(options):
    levels = [round(100 * (1 + number) / (1 + options.levels)) for number in range(options.levels)]
    methods = [f"method{number}" for number in range(options.methods)]
    made_up.APPLY.update(dict.fromkeys(methods, "remove"))
    lost = {method: {level: level / 20 * number for level in levels} for number, method in enumerate(methods)}
    with tempfile.TemporaryDirectory() as folder:
        outcomes, summary, demand = made_up.experiment(options.seeds, options.objects, lost)
        for table in (summary, demand):
            table.loc[table["method"] != "parent", ["unit", "apply"]] = "filter", "remove"
        made_up.write_predictions(outcomes, folder)
        summary.to_csv(f"{folder}/summary.csv", index=False)
        demand.to_csv(f"{folder}/demand.csv", index=False)
        started = time.perf_counter()
        command = [sys.executable, ROOT / "scripts/write_answer.py", "--results", folder]
        subprocess.run([*command, "--summary", f"{folder}/summary.csv", "--demand", f"{folder}/demand.csv"], check=True)
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{options.methods} methods x {options.levels} levels x {options.seeds} seeds x {options.objects} objects:")
    print(f"{seconds:.1f} s, {peak:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("methods", 10), ("levels", 20), ("seeds", 10), ("objects", 10000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    main(parser.parse_args())
