# What all rules share: the checked config, the axes of the experiment, and what makes a job rerun.
import os
import shlex
import sys

import yaml
from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))
from voxprune.config import check_config
from voxprune.files import InputError, content_hash
from voxprune.grids import Grid, grid_name
from voxprune.interruption import RUN, lock_folder
from voxprune.modelnet import MODELNET
from voxprune.provenance import code_hash
from voxprune.sources import drawn, find_source
from voxprune.trees import SPLITS, find_meshes, folder_hash

# An override removes a method by setting it to null.
config["methods"] = {name: method for name, method in config["methods"].items() if method is not None}
with open(Path(workflow.basedir) / "schemas/config.schema.yaml") as schema:
    try:
        check_config(config, yaml.safe_load(schema))
        MESHES, CLASSES = find_source(config["dataset"])
    except InputError as error:
        raise WorkflowError(str(error))

EXPERIMENT = config["experiment"]
DATASET = config["dataset"]["name"]
CLASS_OPTIONS = [f"--classes={name}" for name in CLASSES]  # one each, so that a name may begin with a dash
METHODS = list(config["methods"])
SEEDS = config["seeds"]
LEVELS = [f"{level:03d}" for level in config["levels"]]

GRID = Grid(**{key: value for key, value in config["voxels"].items() if key != "on_bad_mesh"}, up=config["dataset"]["up"])
VOXELS = f"results/voxels/{DATASET}/{grid_name(GRID)}"
MEMORY = ".snakemake/voxprune-meshes"  # hashes of meshes, so that each is read again only when it changes
SHARDS = collect(f"{VOXELS}/{{split}}/{{name}}.npy", split=SPLITS, name=CLASSES)


os.environ[RUN] = str(os.getpid())  # jobs end when this process is gone


def begin_run():
    """Refuses a run that can't write its results, and a second one in this folder.

    profiles/default turns Snakemake's own lock off: a killed run would leave it behind.
    """
    global run_lock
    for folder in ("data", "results"):
        if Path(folder).exists() and not os.access(folder, os.W_OK):
            raise WorkflowError(f"{folder}: this folder can't be written; change its permissions or run elsewhere.")
    try:
        run_lock = lock_folder(".snakemake/voxprune.lock")
    except OSError as error:
        print(f"warning: this folder can't be locked ({error}); start no second run in it", file=sys.stderr)
    else:
        if run_lock is None:
            raise WorkflowError("Another run works in this folder; wait for its end, or clone voxprune elsewhere.")


wildcard_constraints:
    name="|".join(map(re.escape, CLASSES)),
    split="|".join(SPLITS),
    method="|".join(map(re.escape, METHODS)),
    child="parent|(" + "|".join(map(re.escape, METHODS)) + r")/level\d{3}",
    level=r"\d{3}",
    seed=r"\d+",


def options(settings):
    """Settings as command-line options: {'batch_size': 64} to '--batch-size 64'."""
    words = []
    for key, value in settings.items():
        words += [f"--{key.replace('_', '-')}", *map(str, value if isinstance(value, list) else [value])]
    return shlex.join(words)


def measurement_options(settings):
    """Those of `measurement` in the config, with the windows of the detail that is chosen there."""
    chosen = {key: value for key, value in settings.items() if key not in ("brief", "full")}
    return options(chosen | settings[settings["detail"]])


def staircase(wildcards):
    """What a budget of latency needs before pruning; nothing for the others."""
    wanted = config["methods"][wildcards.method].get("budget") == "latency"
    return f"results/{EXPERIMENT}/staircase/staircase.csv" if wanted else []


def measured_seeds(method):
    """One seed where all have the same shapes; every seed where the scores choose the shapes."""
    recipe = config["methods"][method]
    return SEEDS if (recipe["scope"], recipe["realise"]) == ("global", "remove") else SEEDS[:1]


MEASURED = {"parent": SEEDS[:1], **{method: measured_seeds(method) for method in METHODS}}


def measured():
    """The demand of the parent, and of every method and level."""
    files = [f"results/{EXPERIMENT}/seed{SEEDS[0]}/parent/demand.json"]
    for method in METHODS:
        files += collect(
            "results/{experiment}/seed{seed}/{method}/level{level}/demand.json",
            experiment=EXPERIMENT,
            seed=MEASURED[method],
            method=method,
            level=LEVELS,
        )
    return files


def gpus_here():
    """1 where this machine has an NVIDIA GPU, else 0: then no job waits for a GPU token."""
    try:
        import pynvml

        pynvml.nvmlInit()
        return min(1, pynvml.nvmlDeviceGetCount())
    except Exception:  # no driver: every version of the library raises its own kind
        return 0


GPUS = gpus_here()


def voxels_folder(wildcards, input):
    return Path(input.shards[0]).parents[1].as_posix()


def statistics_folder(wildcards, input):
    return Path(input.statistics[0]).parent.as_posix()


def method_options(wildcards):
    return options(config["methods"][wildcards.method])


def drawn_options(wildcards):
    """What tells the meshes of a split from the others in their folder; nothing where it has a folder of its own."""
    keys = ("split", "test_percent", "seed")
    return options(dict(zip(keys, drawn(MESHES, wildcards.split, config["dataset"]))))


def mesh_contents(wildcards):
    """Hash of the meshes that a voxel job reads: changing one reruns the job, touching it doesn't.

    Snakemake asks again right before the job, when meshes that were still to be made are there. Where they can't be used,
    the job says why.
    """
    folder = MESHES.format(name=wildcards.name, split=wildcards.split)
    try:
        return folder_hash(find_meshes(folder, *drawn(MESHES, wildcards.split, config["dataset"])), MEMORY)
    except InputError as error:
        return str(error)


def reported(path, category, labels, caption=None):
    """A result of the report. caption: a file written by the job itself, so that it holds real numbers."""
    caption = caption and (Path.cwd() / caption).as_posix()
    return report(path, category=category, labels=labels, caption=caption)


def network_labels(wildcards):
    """Method, level and seed of a network, by which the report lists it."""
    method, *level = wildcards.child.split("/")
    level = int(level[0].removeprefix("level")) if level else 0
    return {"method": method, "level, %": str(level), "seed": wildcards.seed}


def reported_plots(plots):
    """The SVG of each plot, with its caption. plots: {name: category}."""
    folder = f"results/{EXPERIMENT}/plots"
    return [
        reported(f"{folder}/{plot}.svg", category, {"plot": plot.replace("_", " ")}, f"{folder}/{plot}.rst")
        for plot, category in plots.items()
    ]


def network_code(name):
    """Hash of the file of a network of the user's own: changing it retrains. The built-in ones count as code."""
    path = Path(*name.partition(":")[0].split(".")).with_suffix(".py")
    return content_hash([path]) if ":" in name and path.exists() else ""
