# How far can a 3D CNN be pruned, by filters or by weights, and what does it save? See README.md.
from snakemake.utils import min_version

min_version("9.19")


configfile: f"{workflow.basedir}/config.yaml"  # also where Snakemake runs in another folder


container: "voxprune.sif"  # of every rule, with --sdm apptainer: docs/cluster.md


include: "rules/common.smk"
include: "rules/resources.smk"
include: "rules/meshes.smk"
include: "rules/voxels.smk"
include: "rules/training.smk"
include: "rules/pruning.smk"
include: "rules/measurement.smk"
include: "rules/analysis.smk"
include: "rules/report.smk"
include: "rules/deployment.smk"


report: (Path.cwd() / f"{RESULTS}/front_page.rst").as_posix()


rule all:
    default_target: True
    input:
        f"{RESULTS}/network.txt",
        METRICS,
        f"{RESULTS}/answer.md",
        f"{RESULTS}/front_page.rst",
        collect(f"{RESULTS}/tables/{{table}}.md", table=TABLES),
        collect(f"{RESULTS}/plots/{{plot}}.png", plot=[*PLOTS, *catalogue.PICTURES]),
    localrule: True


onstart:
    begin_run()


onsuccess:
    if not (workflow.dag_settings.targets or workflow.dag_settings.until or workflow.dag_settings.omit_from):
        print(
            f"\nDone. The answer: {RESULTS}/answer.md   tables: {RESULTS}/tables/   "
            f"plots: {RESULTS}/plots/   all numbers: {RESULTS}/summary.csv",
            file=sys.stderr,
        )
        left_out = len(Path(f"{RESULTS}/skipped.csv").read_text().splitlines()) - 1
        if left_out:
            print(f"{left_out} meshes were left out: {RESULTS}/skipped.csv says which and why", file=sys.stderr)


onerror:
    print("\nStopped. The reason stands in the log above; the same command goes on from here.", file=sys.stderr)
