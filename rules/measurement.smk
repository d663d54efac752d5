# What the first seed's networks demand while they run: one job per method, alone on the machine.

MEASURED = f"results/{EXPERIMENT}/seed{SEEDS[0]}"


rule measure:
    """Measure all levels of one method beside their parent."""
    input:
        parent=f"{MEASURED}/parent/checkpoint.safetensors",
        checkpoints=collect(f"{MEASURED}/{{{{method}}}}/level{{level}}/checkpoint.safetensors", level=LEVELS),
        shards=collect(f"{VOXELS}/test/{{name}}.npy", name=CLASSES),
    output:
        collect(f"{MEASURED}/{{{{method}}}}/level{{level}}/demand.json", level=LEVELS),
    log:
        f"results/{EXPERIMENT}/logs/measure/{{method}}.log",
    conda:
        "../envs/torch.yaml"
    threads: workflow.cores  # so that nothing runs beside it; the network uses measurement.threads
    resources:
        gpu=GPUS,
    params:
        voxels=voxels_folder,
        experiment=EXPERIMENT,
        windows=options(config["measurement"]),
        code=code_hash("measure"),
    shell:
        "python scripts/measure.py --parent {input.parent:q} --checkpoints {input.checkpoints:q} --outputs {output:q} "
        "--voxels {params.voxels:q} --experiment {params.experiment} {params.windows} --gpus {resources.gpu} "
        "> {log:q} 2>&1"


use rule measure as measure_parent with:
    input:
        parent=f"{MEASURED}/parent/checkpoint.safetensors",
        checkpoints=f"{MEASURED}/parent/checkpoint.safetensors",
        shards=collect(f"{VOXELS}/test/{{name}}.npy", name=CLASSES),
    output:
        f"{MEASURED}/parent/demand.json",
    log:
        f"results/{EXPERIMENT}/logs/measure/parent.log",
