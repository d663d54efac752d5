"""Running out of memory, said in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from voxprune.core.errors import InputError

# What torch says: of the GPU (CUDA, cuDNN and cuBLAS each in their own words), of the machine.
SIGNS = ("out of memory", "ALLOC_FAILED", "can't allocate memory")


@contextmanager
def enough_memory(objects: int, resolution: int, remedy: str) -> Iterator[None]:
    """Raises InputError where the block runs out of memory, of the GPU or of the machine.

    objects: held at once, at `resolution`; remedy: what the user can do. Where Linux ends a process that takes too much
    instead of refusing it memory (SIGKILL), nothing can be said here; Snakemake then names the signal.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        on_gpu = isinstance(error, torch.OutOfMemoryError)
        if not (on_gpu or isinstance(error, MemoryError) or any(sign in str(error) for sign in SIGNS)):
            raise
        raise InputError(
            f"out of {'GPU ' * on_gpu}memory with batches of {objects} at resolution {resolution}; {remedy}"
        ) from error
