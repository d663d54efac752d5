# Meshes to packed voxels, one job per class and split.


rule voxelize:
    """Voxelize the meshes of one class and split, going on where an interrupted job stopped."""
    input:
        # The date of a user's own folder says nothing; its contents count, through params.
        meshes=(ancient if config["dataset"]["folder"] else str)(MESHES),
    output:
        shard=f"{VOXELS}/{{split}}/{{name}}.npy",
        table=f"{VOXELS}/{{split}}/{{name}}.csv",
    log:
        f"{VOXELS}/logs/{{split}}/{{name}}.log",
    conda:
        "../envs/voxels.yaml"
    threads: max(1, (workflow.cores or 1) // len(SHARDS))  # more only where there are more cores than jobs
    params:
        settings=options(config["voxels"] | {"up": config["dataset"]["up"]}),
        drawn=drawn_options,
        kept=f"{VOXELS}/kept/{{split}}/{{name}}",
        contents=mesh_contents,
        code=code_hash("voxelize"),
    shell:
        "python scripts/voxelize.py --meshes {input.meshes:q} {params.drawn} --shard {output.shard:q} "
        "--table {output.table:q} --kept {params.kept:q} {params.settings} --workers {threads} > {log:q} 2>&1"


rule list_skipped:
    """List the meshes that were left out, and why."""
    input:
        tables=collect(f"{VOXELS}/{{split}}/{{name}}.csv", split=SPLITS, name=CLASSES),
    output:
        f"results/{EXPERIMENT}/skipped.csv",  # experiments that share voxels may choose other classes of them
    log:
        f"results/{EXPERIMENT}/logs/list_skipped.log",
    conda:
        "../envs/voxels.yaml"
    params:
        code=code_hash("list_skipped"),
    shell:
        "python scripts/list_skipped.py --tables {input.tables:q} --skipped {output:q} > {log:q} 2>&1"


rule draw_preview:
    """Optional target: picture the first test objects of every class, seen from the same side."""
    input:
        shards=collect(f"{VOXELS}/test/{{name}}.npy", name=CLASSES),
    output:
        f"{VOXELS}/preview.png",
    log:
        f"{VOXELS}/logs/draw_preview.log",
    conda:
        "../envs/report.yaml"
    params:
        views=config["voxels"]["views"],
        code=code_hash("draw_preview"),
    shell:
        "python scripts/draw_preview.py --shards {input.shards:q} --views {params.views} --picture {output:q} > {log:q} 2>&1"
