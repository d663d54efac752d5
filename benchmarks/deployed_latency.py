"""How fast one object is classified by the generated C code and by the engines, batch 1, one thread, weights at random.

All run in turn in one process, in random order each round; the figure of a round is the fastest of its calls. Prints for each
network the least figure in milliseconds and how many times longer an engine takes than the C code: the median over the rounds and
the quartiles. Needs a C compiler.
"""

import argparse
import ctypes
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
import numpy as np
import torch

from voxprune.core.openvino import in_own_memory
from voxprune.datasets.furniture import make
from voxprune.datasets.furniture_classes import MAKERS
from voxprune.deploy import onnx_files
from voxprune.deploy.c_code import c_files
from voxprune.measurement.runner import prepare
from voxprune.meshes.read import read_mesh, write_off
from voxprune.networks import build
from voxprune.networks.cost import network_cost
from voxprune.pruning.prune import prune
from voxprune.pruning.scoring import Sample
from voxprune.settings.method import Method
from voxprune.settings.voxels import Grid
from voxprune.voxels.voxelize import voxelize

GRID, CLASSES, CALLS = Grid(32, padding=1), list(MAKERS), 8
COMPILE = "cc -std=c99 -O3 -march=native -ffp-contract=fast -fPIC -shared"


def main(options):
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        inputs = furniture(Path(folder))
        for word in options.networks:
            name, level = word.split(":")
            network = pruned(name, int(level), inputs)
            runs = engines_of(network, inputs, Path(folder) / word.replace(":", "-"))
            print(table_row(word, network, measured(runs, inputs[:1], options.rounds)), flush=True)


def furniture(folder):
    """Voxels of one object a class, float32 (10, 1, 32, 32, 32)."""
    found = []
    for name in CLASSES:
        write_off(folder / "mesh.off", *make(name, 0, 0))
        found.append(voxelize(read_mesh(folder / "mesh.off"), GRID)[0])
    return torch.from_numpy(np.stack(found)[:, None].astype(np.float32))


def pruned(name, level, inputs):
    """A network of random weights without `level` percent of its filters."""
    torch.manual_seed(0)
    network = build.build_network(name, GRID.resolution, CLASSES).eval()
    method = Method("filter", "l1", "layer", "remove")
    return prune(network, method, level, Sample(inputs, torch.arange(len(inputs)), 0))[0].eval() if level else network


def engines_of(network, inputs, folder):
    """{name: function of float32 voxels, a tensor (1, 1, R, R, R)}."""
    one = inputs[:1]
    runs = {"C": compiled(network, folder), "torch": network}
    runs |= {name: prepare(name, network, one, 1).start() for name in ("onnxruntime", "openvino")}
    content = onnx_files.float32_model(network, GRID, CLASSES, inputs)
    return runs | {"openvino INT8": openvino_int8(onnx_files.integer_model(content, inputs.numpy()))}


def compiled(network, folder):
    """The C code as a function."""
    folder.mkdir()
    for name, text in c_files(network, GRID, CLASSES).items():
        (folder / name).write_text(text)
    subprocess.run([*COMPILE.split(), "-o", folder / "model.so", folder / "model.c", "-lm"], check=True)
    scratch = np.empty(int(re.search(r"MODEL_SCRATCH (\d+)", (folder / "model.h").read_text())[1]), dtype=np.float32)
    logits, run = np.empty(len(CLASSES), dtype=np.float32), ctypes.CDLL(str(folder / "model.so")).model_run
    places = [ctypes.c_void_p(array.ctypes.data) for array in (logits, scratch)]
    return lambda voxels: (run(ctypes.c_void_p(voxels.data_ptr()), *places), scratch)  # scratch lives as long as this


def openvino_int8(content):
    import openvino

    model = openvino.Core().read_model(content)
    model.reshape([1, 1, *[GRID.resolution] * 3])
    settings = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
    run = in_own_memory(openvino.compile_model(model, "CPU", settings).create_infer_request())
    return lambda voxels: run(voxels.numpy())


@torch.inference_mode()
def measured(runs, voxels, rounds):
    """{name: the least milliseconds of a call in each round, (rounds,)}."""
    rng, found = np.random.default_rng(0), {name: [] for name in runs}
    for _ in range(rounds):
        for name in rng.permutation(list(runs)):
            calls = []
            for _ in range(CALLS + 1):  # the first warms up
                started = time.perf_counter_ns()
                runs[name](voxels)
                calls.append((time.perf_counter_ns() - started) / 1e6)
            found[name].append(min(calls[1:]))
    return {name: np.array(least) for name, least in found.items()}


def table_row(word, network, found):
    cells = [f"{word} ({network_cost(network)['macs'] / 1e6:.1f} M MACs)", f"C {found['C'].min():.3f} ms"]
    for name, least in found.items():
        low, middle, high = np.percentile(least / found["C"], [25, 50, 75])
        cells += [f"{name} {least.min():.3f} ms, {middle:.2f}x ({low:.2f} to {high:.2f})"] if name != "C" else []
    return " | ".join(cells)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--networks", nargs="+", help="name:percent of the filters removed",
                        default=["original:0", "original:50", "original:75", "resnet3d:0", "resnet3d:50", "resnet3d:75",
                                 "voxnet:50", "voxnet:75"])  # fmt: skip
    main(parser.parse_args())
