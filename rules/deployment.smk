# Networks that run anywhere: one folder a network, asked for by name.

from voxprune.core.files import content_hash
from voxprune.deploy.runtime import runtime_files

TERMS = "ModelNet is for academic use." if SETTINGS.dataset.source in MODELNET else ""


rule export:
    """Optional target: write what classifies meshes with a network of the first seed: ONNX, C, Python, a model card."""
    input:
        checkpoint=f"{NETWORK.format(seed=SEEDS[0], network='{network}')}/checkpoint.safetensors",
        metrics=f"{NETWORK.format(seed=SEEDS[0], network='{network}')}/metrics.json",
        demand=f"{NETWORK.format(seed=SEEDS[0], network='{network}')}/demand.json",
        shards=SHARDS,
    output:
        directory(f"{RESULTS}/deploy/{{network}}"),
    log:
        f"{LOGS}/deploy/{{network}}/export.log",
    conda:
        "../envs/torch.yaml"
    params:
        voxels=voxels_folder,
        data=DATASET,
        terms=TERMS,
        code=code_hash("export", *NETWORK_FILES, *runtime_files()),
        programs=content_hash(sorted((SCRIPTS / "voxprune/deploy").glob("*/*.[ch]"))),
    shell:
        stage("export") + "--checkpoint {input.checkpoint:q} --metrics {input.metrics:q} --demand {input.demand:q} "
        "--voxels {params.voxels:q} --data-name={params.data:q} --terms={params.terms:q} --folder {output:q} 2>&1 | tee {log:q}"
