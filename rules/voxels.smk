# Meshes to packed voxels, one job per class and split.


def split_options(wildcards):
    """What tells the meshes of a split from the others in their folder; nothing where it has a folder of its own."""
    keys = ("split", "test_percent", "seed")
    return options(dict(zip(keys, split_arguments(MESHES, wildcards.split, config["dataset"]))))


def found_meshes(wildcards):
    """The meshes that a voxel job reads. Raises InputError where they can't be used, or are still to be made."""
    folder = MESHES.format(name=wildcards.name, split=wildcards.split)
    return find_meshes(folder, *split_arguments(MESHES, wildcards.split, config["dataset"]))


def voxelize_code(wildcards):
    """What reruns a voxel job: the code of the formats that its meshes have, besides the code that all share."""
    try:
        names = [path.name for path in found_meshes(wildcards)]
    except InputError:
        names = []
    return code_hash("voxelize", *format_files(names))


def mesh_contents(wildcards):
    """Hash of the meshes that a voxel job reads: changing one reruns the job, touching it doesn't.

    Snakemake asks again right before the job, when meshes that were still to be made are there. Where they can't be used,
    the job says why.
    """
    try:
        return folder_hash(found_meshes(wildcards), MEMORY)
    except InputError as error:
        return str(error)


rule voxelize:
    """Voxelize the meshes of one class and split, going on where an interrupted job stopped."""
    input:
        # The date of a user's own folder says nothing; its contents count, through params.
        meshes=(ancient if config["dataset"]["folder"] else str)(MESHES),
    output:
        shard=f"{VOXELS}/{paths.SHARD}",
        table=f"{VOXELS}/{{split}}/{{name}}.csv",
    log:
        f"{VOXELS}/logs/{{split}}/{{name}}.log",
    conda:
        "../envs/voxels.yaml"
    threads: max(1, (workflow.cores or 1) // len(SHARDS))  # more only where there are more cores than jobs
    params:
        settings=f"{GRID_OPTIONS} {options(some(config['voxels'], 'on_bad_mesh'))}",
        split=split_options,
        cache=f"{VOXELS}/cache/{{split}}/{{name}}",
        contents=mesh_contents,
        code=voxelize_code,
    shell:
        "python {SCRIPTS:q}/voxelize.py --meshes {input.meshes:q} {params.split} --shard {output.shard:q} "
        "--table {output.table:q} --cache {params.cache:q} {params.settings} --workers {threads} > {log:q} 2>&1"


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
        "python {SCRIPTS:q}/list_skipped.py --tables {input.tables:q} --skipped {output:q} > {log:q} 2>&1"


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
        "python {SCRIPTS:q}/draw_preview.py --shards {input.shards:q} --views {params.views} --picture {output:q} > {log:q} 2>&1"
