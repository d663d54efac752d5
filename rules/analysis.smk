# All numbers in one table, and the answer that they give.

METRICS = collect(f"{NETWORK}/metrics.json", seed=SEEDS, network=NETWORKS)
PREDICTIONS = collect(f"{NETWORK}/predictions.npz", seed=SEEDS, network=NETWORKS)
STATISTICS = collect(f"{RESULTS}/statistics/{{table}}.csv", table=catalogue.STATISTICS)


rule summarise:
    """Gather every number: one row a network, and one a network and cell of measuring."""
    input:
        metrics=METRICS,
        demand=DEMANDS,
    output:
        summary=f"{RESULTS}/summary.csv",
        demand=f"{RESULTS}/demand.csv",
    log:
        f"{LOGS}/summarise.log",
    conda:
        "../envs/report.yaml"
    params:
        results=subpath(output.summary, parent=True),
        axes=options(
            {
                "seeds": list(SEEDS),
                "methods": METHODS,
                "levels": config["levels"],
                "trained_on": TRAINED_ON,
                "measured": [f"{method}/{seed}" for method, seeds in MEASURED.items() for seed in seeds],
            }
        ),
        code=code_hash("summarise"),
    shell:
        stage("summarise") + "--results {params.results:q} {params.axes} "
        "--summary {output.summary:q} --demand-table {output.demand:q} > {log:q} 2>&1"


rule write_answer:
    """Answer the question from stored predictions: statistics, and the answer in numbers and in sentences."""
    input:
        summary=f"{RESULTS}/summary.csv",
        demand=f"{RESULTS}/demand.csv",
        predictions=PREDICTIONS,
        skipped=f"{RESULTS}/skipped.csv",
    output:
        answer=collect(f"{RESULTS}/answer.{{kind}}", kind=["json", "md"]),
        statistics=STATISTICS,
    log:
        f"{LOGS}/write_answer.log",
    conda:
        "../envs/report.yaml"
    params:
        results=subpath(input.summary, parent=True),
        settings=options(config["answer"]),
        pictures=[f"plots/{name}.png" for name in catalogue.STORY],
        code=code_hash("write_answer"),
    shell:
        stage("write_answer") + "--results {params.results:q} --summary {input.summary:q} "
        "--demand {input.demand:q} --skipped {input.skipped:q} --pictures {params.pictures:q} {params.settings} > {log:q} 2>&1"


CONTROLS = [name for name, method in SETTINGS.methods.items() if method.criterion == CONTROL]


rule foresee_power:
    """Optional target: say before training how much the configured seeds and test objects can show."""
    input:
        tables=[shard.replace(".npy", ".csv") for shard in TEST_SHARDS],
    output:
        f"{RESULTS}/power.csv",
    log:
        f"{LOGS}/foresee_power.log",
    conda:
        "../envs/report.yaml"
    params:
        methods=len(METHODS) - len(CONTROLS) or len(METHODS),
        seeds=len(SEEDS),
        settings=options(config["answer"]),
        code=code_hash("foresee_power"),
    shell:
        stage("foresee_power") + "--tables {input.tables:q} --methods {params.methods} --seeds {params.seeds} "
        "{params.settings} --power {output:q} 2>&1 | tee {log:q}"
