"""One GPU for each job of a machine with several. Imports nothing heavy."""

import functools
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from voxprune.core.interruption import lock_folder

DRIVER = Path("/proc/driver/nvidia")  # is there where Linux has loaded NVIDIA's driver
VISIBLE = "CUDA_VISIBLE_DEVICES"  # which GPUs a process sees: set by the user, by a cluster, or by `take_one_gpu`
LOCKS = Path(
    tempfile.gettempdir(), f"voxprune-gpus-{os.getuid()}"
)  # of this machine and user, whichever folder a run works in


def visible_gpus() -> list[str]:
    """The NVIDIA GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    if VISIBLE in os.environ:
        return [name.strip() for name in os.environ[VISIBLE].split(",") if name.strip() not in ("", "-1")]
    try:
        import pynvml

        pynvml.nvmlInit()
        return [_text(pynvml.nvmlDeviceGetUUID(pynvml.nvmlDeviceGetHandleByIndex(one))) for one in range(pynvml.nvmlDeviceGetCount())]  # fmt: skip
    except ImportError:
        if DRIVER.exists():
            print(
                "warning: GPUs are left unused, because nvidia-ml-py isn't installed here: pip install nvidia-ml-py",
                file=sys.stderr,
            )
        return []
    except Exception:  # no driver: every version of the library raises its own kind
        return []


def _text(name):
    return name.decode() if isinstance(name, bytes) else name


@functools.cache  # asked again, it answers the same; and keeps the lock for as long as this process lives
def take_one_gpu() -> object:
    """From here on this process sees only one GPU: the first that no other job has. Must come before CUDA starts.

    Snakemake says how many jobs with a GPU may run (`--resources gpu=N`), but not which GPU is whose. Where more jobs run than
    there are GPUs, the others share the first.
    """
    gpus = visible_gpus()
    if len(gpus) < 2:
        return None
    number, lock = first_free(gpus, LOCKS)
    if lock is None:
        print(
            f"warning: each of the {len(gpus)} GPUs has a job; this one shares the first; give --resources gpu={len(gpus)}"
        )
    print(f"this job computes on {gpus[number]}, one of {len(gpus)} GPUs", flush=True)
    os.environ[VISIBLE] = gpus[number]
    return lock


def first_free(names: Sequence[str], folder: Path) -> tuple[int, object]:
    """The first of these devices that no other process has locked, and its lock, to be kept; 0 and None where all are taken."""
    for number, name in enumerate(names):
        lock = lock_folder(folder / name)
        if not isinstance(lock, str):
            return number, lock
    return 0, None
