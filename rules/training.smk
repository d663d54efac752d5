# The network's check, and the parent networks, one per seed.


rule check_network:
    """Build, train, prune, save and load the network once, in seconds, so that what won't work is told first."""
    output:
        f"{RESULTS}/network.txt",
    log:
        f"{LOGS}/check_network.log",
    priority: 10
    conda:
        "../envs/torch.yaml"
    params:
        network=lambda wildcards: NETWORK_OPTIONS,
        code=code_hash("check_network", *NETWORK_FILES, *method_files("filter", "l1", "none")),
    shell:
        torch_stage("check_network") + "{params.network:q} --report {output:q} 2>&1 | tee {log:q}"


rule train:
    """Train the parent network of one seed."""
    input:
        shards=SHARDS,
    output:
        checkpoint=f"{PARENT}/checkpoint.safetensors",
        curve=f"{PARENT}/training.csv",
    log:
        f"{LOGS}/{paths.PARENT}/train.log",
    conda:
        "../envs/torch.yaml"
    threads: 1  # on a CPU the result depends on it, in the last bits; --set-threads train=8 goes faster
    resources:
        gpu=GPUS,
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        voxels=voxels_folder,
        classes=CLASS_OPTIONS,
        network=config["network"],
        training=options(config["training"] | config["augmentation"]),
        grid=GRID_OPTIONS,
        stop="",
        code=code_hash("train", *NETWORK_FILES),
    shell:
        torch_stage("train") + "--voxels {params.voxels:q} {params.classes:q} --network {params.network:q} "
        "--seed {wildcards.seed} {params.training} {params.grid} {params.stop} --gpus {resources.gpu} "
        "--checkpoint {output.checkpoint:q} --curve {output.curve:q} 2>&1 | tee {log:q}"


# The parent's first epochs, for methods with `prune_at`: a job of its own, so that adding one doesn't train the parent again.
use rule train as train_early with:
    output:
        checkpoint=f"{EARLY}/checkpoint.safetensors",
        curve=f"{EARLY}/training.csv",
    log:
        f"{LOGS}/{paths.EARLY}/train.log",
    params:
        stop=lambda wildcards: options({"stop_after": int(wildcards.epoch)}),
