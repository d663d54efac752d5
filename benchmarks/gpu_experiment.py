"""What an experiment costs on a GPU: its wall time, the share of it in which the GPU was busy, and the GPU's energy.

usage: python benchmarks/gpu_experiment.py [--config experiments/modelnet10.yaml] [--folder MESHES]
Runs the whole experiment in a folder of its own, one job on the GPU at a time, as `snakemake --resources gpu=1` does. Without --folder it downloads
ModelNet10 (473 MB). Busy is NVML's utilization: percent of time in which any kernel ran. The energy is that of the whole GPU, idle times included.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import torch
from workflow import ROOT, run_workflow

sys.path.insert(0, str(ROOT / "scripts"))
from voxprune.measurement.energy import SMALLEST_ENERGY_WINDOW_S, EnergyMeter
from voxprune.measurement.gpu import GpuWindow


def main(options):
    device = torch.device("cuda:0")
    arguments = ["--configfile", options.config.resolve(), "--cores", "all", "--resources", "gpu=1", "--quiet", "all"]
    if options.folder:
        arguments += ["--config", f"dataset={json.dumps({'source': 'folder', 'folder': str(options.folder.resolve())})}"]
    meter = EnergyMeter(device, SMALLEST_ENERGY_WINDOW_S)
    with tempfile.TemporaryDirectory() as folder, GpuWindow(device) as window:
        meter.begin()
        seconds, _ = run_workflow(folder, *arguments)
        joules = meter.end()
    print(report(seconds, window.utilization(), joules, meter.reason))


def report(seconds, utilization, joules, reason):
    """What is printed. utilization: a Reading of GpuWindow. joules: None where none were counted, for a reason."""
    busy = f"{utilization.value['mean']:.0f} % of it" if utilization.value else f"not known: {utilization.reason}"
    energy = f"{joules / 3600:.1f} Wh" if joules is not None else f"not known: {reason}"
    return f"wall time: {seconds / 60:.1f} min\nGPU busy: {busy}\nGPU energy: {energy}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=ROOT / "experiments/modelnet10.yaml")
    parser.add_argument("--folder", type=Path, help="of the meshes, <class>/<train or test>/*.off")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("There is no GPU here; python benchmarks/overhead.py runs an experiment without one.")
    main(options)
