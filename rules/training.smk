# The parents, one per seed.


rule train:
    """Train the parent network of one seed."""
    input:
        shards=SHARDS,
    output:
        checkpoint=f"results/{EXPERIMENT}/seed{{seed}}/parent/checkpoint.safetensors",
        curve=f"results/{EXPERIMENT}/seed{{seed}}/parent/training.csv",
    log:
        f"results/{EXPERIMENT}/logs/seed{{seed}}/parent/train.log",
    benchmark:
        f"results/{EXPERIMENT}/benchmarks/seed{{seed}}/parent/train.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1  # on a CPU the result depends on it, in the last bits; --set-threads train=8 goes faster
    resources:
        gpu=GPUS,
    params:
        voxels=voxels_folder,
        classes=CLASS_OPTIONS,
        network=config["network"],
        network_code=network_code(config["network"]),
        training=options(config["training"] | config["augmentation"]),
        code=code_hash("train"),
    shell:
        "python scripts/train.py --voxels {params.voxels:q} {params.classes:q} --network {params.network:q} "
        "--seed {wildcards.seed} {params.training} --gpus {resources.gpu} "
        "--checkpoint {output.checkpoint:q} --curve {output.curve:q} 2>&1 | tee {log:q}"
