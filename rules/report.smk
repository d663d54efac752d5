# One table of everything, the study's tables, the plots.

PLOTS = [
    "accuracy_by_level",
    "gpu_utilization_by_level",
    "latency_by_level",
    "speedup_against_macs",
    "accuracy_against_macs",
    "accuracy_against_parameters",
    "accuracy_against_bytes",
    "learning_curves",
]
RETRAINED = [method for method in METHODS if "epochs" in config["methods"][method]]
if RETRAINED:
    PLOTS.append("retraining_curves")
CHILDREN = ["parent", *collect("{method}/level{level}", method=METHODS, level=LEVELS)]
METRICS = collect(f"results/{EXPERIMENT}/seed{{seed}}/{{child}}/metrics.json", seed=SEEDS, child=CHILDREN)


rule summarise:
    """Gather every number: one row a network, and one a network and cell of measuring."""
    input:
        metrics=METRICS,
        demand=measured(),
    output:
        summary=f"results/{EXPERIMENT}/summary.csv",
        demand=f"results/{EXPERIMENT}/demand.csv",
    log:
        f"results/{EXPERIMENT}/logs/summarise.log",
    conda:
        "../envs/report.yaml"
    params:
        code=code_hash("summarise"),
    shell:
        "python scripts/summarise.py --metrics {input.metrics:q} --demand {input.demand:q} "
        "--summary {output.summary:q} --demand-table {output.demand:q} > {log:q} 2>&1"


rule write_tables:
    """Write the study's tables and those of demand: for the parent and for each method."""
    input:
        summary=f"results/{EXPERIMENT}/summary.csv",
        demand=f"results/{EXPERIMENT}/demand.csv",
    output:
        collect(f"results/{EXPERIMENT}/tables/{{method}}.{{kind}}", method=["parent", *METHODS], kind=["csv", "md"]),
        collect(f"results/{EXPERIMENT}/tables/{{method}}_demand.md", method=["parent", *METHODS]),
    log:
        f"results/{EXPERIMENT}/logs/write_tables.log",
    conda:
        "../envs/report.yaml"
    params:
        folder=subpath(output[0], parent=True),
        code=code_hash("write_tables"),
    shell:
        "python scripts/write_tables.py --summary {input.summary:q} --demand {input.demand:q} --folder {params.folder:q} > {log:q} 2>&1"


rule draw_plots:
    """Draw the study's plots and what they leave open."""
    input:
        summary=f"results/{EXPERIMENT}/summary.csv",
        demand=f"results/{EXPERIMENT}/demand.csv",
        curves=collect(f"results/{EXPERIMENT}/seed{{seed}}/parent/training.csv", seed=SEEDS),
        retraining=collect(
            f"results/{EXPERIMENT}/seed{SEEDS[0]}/{{method}}/level{{level}}/retraining.csv",
            method=RETRAINED,
            level=LEVELS,
        ),
    output:
        collect(f"results/{EXPERIMENT}/plots/{{plot}}.{{kind}}", plot=PLOTS, kind=["png", "svg"]),
    log:
        f"results/{EXPERIMENT}/logs/draw_plots.log",
    conda:
        "../envs/report.yaml"
    params:
        folder=subpath(output[0], parent=True),
        seeds=SEEDS,
        code=code_hash("draw_plots"),
    shell:
        "python scripts/draw_plots.py --summary {input.summary:q} --demand {input.demand:q} --seeds {params.seeds} --curves {input.curves:q} "
        "--retraining {input.retraining:q} --folder {params.folder:q} > {log:q} 2>&1"


rule compare_criteria:
    """Optional target: leave every filter of the first seed's parent out and rank the criteria by what happens."""
    input:
        parent=f"results/{EXPERIMENT}/seed{SEEDS[0]}/parent/checkpoint.safetensors",
        shards=SHARDS,
    output:
        f"results/{EXPERIMENT}/criteria/filters.csv",
        f"results/{EXPERIMENT}/criteria/correlations.csv",
        f"results/{EXPERIMENT}/criteria/correlations.png",
        f"results/{EXPERIMENT}/criteria/correlations.svg",
    log:
        f"results/{EXPERIMENT}/logs/compare_criteria.log",
    conda:
        "../envs/torch.yaml"
    params:
        folder=subpath(output[0], parent=True),
        voxels=voxels_folder,
        objects=config["criterion_objects"],
        code=code_hash("compare_criteria"),
    shell:
        "python scripts/compare_criteria.py --parent {input.parent:q} --voxels {params.voxels:q} "
        "--objects {params.objects} --folder {params.folder:q} 2>&1 | tee {log:q}"
