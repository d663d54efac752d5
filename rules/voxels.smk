# Meshes to packed voxels, one job per class and split.


rule voxelize:
    """Voxelize the meshes of one class and split."""
    input:
        # The date of a user's own folder says nothing; its contents count, through params.
        meshes=(ancient if config["dataset"]["folder"] else str)(f"{MESHES}/{{name}}/{{split}}"),
    output:
        shard=f"{VOXELS}/{{split}}/{{name}}.npy",
        table=f"{VOXELS}/{{split}}/{{name}}.csv",
    log:
        f"{VOXELS}/logs/{{split}}/{{name}}.log",
    conda:
        "../envs/voxels.yaml"
    params:
        settings=options(config["voxels"]),
        contents=mesh_contents,
        code=code_hash("voxelize"),
    shell:
        "python scripts/voxelize.py --meshes {input.meshes:q} --shard {output.shard:q} --table {output.table:q} "
        "{params.settings} > {log:q} 2>&1"
