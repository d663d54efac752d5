# How far can a 3D CNN be pruned, by filters or by weights, and what does it save? See README.md.
from snakemake.utils import min_version

min_version("9.19")


configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/meshes.smk"
include: "rules/voxels.smk"
include: "rules/training.smk"
include: "rules/pruning.smk"
include: "rules/measurement.smk"
include: "rules/report.smk"


report: (Path.cwd() / f"results/{EXPERIMENT}/answer.rst").as_posix()


rule all:
    default_target: True
    input:
        METRICS,
        f"results/{EXPERIMENT}/answer.md",
        collect(f"results/{EXPERIMENT}/tables/{{table}}.md", table=TABLES),
        collect(f"results/{EXPERIMENT}/plots/{{plot}}.png", plot=[*PLOTS, *PICTURES]),
    localrule: True


onsuccess:
    print(
        f"\nDone. The answer: results/{EXPERIMENT}/answer.md   tables: results/{EXPERIMENT}/tables/   "
        f"plots: results/{EXPERIMENT}/plots/   all numbers: results/{EXPERIMENT}/summary.csv",
        file=sys.stderr,
    )


onerror:
    print("\nStopped. The reason stands in the log above; the same command goes on from here.", file=sys.stderr)
