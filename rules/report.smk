# One table of everything, the study's tables, the plots.

PLOTS = {  # name: category in the report
    "accuracy_by_level": "Accuracy",
    "accuracy_against_macs": "Accuracy",
    "accuracy_against_parameters": "Accuracy",
    "accuracy_against_bytes": "Accuracy",
    "accuracy_against_latency": "Accuracy",
    "accuracy_against_energy": "Accuracy",
    "pareto_front": "Accuracy",
    "classes_by_level": "Accuracy",
    "gpu_utilization_by_level": "Demand",
    "latency_by_level": "Demand",
    "speedup_against_macs": "Demand",
    "sensitivity_by_layer": "Training and layers",
    "learning_curves": "Training and layers",
}
PICTURES = {"examples": "Objects", "turned_wrong": "Objects", "confusion": "Objects"}
RETRAINED = [method for method in METHODS if "epochs" in config["methods"][method]]
if RETRAINED:
    PLOTS["retraining_curves"] = "Training and layers"
STATISTICS = ["levels", "seeds", "classes", "budgets", "pairs", "fronts", "hypervolumes"]
TABLES = ["levels", "equal_cost", "pairs", "fronts", "hypervolumes", "classes", "seeds", "second_opinions", "skipped_meshes"]
TABLES += [f"{method}{kind}" for method in ["parent", *METHODS] for kind in ("", "_demand")]
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
        results=subpath(output.summary, parent=True),
        axes=options(
            {
                "seeds": SEEDS,
                "methods": METHODS,
                "levels": config["levels"],
                "measured": [f"{method}/{seed}" for method, seeds in MEASURED.items() for seed in seeds],
            }
        ),
        code=code_hash("summarise"),
    shell:
        "python scripts/summarise.py --results {params.results:q} {params.axes} "
        "--summary {output.summary:q} --demand-table {output.demand:q} > {log:q} 2>&1"


rule write_answer:
    """Answer the question from stored predictions: statistics, and the answer in numbers and in sentences."""
    input:
        summary=f"results/{EXPERIMENT}/summary.csv",
        demand=f"results/{EXPERIMENT}/demand.csv",
        predictions=collect(f"results/{EXPERIMENT}/seed{{seed}}/{{child}}/predictions.npz", seed=SEEDS, child=CHILDREN),
    output:
        answer=collect(f"results/{EXPERIMENT}/answer.{{kind}}", kind=["json", "md", "rst"]),
        statistics=collect(f"results/{EXPERIMENT}/statistics/{{table}}.csv", table=STATISTICS),
    log:
        f"results/{EXPERIMENT}/logs/write_answer.log",
    conda:
        "../envs/report.yaml"
    params:
        results=subpath(input.summary, parent=True),
        settings=options(config["answer"]),
        code=code_hash("write_answer"),
    shell:
        "python scripts/write_answer.py --results {params.results:q} --summary {input.summary:q} "
        "--demand {input.demand:q} {params.settings} > {log:q} 2>&1"


rule write_tables:
    """Write every table of the report, as Markdown, LaTeX and HTML."""
    input:
        summary=f"results/{EXPERIMENT}/summary.csv",
        demand=f"results/{EXPERIMENT}/demand.csv",
        answer=f"results/{EXPERIMENT}/answer.json",
        statistics=collect(f"results/{EXPERIMENT}/statistics/{{table}}.csv", table=STATISTICS),
        skipped=f"results/{EXPERIMENT}/skipped.csv",
    output:
        [reported(f"results/{EXPERIMENT}/tables/{table}.html", "Tables", {"table": table.replace("_", " ")}) for table in TABLES],
        collect(f"results/{EXPERIMENT}/tables/{{table}}.{{kind}}", table=TABLES, kind=["md", "tex"]),
        collect(f"results/{EXPERIMENT}/tables/{{method}}.csv", method=["parent", *METHODS]),
    log:
        f"results/{EXPERIMENT}/logs/write_tables.log",
    conda:
        "../envs/report.yaml"
    params:
        folder=subpath(output[0], parent=True),
        statistics=statistics_folder,
        code=code_hash("write_tables"),
    shell:
        "python scripts/write_tables.py --summary {input.summary:q} --demand {input.demand:q} "
        "--statistics {params.statistics:q} --answer {input.answer:q} --skipped {input.skipped:q} "
        "--folder {params.folder:q} > {log:q} 2>&1"


rule measure_sensitivity:
    """Prune each layer of the first seed's parent alone."""
    input:
        parent=f"results/{EXPERIMENT}/seed{SEEDS[0]}/parent/checkpoint.safetensors",
        shards=SHARDS,
    output:
        f"results/{EXPERIMENT}/sensitivity.csv",
    log:
        f"results/{EXPERIMENT}/logs/measure_sensitivity.log",
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=GPUS,
    params:
        voxels=voxels_folder,
        levels=config["levels"],
        code=code_hash("measure_sensitivity"),
    shell:
        "python scripts/measure_sensitivity.py --parent {input.parent:q} --voxels {params.voxels:q} "
        "--levels {params.levels:q} --gpus {resources.gpu} --table {output:q} > {log:q} 2>&1"


rule draw_plots:
    """Draw what the numbers say: accuracy, demand, training."""
    input:
        summary=f"results/{EXPERIMENT}/summary.csv",
        demand=f"results/{EXPERIMENT}/demand.csv",
        answer=f"results/{EXPERIMENT}/answer.json",
        statistics=collect(f"results/{EXPERIMENT}/statistics/{{table}}.csv", table=STATISTICS),
        sensitivity=f"results/{EXPERIMENT}/sensitivity.csv",
        curves=collect(f"results/{EXPERIMENT}/seed{{seed}}/parent/training.csv", seed=SEEDS),
        retraining=collect(
            f"results/{EXPERIMENT}/seed{SEEDS[0]}/{{method}}/level{{level}}/retraining.csv",
            method=RETRAINED,
            level=LEVELS,
        ),
    output:
        reported_plots(PLOTS),
        collect(f"results/{EXPERIMENT}/plots/{{plot}}.{{kind}}", plot=PLOTS, kind=["png", "rst"]),
    log:
        f"results/{EXPERIMENT}/logs/draw_plots.log",
    conda:
        "../envs/report.yaml"
    params:
        folder=subpath(output[0], parent=True),
        statistics=statistics_folder,
        seeds=SEEDS,
        code=code_hash("draw_plots"),
    shell:
        "python scripts/draw_plots.py --summary {input.summary:q} --demand {input.demand:q} "
        "--statistics {params.statistics:q} --answer {input.answer:q} --sensitivity {input.sensitivity:q} "
        "--seeds {params.seeds:q} --curves {input.curves:q} --retraining {input.retraining:q} "
        "--folder {params.folder:q} > {log:q} 2>&1"


rule draw_pictures:
    """Draw objects and mistakes."""
    input:
        answer=f"results/{EXPERIMENT}/answer.json",
        predictions=collect(f"results/{EXPERIMENT}/seed{{seed}}/{{child}}/predictions.npz", seed=SEEDS, child=CHILDREN),
        shards=collect(f"{VOXELS}/test/{{name}}.npy", name=CLASSES),
    output:
        reported_plots(PICTURES),
        collect(f"results/{EXPERIMENT}/plots/{{plot}}.{{kind}}", plot=PICTURES, kind=["png", "rst"]),
    log:
        f"results/{EXPERIMENT}/logs/draw_pictures.log",
    conda:
        "../envs/torch.yaml"
    params:
        results=subpath(input.answer, parent=True),
        voxels=voxels_folder,
        folder=subpath(output[0], parent=True),
        code=code_hash("draw_pictures"),
    shell:
        "python scripts/draw_pictures.py --results {params.results:q} --answer {input.answer:q} "
        "--voxels {params.voxels:q} --folder {params.folder:q} > {log:q} 2>&1"


rule compare_criteria:
    """Leave every filter of the first seed's parent out and rank the criteria by what happens."""
    input:
        parent=f"results/{EXPERIMENT}/seed{SEEDS[0]}/parent/checkpoint.safetensors",
        shards=SHARDS,
    output:
        f"results/{EXPERIMENT}/criteria/filters.csv",
        f"results/{EXPERIMENT}/criteria/correlations.csv",
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


rule draw_optional:
    """Optional target: draw a table that its own rule makes, so that a change of the plot measures nothing anew."""
    input:
        f"results/{EXPERIMENT}/{{optional}}.csv",
    output:
        f"results/{EXPERIMENT}/{{optional}}.png",
        f"results/{EXPERIMENT}/{{optional}}.svg",
    log:
        f"results/{EXPERIMENT}/logs/draw_optional/{{optional}}.log",
    conda:
        "../envs/report.yaml"
    wildcard_constraints:
        optional="staircase/staircase|criteria/correlations",
    params:
        code=code_hash("draw_optional"),
    shell:
        "python scripts/draw_optional.py --table {input:q} > {log:q} 2>&1"
