# Meshes to packed voxels, one job per class.


rule voxelize:
    """Voxelize the meshes of one class, both splits, going on where an interrupted job stopped."""
    input:
        # The date of a user's own folder says nothing; its contents count, through params.
        meshes=[(ancient if config["dataset"]["folder"] else str)(MESHES.replace("{split}", split)) for split in SPLITS],
    output:
        shards=collect(f"{VOXELS}/{paths.SHARD}", split=SPLITS, allow_missing=True),
        tables=collect(f"{VOXELS}/{{split}}/{{name}}.csv", split=SPLITS, allow_missing=True),
    log:
        f"{VOXELS}/logs/{{name}}.log",
    conda:
        "../envs/voxels.yaml"
    threads: max(1, CORES // len(CLASSES))  # more only where there are more cores than jobs
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        settings=f"{GRID_OPTIONS} {options(some(config['voxels'], 'on_bad_mesh'))}",
        splits=SPLIT_OPTIONS,
        caches=collect(f"{VOXELS}/cache/{{split}}/{{name}}", split=SPLITS, allow_missing=True),
        contents=mesh_contents,
        code=voxelize_code,
    shell:
        stage("voxelize") + "--meshes {input.meshes:q} {params.splits} --shards {output.shards:q} "
        "--tables {output.tables:q} --caches {params.caches:q} {params.settings} --workers {threads} > {log:q} 2>&1"


rule list_skipped:
    """List the meshes that were left out, and why."""
    input:
        tables=[shard.replace(".npy", ".csv") for shard in SHARDS],
    output:
        f"{RESULTS}/skipped.csv",  # experiments that share voxels may choose other classes of them
    log:
        f"{LOGS}/list_skipped.log",
    conda:
        "../envs/voxels.yaml"
    params:
        code=code_hash("list_skipped"),
    shell:
        stage("list_skipped") + "--tables {input.tables:q} --skipped {output:q} > {log:q} 2>&1"


rule draw_preview:
    """Optional target: picture the first test objects of every class, seen from the same side."""
    input:
        shards=TEST_SHARDS,
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
        stage("draw_preview") + "--shards {input.shards:q} --views {params.views} --picture {output:q} > {log:q} 2>&1"
