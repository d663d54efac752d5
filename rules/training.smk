# The parent networks, one per seed.


rule train:
    """Train the parent network of one seed."""
    input:
        shards=SHARDS,
        check=ancient(f"{RESULTS}/network.txt"),  # what a change of the network reruns is told by params
    output:
        checkpoint=f"{PARENT}/checkpoint.safetensors",
        curve=f"{PARENT}/training.csv",
    log:
        f"{LOGS}/{paths.PARENT}/train.log",
    benchmark:
        f"{RESULTS}/benchmarks/{paths.PARENT}/train.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1  # on a CPU the result depends on it, in the last bits; --set-threads train=8 goes faster
    resources:
        gpu=GPUS,
    params:
        voxels=voxels_folder,
        classes=CLASS_OPTIONS,
        network=config["network"],
        training=options(config["training"] | config["augmentation"]),
        grid=GRID_OPTIONS,
        code=code_hash("train", *NETWORK_FILES),
    shell:
        stage("train") + "--voxels {params.voxels:q} {params.classes:q} --network {params.network:q} "
        "--seed {wildcards.seed} {params.training} {params.grid} --gpus {resources.gpu} "
        "--checkpoint {output.checkpoint:q} --curve {output.curve:q} 2>&1 | tee {log:q}"
