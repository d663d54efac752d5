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
import yaml

import made_up

CONFIG = {
    "dataset": {"name": "made-up"}, "network": "resnet3d", "voxels": {"resolution": 32}, "training": {"epochs": 20},
}  # fmt: skip


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
        Path(folder, "skipped.csv").write_text("split,class,file,reason\n")
        Path(folder, "config.yaml").write_text(yaml.safe_dump(CONFIG))
        started = time.perf_counter()
        command = [sys.executable, ROOT / "scripts/write_answer.py", "--results", folder]
        for name in ("summary", "demand", "skipped"):
            command += [f"--{name}", f"{folder}/{name}.csv"]
        subprocess.run([*command, "--margin-points", "1", "--confidence-percent", "95"], check=True)
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{options.methods} methods x {options.levels} levels x {options.seeds} seeds x {options.objects} objects:")
    print(f"{seconds:.1f} s, {peak:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("methods", 10), ("levels", 20), ("seeds", 10), ("objects", 10000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    main(parser.parse_args())
