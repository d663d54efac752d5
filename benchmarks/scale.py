"""How does the workflow grow with the data set? Dry run, jobs, voxelizing and training on made-up meshes, 1,000 to 100,000.

usage: python benchmarks/scale.py [--meshes 1000 10000] [--classes 100] [--dry]
A folder of its own is filled with boxes of random sides, four of five for training. Printed for each number of meshes: seconds of a
first dry run, which reads every mesh, and of a second; jobs before pruning; and unless --dry: seconds of voxelizing at 16^3 and of one
training epoch, on two cores, with the most memory of any of their processes.
"""

import argparse
import re
import resource
import tempfile
from pathlib import Path

import numpy as np
from workflow import run_workflow

CONFIG = """experiment: scale
dataset: {{name: scale, source: folder, folder: {folder}, classes: all}}
voxels: {{resolution: 16}}
training: {{epochs: 1}}
seeds: [0]
"""
BEFORE_PRUNING = ("voxelize", "list_skipped", "check_network", "train")
FACES = "4 0 1 3 2\n4 4 6 7 5\n4 0 4 5 1\n4 2 3 7 6\n4 0 2 6 4\n4 1 5 7 3\n"


def main(options):
    print(
        f"{'meshes':>8} {'first -n, s':>11} {'second, s':>9} {'jobs':>6} {'voxels, s':>9} {'MB':>6} {'epoch, s':>8} {'MB':>6}"
    )
    for count in options.meshes:
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder, "meshes"), count, options.classes)
            config = Path(folder, "scale.yaml")
            config.write_text(CONFIG.format(folder=Path(folder, "meshes")))
            first, output = run_workflow(folder, "--configfile", config, "-n", "--quiet", "rules")
            second, _ = run_workflow(folder, "--configfile", config, "-n", "--quiet", "rules")
            jobs = sum(int(found[1]) for name in BEFORE_PRUNING if (found := re.search(rf"^{name} +(\d+)$", output, re.M)))
            cells = [f"{count:8}", f"{first:11.1f}", f"{second:9.1f}", f"{jobs:6}"]
            for stage, width in () if options.dry else (("voxelize", 9), ("train", 8)):
                seconds, _ = run_workflow(folder, "--configfile", config, "--cores", "2", "--quiet", "all", "--until", stage)
                cells.append(f"{seconds:{width}.1f} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:6.0f}")
            print(" ".join(cells), flush=True)


def fill(folder, count, classes):
    """Writes `count` boxes as OFF files below <class>/<train or test>."""
    rng = np.random.default_rng(0)
    corners = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), axis=-1).reshape(8, 3)
    for number in range(count):
        place = folder / f"class{number % classes:03d}" / ("test" if number // classes % 5 == 4 else "train")
        place.mkdir(parents=True, exist_ok=True)
        points = "".join("{:.4f} {:.4f} {:.4f}\n".format(*point) for point in corners * rng.uniform(0.2, 1, 3))
        (place / f"{number:07d}.off").write_text(f"OFF\n8 6 0\n{points}{FACES}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--meshes", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--dry", action="store_true")
    main(parser.parse_args())
