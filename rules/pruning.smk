# Pruning and evaluating networks. What takes seconds is done for all levels of a method and seed in one job, because every job
# spends seconds on loading PyTorch; a level that is trained after pruning has a job of its own.


ruleorder: prune_levels > prune
ruleorder: evaluate_levels > evaluate


rule sparsify:
    """Train a parent on with a method's group lasso, for all its levels."""
    input:
        parent=parent_to_sparsify,
        shards=SHARDS,
    output:
        checkpoint=f"{SPARSIFIED}/checkpoint.safetensors",
        curve=f"{SPARSIFIED}/training.csv",
    log:
        f"{LOGS}/{paths.SPARSIFIED}/sparsify.log",
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=GPUS,
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        voxels=voxels_folder,
        method=lambda wildcards: options(some(settings_of(wildcards), "sparsify", "sparsify_epochs")),
        code=code_hash("sparsify", *NETWORK_FILES),
    shell:
        torch_stage("sparsify")
        + "--parent {input.parent:q} {params.method} --voxels {params.voxels:q} --gpus {resources.gpu} "
        "--checkpoint {output.checkpoint:q} --curve {output.curve:q} 2>&1 | tee {log:q}"


rule prune:
    """Prune a parent to one level by one method, prove the removal, and train the network on where the method says so."""
    input:
        parent=parent_to_prune,
        teacher=teacher,
        shards=SHARDS,
        staircase=staircase,
    output:
        checkpoints=f"{PRUNED}/checkpoint.safetensors",
        curves=f"{PRUNED}/retraining.csv",
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
        levels=lambda wildcards: int(wildcards.level),
        criterion_objects=config["criterion_objects"],
        more=lambda wildcards, input: options({key: input[key] for key in ("teacher", "staircase") if input[key]}),
        code=pruning_code,
    shell:
        torch_stage("prune") + "--parent {input.parent:q} --method {wildcards.method:q} {params.method} "
        "--levels {params.levels} --criterion-objects {params.criterion_objects} {params.more} "
        "--voxels {params.voxels:q} --gpus {resources.gpu} "
        "--checkpoints {output.checkpoints:q} --curves {output.curves:q} 2>&1 | tee {log:q}"


use rule prune as prune_levels with:
    output:
        checkpoints=collect(f"{PRUNED}/checkpoint.safetensors", level=LEVELS, allow_missing=True),
        curves=collect(f"{PRUNED}/retraining.csv", level=LEVELS, allow_missing=True),
    log:
        f"{LOGS}/{paths.METHOD}/prune.log",
    wildcard_constraints:
        method=one_of(ONE_SHOT),
    params:
        levels=config["levels"],


rule evaluate:
    """Test one network, parent or pruned: predictions, accuracy, cost on paper."""
    input:
        checkpoints=f"{NETWORK}/checkpoint.safetensors",
        parent=f"{PARENT}/checkpoint.safetensors",
        shards=SHARDS,
    output:
        metrics=reported_network(f"{NETWORK}/metrics.json", "{network}"),
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
        torch_stage("evaluate") + "--checkpoints {input.checkpoints:q} --parent {input.parent:q} "
        "--voxels {params.voxels:q} --experiment {params.experiment:q} --gpus {resources.gpu} "
        "--metrics {output.metrics:q} --predictions {output.predictions:q} > {log:q} 2>&1"


use rule evaluate as evaluate_levels with:
    input:
        checkpoints=collect(f"{PRUNED}/checkpoint.safetensors", level=LEVELS, allow_missing=True),
        parent=f"{PARENT}/checkpoint.safetensors",
        shards=SHARDS,
    output:
        metrics=[reported_network(f"{METHOD}/level{level}/metrics.json", f"{{method}}/level{level}") for level in LEVELS],
        predictions=collect(f"{PRUNED}/predictions.npz", level=LEVELS, allow_missing=True),
    log:
        f"{LOGS}/{paths.METHOD}/evaluate.log",


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
        torch_stage("measure_sensitivity") + "--parent {input.parent:q} --voxels {params.voxels:q} "
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
