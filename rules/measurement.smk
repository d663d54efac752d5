# What networks demand while they run: one job per method and measured seed, alone on the machine.


rule measure:
    """Measure all levels of one method beside their parent."""
    input:
        parent=f"results/{EXPERIMENT}/seed{{seed}}/parent/checkpoint.safetensors",
        checkpoints=collect(
            f"results/{EXPERIMENT}/seed{{{{seed}}}}/{{{{method}}}}/level{{level}}/checkpoint.safetensors", level=LEVELS
        ),
        shards=collect(f"{VOXELS}/test/{{name}}.npy", name=CLASSES),
    output:
        demand=collect(f"results/{EXPERIMENT}/seed{{{{seed}}}}/{{{{method}}}}/level{{level}}/demand.json", level=LEVELS),
        latency=collect(f"results/{EXPERIMENT}/seed{{{{seed}}}}/{{{{method}}}}/level{{level}}/latency.npz", level=LEVELS),
    log:
        f"results/{EXPERIMENT}/logs/seed{{seed}}/{{method}}/measure.log",
    conda:
        "../envs/torch.yaml"
    threads: workflow.cores  # so that nothing runs beside it; the network uses measurement.threads
    resources:
        gpu=GPUS,
    params:
        voxels=voxels_folder,
        experiment=EXPERIMENT,
        windows=measurement_options(config["measurement"]),
        code=code_hash("measure"),
    shell:
        "python scripts/measure.py --parent {input.parent:q} --checkpoints {input.checkpoints:q} "
        "--outputs {output.demand:q} --samples {output.latency:q} "
        "--voxels {params.voxels:q} --experiment {params.experiment:q} {params.windows} --gpus {resources.gpu} "
        "2>&1 | tee {log:q}"


use rule measure as measure_parent with:
    input:
        parent=f"results/{EXPERIMENT}/seed{{seed}}/parent/checkpoint.safetensors",
        checkpoints=f"results/{EXPERIMENT}/seed{{seed}}/parent/checkpoint.safetensors",
        shards=collect(f"{VOXELS}/test/{{name}}.npy", name=CLASSES),
    output:
        demand=f"results/{EXPERIMENT}/seed{{seed}}/parent/demand.json",
        latency=f"results/{EXPERIMENT}/seed{{seed}}/parent/latency.npz",
    log:
        f"results/{EXPERIMENT}/logs/seed{{seed}}/parent/measure.log",


rule measure_staircase:
    """Measure the parent at every width: for its plot, and for budgets of latency."""
    input:
        parent=f"results/{EXPERIMENT}/seed{SEEDS[0]}/parent/checkpoint.safetensors",
        shards=collect(f"{VOXELS}/test/{{name}}.npy", name=CLASSES),
    output:
        f"results/{EXPERIMENT}/staircase/staircase.csv",
    log:
        f"results/{EXPERIMENT}/logs/measure_staircase.log",
    conda:
        "../envs/torch.yaml"
    threads: workflow.cores
    resources:
        gpu=GPUS,
    params:
        voxels=voxels_folder,
        experiment=EXPERIMENT,
        windows=measurement_options(config["measurement"]),
        code=code_hash("measure_staircase"),
    shell:
        "python scripts/measure_staircase.py --parent {input.parent:q} --voxels {params.voxels:q} "
        "--experiment {params.experiment:q} {params.windows} --gpus {resources.gpu} --table {output:q} "
        "2>&1 | tee {log:q}"
