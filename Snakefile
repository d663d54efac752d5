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


rule all:
    default_target: True
    input:
        METRICS,
        collect(f"results/{EXPERIMENT}/tables/{{method}}.md", method=["parent", *METHODS]),
        collect(f"results/{EXPERIMENT}/plots/{{plot}}.png", plot=PLOTS),
    localrule: True


onstart:
    begin_run()


onsuccess:
    print(
        f"\nDone. Tables: results/{EXPERIMENT}/tables/   plots: results/{EXPERIMENT}/plots/   "
        f"all numbers: results/{EXPERIMENT}/summary.csv",
        file=sys.stderr,
    )


onerror:
    print("\nStopped. The reason stands in the log above; the same command goes on from here.", file=sys.stderr)
