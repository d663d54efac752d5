"""What the sampling thread costs: throughput with NVML watched, over throughput without.

usage: python benchmarks/sampling.py [--rounds 10] [--seconds 2]
On a machine without a GPU the thread reads a stand-in of NVML that answers at once, beside the study's network on the CPU.
"""

import argparse
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pynvml
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from voxprune.measurement import gpu, saturation
from voxprune.measurement.noise import paired_ratio
from voxprune.networks.build import build_network

BATCH = 16


def stand_in():
    """The functions that the thread calls, answering as NVML does on a busy GPU."""
    sample = SimpleNamespace(timeStamp=0, sampleValue=SimpleNamespace(uiVal=90))

    def samples(handle, kind, since):
        return 1, [SimpleNamespace(timeStamp=since + 1, sampleValue=sample.sampleValue)] * 10

    fake = SimpleNamespace(**{name: getattr(pynvml, name) for name in dir(pynvml) if not name.startswith("__")})
    fake.nvmlInit = lambda: None
    fake.nvmlDeviceGetHandleByUUID = lambda uuid: "handle"
    fake.nvmlDeviceGetSamples = samples
    fake.nvmlDeviceGetCurrentClocksEventReasons = lambda handle: 0
    fake.nvmlGpmQueryDeviceSupport = lambda handle: SimpleNamespace(isSupportedDevice=False)
    return fake


@torch.inference_mode()
def throughput(network, inputs, seconds):
    started = time.perf_counter()
    calls = saturation.saturate(network, [inputs], inputs.device, seconds)
    return calls * len(inputs) / (time.perf_counter() - started)


def main(options):
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = build_network("original", 32, ["a", "b"]).eval().to(device)
    inputs = (torch.rand(BATCH, 1, 32, 32, 32) < 0.1).float().to(device)
    patches = []
    if device.type == "cpu":
        properties = SimpleNamespace(uuid="stand-in")
        patches = [
            mock.patch.dict(sys.modules, {"pynvml": stand_in()}),
            mock.patch.object(torch.cuda, "get_device_properties", lambda device: properties),
        ]
    for patch in patches:
        patch.start()
    throughput(network, inputs, 0.5)
    plain, watched = [], []
    for number in range(options.rounds):
        for with_thread in (number % 2 == 0, number % 2 == 1):  # either one first, in turn
            if with_thread:
                with gpu.GpuWindow(torch.device("cuda")) as window:
                    watched.append(throughput(network, inputs, options.seconds))
            else:
                plain.append(throughput(network, inputs, options.seconds))
    ratio = paired_ratio(watched, plain)
    print(f"{device}, NVML {'real' if not patches else 'stand-in'}: {window.utilization().value['n']} samples a window")
    print(f"throughput {np.mean(plain):.1f}/s without, {np.mean(watched):.1f}/s with the sampling thread")
    print(f"with / without: {ratio.mean:.4f} (95 % interval {ratio.low:.4f} to {ratio.high:.4f})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=2.0)
    main(parser.parse_args())
