# Tables, plots and pictures.

RETRAINED = [name for name, method in SETTINGS.methods.items() if method.trains]
PLOTS = catalogue.PLOTS | (catalogue.RETRAINING_PLOTS if RETRAINED else {}) | (catalogue.GPU_PLOTS if MEASURES_GPU else {})
PLOTS |= catalogue.DEVICE_PLOTS if SETTINGS.device_files else {}
TABLES = [*catalogue.table_names(METHODS), *(catalogue.DEVICE_TABLES if SETTINGS.device_files else [])]


rule write_tables:
    """Write every table of the report, as Markdown, LaTeX and HTML."""
    input:
        summary=f"{RESULTS}/summary.csv",
        demand=f"{RESULTS}/demand.csv",
        answer=f"{RESULTS}/answer.json",
        statistics=STATISTICS,
        skipped=f"{RESULTS}/skipped.csv",
        device_files=SETTINGS.device_files,
    output:
        [
            reported(
                f"{RESULTS}/tables/{table}.html", "Tables", {"table": table.removeprefix("methods/").replace("_", " ")}
            )
            for table in TABLES
        ],
        collect(f"{RESULTS}/tables/{{table}}.{{kind}}", table=TABLES, kind=["md", "tex"]),
        collect(f"{RESULTS}/tables/methods/{{method}}.csv", method=["parent", *METHODS]),
    log:
        f"{LOGS}/write_tables.log",
    conda:
        "../envs/report.yaml"
    params:
        folder=subpath(output[0], parent=True),
        statistics=statistics_folder,
        code=code_hash("write_tables"),
    shell:
        stage("write_tables") + "--summary {input.summary:q} --demand {input.demand:q} "
        "--statistics {params.statistics:q} --answer {input.answer:q} --skipped {input.skipped:q} "
        "--device-files {input.device_files:q} --folder {params.folder:q} > {log:q} 2>&1"


rule draw_plots:
    """Draw what the numbers say: accuracy, demand, training."""
    input:
        summary=f"{RESULTS}/summary.csv",
        demand=f"{RESULTS}/demand.csv",
        answer=f"{RESULTS}/answer.json",
        statistics=STATISTICS,
        sensitivity=f"{RESULTS}/sensitivity.csv",
        curves=collect(f"{PARENT}/training.csv", seed=SEEDS),
        retraining=collect(f"{PRUNED}/retraining.csv", seed=SEEDS[0], method=RETRAINED, level=LEVELS),
        device_files=SETTINGS.device_files,
    output:
        reported_plots(PLOTS),
        collect(f"{RESULTS}/plots/{{plot}}.{{kind}}", plot=PLOTS, kind=["png", "rst"]),
    log:
        f"{LOGS}/draw_plots.log",
    conda:
        "../envs/report.yaml"
    params:
        folder=subpath(output[0], parent=True),
        statistics=statistics_folder,
        seeds=SEEDS,
        gpu="--gpu" if MEASURES_GPU else "",
        code=code_hash("draw_plots"),
    shell:
        stage("draw_plots") + "--summary {input.summary:q} --demand {input.demand:q} "
        "--statistics {params.statistics:q} --answer {input.answer:q} --sensitivity {input.sensitivity:q} "
        "--seeds {params.seeds:q} {params.gpu} --curves {input.curves:q} --retraining {input.retraining:q} "
        "--device-files {input.device_files:q} --folder {params.folder:q} > {log:q} 2>&1"


rule write_front_page:
    """Write the page that the report opens with."""
    input:
        answer=f"{RESULTS}/answer.json",
        pictures=[f"{RESULTS}/plots/{name}.png" for name in catalogue.STORY],
    output:
        f"{RESULTS}/front_page.rst",
    log:
        f"{LOGS}/write_front_page.log",
    conda:
        "../envs/report.yaml"
    params:
        code=code_hash("write_front_page"),
    shell:
        stage("write_front_page")
        + "--answer {input.answer:q} --pictures {input.pictures:q} --page {output:q} > {log:q} 2>&1"


rule draw_pictures:
    """Draw objects and mistakes."""
    input:
        answer=f"{RESULTS}/answer.json",
        predictions=PREDICTIONS,
        shards=TEST_SHARDS,
    output:
        reported_plots(catalogue.PICTURES),
        collect(f"{RESULTS}/plots/{{plot}}.{{kind}}", plot=catalogue.PICTURES, kind=["png", "rst"]),
    log:
        f"{LOGS}/draw_pictures.log",
    conda:
        "../envs/report.yaml"
    params:
        results=subpath(input.answer, parent=True),
        views=config["voxels"]["views"],
        folder=subpath(output[0], parent=True),
        code=code_hash("draw_pictures"),
    shell:
        stage("draw_pictures") + "--results {params.results:q} --answer {input.answer:q} "
        "--shards {input.shards:q} --views {params.views} --folder {params.folder:q} > {log:q} 2>&1"


rule draw_optional:
    """Optional target: draw a table that its own rule makes, so that a change of the plot measures nothing anew."""
    input:
        f"{RESULTS}/{{optional}}.csv",
    output:
        f"{RESULTS}/{{optional}}.png",
        f"{RESULTS}/{{optional}}.svg",
    log:
        f"{LOGS}/draw_optional/{{optional}}.log",
    wildcard_constraints:
        optional=f"staircase/(staircase|methods/({one_of(FILTER_METHODS)}))|leave_one_out/correlations",
    conda:
        "../envs/report.yaml"
    params:
        code=code_hash("draw_optional"),
    shell:
        stage("draw_optional") + "--table {input:q} > {log:q} 2>&1"
