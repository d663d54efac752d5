# Pruned networks and the test of every network: one job each per method, level and seed.


rule prune:
    """Prune a parent to one level by one method and prove the removal."""
    input:
        parent=f"results/{EXPERIMENT}/seed{{seed}}/parent/checkpoint.safetensors",
        shards=SHARDS,
        staircase=staircase,
    output:
        checkpoint=f"results/{EXPERIMENT}/seed{{seed}}/{{method}}/level{{level}}/checkpoint.safetensors",
        curve=f"results/{EXPERIMENT}/seed{{seed}}/{{method}}/level{{level}}/retraining.csv",
    log:
        f"results/{EXPERIMENT}/logs/seed{{seed}}/{{method}}/level{{level}}/prune.log",
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=GPUS,
    params:
        voxels=voxels_folder,
        method=method_options,
        level=lambda wildcards: int(wildcards.level),
        criterion_objects=config["criterion_objects"],
        staircase=lambda wildcards, input: options({"staircase": input.staircase} if input.staircase else {}),
        code=code_hash("prune"),
    shell:
        "python scripts/prune.py --parent {input.parent:q} --method {wildcards.method} {params.method} "
        "--level {params.level} --criterion-objects {params.criterion_objects} {params.staircase} "
        "--voxels {params.voxels:q} --gpus {resources.gpu} "
        "--checkpoint {output.checkpoint:q} --curve {output.curve:q} 2>&1 | tee {log:q}"


rule evaluate:
    """Test one network, parent or pruned: predictions, accuracy, cost on paper."""
    input:
        checkpoint=f"results/{EXPERIMENT}/seed{{seed}}/{{child}}/checkpoint.safetensors",
        parent=f"results/{EXPERIMENT}/seed{{seed}}/parent/checkpoint.safetensors",
        shards=SHARDS,
    output:
        metrics=reported(f"results/{EXPERIMENT}/seed{{seed}}/{{child}}/metrics.json", "Networks", network_labels),
        predictions=f"results/{EXPERIMENT}/seed{{seed}}/{{child}}/predictions.npz",
    log:
        f"results/{EXPERIMENT}/logs/seed{{seed}}/{{child}}/evaluate.log",
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=GPUS,
    params:
        voxels=voxels_folder,
        experiment=EXPERIMENT,
        code=code_hash("evaluate"),
    shell:
        "python scripts/evaluate.py --checkpoint {input.checkpoint:q} --parent {input.parent:q} "
        "--voxels {params.voxels:q} --experiment {params.experiment} --gpus {resources.gpu} "
        "--metrics {output.metrics:q} --predictions {output.predictions:q} > {log:q} 2>&1"
