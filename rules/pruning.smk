# Pruning and evaluating networks: one job each per method, level and seed.


rule prune:
    """Prune a parent to one level by one method and prove the removal."""
    input:
        parent=parent_to_prune,
        teacher=teacher,
        shards=SHARDS,
        staircase=staircase,
    output:
        checkpoint=f"{PRUNED}/checkpoint.safetensors",
        curve=f"{PRUNED}/retraining.csv",
    log:
        f"{LOGS}/{paths.PRUNED}/prune.log",
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=GPUS,
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        voxels=voxels_folder,
        method=lambda wildcards: options(settings_of(wildcards)),
        level=lambda wildcards: int(wildcards.level),
        criterion_objects=config["criterion_objects"],
        more=lambda wildcards, input: options({key: input[key] for key in ("teacher", "staircase") if input[key]}),
        code=pruning_code,
    shell:
        stage("prune") + "--parent {input.parent:q} --method {wildcards.method:q} {params.method} "
        "--level {params.level} --criterion-objects {params.criterion_objects} {params.more} "
        "--voxels {params.voxels:q} --gpus {resources.gpu} "
        "--checkpoint {output.checkpoint:q} --curve {output.curve:q} 2>&1 | tee {log:q}"


rule evaluate:
    """Test one network, parent or pruned: predictions, accuracy, cost on paper."""
    input:
        checkpoint=f"{NETWORK}/checkpoint.safetensors",
        parent=f"{PARENT}/checkpoint.safetensors",
        shards=SHARDS,
    output:
        metrics=reported(f"{NETWORK}/metrics.json", "Networks", network_labels),
        predictions=f"{NETWORK}/predictions.npz",
    log:
        f"{LOGS}/{paths.NETWORK}/evaluate.log",
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=GPUS,
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        voxels=voxels_folder,
        experiment=SETTINGS.experiment,
        code=code_hash("evaluate", *NETWORK_FILES),
    shell:
        stage("evaluate") + "--checkpoint {input.checkpoint:q} --parent {input.parent:q} "
        "--voxels {params.voxels:q} --experiment {params.experiment:q} --gpus {resources.gpu} "
        "--metrics {output.metrics:q} --predictions {output.predictions:q} > {log:q} 2>&1"


rule measure_sensitivity:
    """Prune each layer of the first seed's parent alone."""
    input:
        parent=f"{FIRST_PARENT}/checkpoint.safetensors",
        shards=SHARDS,
    output:
        f"{RESULTS}/sensitivity.csv",
    log:
        f"{LOGS}/measure_sensitivity.log",
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=GPUS,
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        voxels=voxels_folder,
        levels=config["levels"],
        code=code_hash("measure_sensitivity", *NETWORK_FILES, *method_files("filter", "l1", "none")),
    shell:
        stage("measure_sensitivity") + "--parent {input.parent:q} --voxels {params.voxels:q} "
        "--levels {params.levels:q} --gpus {resources.gpu} --table {output:q} > {log:q} 2>&1"


rule leave_one_out:
    """Optional target: leave every filter of the first seed's parent out, and rank the criteria by what happens."""
    input:
        parent=f"{FIRST_PARENT}/checkpoint.safetensors",
        shards=SHARDS,
    output:
        f"{RESULTS}/leave_one_out/filters.csv",
        f"{RESULTS}/leave_one_out/correlations.csv",
    log:
        f"{LOGS}/leave_one_out.log",
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        folder=subpath(output[0], parent=True),
        voxels=voxels_folder,
        objects=config["criterion_objects"],
        code=code_hash("leave_one_out", *NETWORK_FILES, *criteria_files("filter")),
    shell:
        stage("leave_one_out") + "--parent {input.parent:q} --voxels {params.voxels:q} "
        "--criterion-objects {params.objects} --folder {params.folder:q} 2>&1 | tee {log:q}"
