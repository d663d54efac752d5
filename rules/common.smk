# What all rules share: the checked config, the axes of the experiment, its paths, and what makes a job rerun.
import atexit
import os
import shlex
import subprocess
import sys
from importlib.util import find_spec

import msgspec
import yaml
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

SCRIPTS = Path(workflow.current_basedir).parent / "scripts"
sys.path.insert(0, str(SCRIPTS))
from voxprune.core import paths
from voxprune.core.cluster import cancel_jobs_left
from voxprune.core.errors import InputError
from voxprune.core.interruption import RUN, lock_folder, this_process
from voxprune.core.plan import record_plan
from voxprune.core.provenance import code_hash, settings_hash
from voxprune.core.record import check_record, write_record
from voxprune.core.registry import choices
from voxprune.datasets.folders import SPLITS, find_meshes, folder_hash
from voxprune.datasets.modelnet import MODELNET
from voxprune.datasets.source import find_source, split_arguments
from voxprune.meshes.endings import format_files
from voxprune.report import catalogue
from voxprune.settings.config import check_config, without_removed_methods
from voxprune.settings.files import criteria_files, engine_files, method_files, network_files
from voxprune.settings.measurement import ENGINES
from voxprune.settings.method import CONTROL, CRITERIA, trials
from voxprune.settings.voxels import Cells, Grid


def typed(value):
    """What --config says inside groups and lists comes as text: the numbers that it means."""
    if isinstance(value, dict):
        return {key: typed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [typed(one) for one in value]
    return yaml.safe_load(value) if isinstance(value, str) else value


update_config(config, typed(workflow.config_settings.config or {}))
config.update(without_removed_methods(config))
try:
    SETTINGS = check_config(config)
    MESHES, CLASSES = find_source(config["dataset"], config["voxels"]["on_bad_mesh"])
    REMEMBERED = ".snakemake/metadata"  # what made each file
    RECORD = f"{paths.experiment_folder(SETTINGS.experiment)}/config.yaml"
    check_record(RECORD, config, REMEMBERED)
except InputError as error:
    raise WorkflowError(str(error))

DATASET = SETTINGS.dataset.name
CLASS_OPTIONS = [f"--classes={name}" for name in CLASSES]  # one each, so that a name may begin with a dash
METHODS = list(SETTINGS.methods)
SEEDS = SETTINGS.seeds
LEVELS = [paths.level_name(level) for level in SETTINGS.levels]


def trained_on(method):
    """How a method trains the finished parent on after pruning; None where it doesn't, or begins anew or earlier."""
    if not method.trains or method.starts_anew or method.prune_at is not None:
        return None
    return tuple(
        getattr(method, key)
        for key in ("sparsify", "sparsify_epochs", "retrain", "epochs", "learning_rate", "steps", "distil", "temperature")
    )


# Of every way to train on after pruning, the first method also gets level 0: its parent, unpruned, trained on.
WAYS = {trained_on(method): name for name, method in reversed(SETTINGS.methods.items())}
TRAINED_ON = [] if 0 in SETTINGS.levels else [name for way, name in WAYS.items() if way]
ONE_SHOT = [name for name, method in SETTINGS.methods.items() if not method.trains]  # pruned and not trained after that
FILTER_METHODS = [name for name, method in SETTINGS.methods.items() if method.unit == "filter"]
NETWORKS = ["parent", *collect("{method}/level{level}", method=METHODS, level=LEVELS)]
NETWORKS += collect("{method}/level000", method=TRAINED_ON)
GRID = Grid(**{key: config["voxels"][key] for key in Cells.__struct_fields__}, up=SETTINGS.dataset.up)

RESULTS = paths.experiment_folder(SETTINGS.experiment)
LOGS = f"{RESULTS}/logs"
BELOW_RESULTS = (paths.PARENT, paths.EARLY, paths.METHOD, paths.SPARSIFIED, paths.PRUNED, paths.NETWORK)
PARENT, EARLY, METHOD, SPARSIFIED, PRUNED, NETWORK = (f"{RESULTS}/{path}" for path in BELOW_RESULTS)
FIRST_PARENT = PARENT.format(seed=SEEDS[0])
VOXELS = paths.voxels_folder(DATASET, GRID.name)
SHARDS = collect(f"{VOXELS}/{paths.SHARD}", split=SPLITS, name=CLASSES)
TEST_SHARDS = collect(f"{VOXELS}/{paths.SHARD}", split="test", name=CLASSES)
PRELOADED = ".snakemake/voxprune.socket"
MEMORY = ".snakemake/voxprune-meshes"  # hashes of meshes, so that each is read again only when it changes

os.environ[RUN] = this_process()  # jobs end when this process is gone; on a cluster, this is the one on their node


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
        if isinstance(run_lock, str):
            raise WorkflowError(
                f"Another run works in this folder (process {run_lock}); wait for its end, or clone voxprune elsewhere."
            )
    try:
        cancel_jobs_left(Path.cwd(), report=lambda line: print(line, file=sys.stderr))
    except InputError as error:
        raise WorkflowError(str(error))
    record_plan(RESULTS, config)
    write_record(RECORD, config, REMEMBERED)
    preload_torch()
    limit = workflow.scheduler.job_rate_limiter
    if limit and limit.max_jobs == 100:
        # Snakemake's default of 100 jobs a second, for which it looks at all waiting jobs once a second more after every job.
        workflow.scheduler.job_rate_limiter = None


def preload_torch():
    """Starts the process that `torch_stage` forks from; it ends with this run.

    Not for commands that run on other machines or in environments of their own, and on Linux alone: else they start by themselves.
    """
    if workflow.local_exec and not workflow.deployment_settings.deployment_method and sys.platform == "linux":
        program = SCRIPTS / "voxprune/core/preloaded.py"
        process = subprocess.Popen(["python", "-P", program, "--serve", PRELOADED], stdin=subprocess.PIPE)
        atexit.register(process.communicate)


def one_of(names):
    """The pattern of a wildcard that is one of these names; of none, one that nothing matches."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    name=one_of(CLASSES),
    split=one_of(SPLITS),
    method=one_of(METHODS),
    network=f"parent|({one_of(METHODS)})/level\\d{{3}}",
    level=r"\d{3}",
    epoch=r"\d+",
    seed=r"\d+",


def options(settings):
    """Settings as command-line options: {'batch_size': 64} to '--batch-size 64'. Those that are None are left out."""
    words = []
    for key, value in settings.items():
        if isinstance(value, dict):
            value = [f"{name}={one}" for name, one in value.items()]
        if value is not None:
            words += [f"--{key.replace('_', '-')}", *map(str, value if isinstance(value, list) else [value])]
    return shlex.join(words)


def script(name):
    """A file of code, from wherever Snakemake runs."""
    return f"{shlex.quote(os.path.relpath(SCRIPTS))}/{name}.py"


def stage(name):
    """The beginning of the command of a stage."""
    return f"python {script(name)} "


def torch_stage(name):
    """The same of a stage that would spend most of its time on loading PyTorch: on this machine it is forked, with it loaded."""
    return f"python -IS {script('voxprune/core/preloaded')} {PRELOADED} {script(name)} "


def some(settings, *keys):
    """Some of the settings of a section."""
    return {key: settings[key] for key in keys}


GRID_OPTIONS = options(some(config["voxels"], *Cells.__struct_fields__) | {"up": SETTINGS.dataset.up})
NETWORK_FILES = network_files(SETTINGS.network)


NETWORK_OPTIONS = ["--network", SETTINGS.network, "--resolution", str(SETTINGS.voxels.resolution), *CLASS_OPTIONS]
NETWORK_OPTIONS += ["--trials", msgspec.json.encode(trials(SETTINGS.methods.values(), SETTINGS.levels)).decode()]


def check_own_network():
    """Refuses a network of the user's own that can't be trained or pruned, in a dry run too; told once for each version of it."""
    if ":" not in SETTINGS.network or find_spec("torch") is None:  # torch: else in an environment
        return
    version = settings_hash([*NETWORK_OPTIONS, code_hash("check_network", *NETWORK_FILES)])
    told = f".snakemake/voxprune-networks/{version}.txt"
    if Path(told).exists():
        return
    command = [sys.executable, SCRIPTS / "check_network.py", *NETWORK_OPTIONS, "--report", told]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise WorkflowError((done.stderr.strip().splitlines() or ["the check of the network failed"])[-1])


check_own_network()


def parent_folder(index):
    """A function for `params`: the folder `index` levels above the first shard or statistic that a job takes."""
    return lambda wildcards, input: Path((input.get("shards") or input.get("statistics"))[0]).parents[index].as_posix()


voxels_folder, statistics_folder = parent_folder(1), parent_folder(0)


def reported(path, category, labels, caption=None):
    """A result of the report. caption: a file written by the job itself, so that it holds real numbers."""
    caption = caption and (Path.cwd() / caption).as_posix()
    return report(path, category=category, labels=labels, caption=caption)


def reported_plots(plots):
    """The SVG of each plot, with its caption. plots: {name: category}."""
    stems = {name: f"{RESULTS}/plots/{name}" for name in plots}
    return [
        reported(f"{stem}.svg", plots[name], {"plot": name.replace("_", " ")}, f"{stem}.rst") for name, stem in stems.items()
    ]


def measured_seeds(method):
    """One seed where all have the same shapes; every seed where the scores choose the shapes."""
    return SEEDS if (method.scope, method.apply) == ("global", "remove") else SEEDS[:1]


def settings_of(wildcards):
    return config["methods"][wildcards.method]


def pruning_code(wildcards):
    """What reruns a method: its criterion, its kind of retraining and the network besides the code that all share."""
    method = SETTINGS.methods[wildcards.method]
    return code_hash("prune", *NETWORK_FILES, *method_files(method.unit, method.criterion, method.retrain))


def parent_to_prune(wildcards):
    """The parent, or what a method makes of it before pruning."""
    if SETTINGS.methods[wildcards.method].sparsify is None:
        return parent_to_sparsify(wildcards)
    return f"{SPARSIFIED.format(seed=wildcards.seed, method=wildcards.method)}/checkpoint.safetensors"


def parent_to_sparsify(wildcards):
    """The parent, or the parent as it was after the epochs that a method takes of it."""
    method = SETTINGS.methods[wildcards.method]
    folder = PARENT if method.prune_at is None else EARLY
    epochs = paths.level_name(method.parent_epochs(SETTINGS.training.epochs))
    return f"{folder.format(seed=wildcards.seed, epoch=epochs)}/checkpoint.safetensors"


def teacher(wildcards):
    """Whose logits a method learns that doesn't prune the finished parent; the others' teacher is the parent that they prune."""
    method = SETTINGS.methods[wildcards.method]
    another = method.prune_at is not None or method.sparsify is not None
    return f"{PARENT.format(seed=wildcards.seed)}/checkpoint.safetensors" if method.distil and another else []


SHAPING = ("criterion", "scope", "channel_multiple", "ratios")  # what of a method decides how many filters each layer keeps
STAIRCASES = f"{RESULTS}/staircase"


def staircase(wildcards):
    """What a budget of latency needs before pruning; nothing for the others. Its own where layers don't lose equal shares."""
    method = SETTINGS.methods[wildcards.method]
    if method.budget != "latency":
        return []
    uniform = method.scope == "layer" and method.channel_multiple == 1 and method.ratios is None
    return f"{STAIRCASES}/staircase.csv" if uniform else f"{STAIRCASES}/methods/{wildcards.method}.csv"


def reported_network(path, network):
    """The metrics of a network, which the report lists by its name and seed."""
    return reported(path, "Networks", {"network": network, "seed": "{seed}"})


# What tells the meshes of a split from the others in their folder; nothing where it has a folder of its own.
SPLIT_OPTIONS = options(
    {} if "{split}" in MESHES else {"splits": [*SPLITS], **some(config["dataset"], "test_percent", "seed")}
)


def found_meshes(wildcards):
    """The meshes of each split that a voxel job reads. Raises InputError where they can't be used, or are still to be made."""
    return [
        find_meshes(MESHES.format(name=wildcards.name, split=split), *split_arguments(MESHES, split, config["dataset"]))
        for split in SPLITS
    ]


def voxelize_code(wildcards):
    """What reruns a voxel job: the code of the formats that its meshes have, besides the code that all share."""
    try:
        names = [path.name for meshes in found_meshes(wildcards) for path in meshes]
    except InputError:
        names = []
    return code_hash("voxelize", *format_files(names))


def mesh_contents(wildcards):
    """Hash of the meshes that a voxel job reads: changing one reruns the job, touching it doesn't.

    Snakemake asks again right before the job, when meshes that were still to be made are there. Where they can't be used,
    the job says why.
    """
    try:
        return [folder_hash(meshes, MEMORY) for meshes in found_meshes(wildcards)]
    except InputError as error:
        return str(error)
