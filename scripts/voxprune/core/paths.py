"""Where results lie: the one place that knows their paths. The words in braces are Snakemake's wildcards.

Everything of an experiment is below `results/<experiment>`, but voxels, which experiments share.
"""

from pathlib import Path

PARENT = "seed{seed}/parent"
EARLY = "seed{seed}/parent/epoch{epoch}"  # the parent as it was after so many epochs, for methods that prune early
METHOD = "seed{seed}/{method}"
SPARSIFIED = f"{METHOD}/sparsified"  # the parent, trained on with a method's group lasso
PRUNED = f"{METHOD}/level{{level}}"  # level: percent in three digits
NETWORK = "seed{seed}/{network}"  # a parent or a pruned network
SHARD = "{split}/{name}.npy"  # below the folder of the voxels; name: of the class


def experiment_folder(experiment: str) -> str:
    """`results/<experiment>`."""
    return f"results/{experiment}"


def voxels_folder(dataset: str, grid: str) -> str:
    """`results/voxels/<dataset>/<grid's settings in words>`."""
    return f"results/voxels/{dataset}/{grid}"


def level_name(percent: int) -> str:
    """`050`, as a level stands in paths."""
    return f"{percent:03d}"


def network_folder(results: str | Path, seed: int, method: str, level: int) -> Path:
    """Where a network's files lie: `<results>/seed<k>/<method>/level<ppp>`, or `<results>/seed<k>/parent`."""
    pattern = PARENT if method == "parent" else PRUNED
    return Path(results) / pattern.format(seed=seed, method=method, level=level_name(level))
