# Meshes of the data set, data/meshes/<dataset>/<class>/<split>/*.off. A folder of the user's own needs no rule.


if config["dataset"]["source"] == "furniture":

    rule generate_furniture:
        """Make the meshes of one class, both splits."""
        output:
            train=directory(f"data/meshes/{DATASET}/{{name}}/train"),
            test=directory(f"data/meshes/{DATASET}/{{name}}/test"),
        log:
            f"data/logs/{DATASET}/{{name}}.log",
        conda:
            "../envs/voxels.yaml"
        params:
            folder=subpath(output.train, parent=True),
            train=config["dataset"]["train_per_class"],
            test=config["dataset"]["test_per_class"],
            seed=config["dataset"]["seed"],
            code=code_hash("generate_furniture"),
        shell:
            "python scripts/generate_furniture.py --class {wildcards.name:q} --train {params.train} "
            "--test {params.test} --seed {params.seed} --folder {params.folder:q} > {log:q} 2>&1"


if config["dataset"]["source"] == "modelnet10":

    rule fetch_modelnet:
        """Download ModelNet10 (resumed after an interruption), check it and extract it."""
        output:
            *map(directory, collect(f"data/meshes/{DATASET}/{{name}}/{{split}}", name=CLASSES, split=SPLITS)),
        log:
            f"data/logs/{DATASET}/fetch.log",
        conda:
            "../envs/voxels.yaml"
        params:
            folder=f"data/meshes/{DATASET}",
            classes=CLASSES,
            code=code_hash("fetch_modelnet"),
        shell:
            "python scripts/fetch_modelnet.py --archive data/ModelNet10.zip --folder {params.folder:q} "
            "--classes {params.classes:q} 2>&1 | tee {log:q}"


if config["dataset"]["source"] == "folder":
    for name in CLASSES:
        for split in SPLITS:
            try:
                find_meshes(f"{MESHES}/{name}/{split}")
            except InputError as error:
                raise WorkflowError(str(error))
