# What jobs need: cores, GPUs, memory and time. On one machine only cores and GPUs count; a cluster's scheduler asks for all.
from voxprune.core.gpus import visible_gpus


# Seconds of work each: on a cluster they run where Snakemake runs and don't wait in the queue.
localrules:
    check_network,
    list_skipped,
    summarise,
    write_answer,
    write_tables,
    draw_plots,
    draw_pictures,
    draw_preview,
    draw_optional,
    write_front_page,
    foresee_power,
    export,


def growing(amount):
    """An amount that grows with each attempt at a job: a cluster ends a job that takes more than it asked for."""
    return lambda wildcards, attempt: attempt * amount


def decided_once(variable, value):
    """A number that the run decides for its jobs, by an environment variable: on a cluster each job reads the rules again."""
    if workflow.is_main_process:
        os.environ[variable] = str(value)
    return int(os.environ.get(variable, value))


def gpus_of_a_job():
    """1 where jobs find an NVIDIA GPU that they may use, else 0: then no job waits for a GPU token.

    A cluster's profile says it by the resource `nodes_have_gpus`; else this machine's GPUs count.
    """
    told = {name: workflow.global_resources[name].value for name in workflow.global_resources}
    return min(1, told.get("gpu", 1), told.get("nodes_have_gpus", len(visible_gpus())))


CORES = decided_once("VOXPRUNE_CORES", workflow.cores)
GPUS = decided_once("VOXPRUNE_GPUS", gpus_of_a_job())
