# Meshes of the data set, data/meshes/<dataset>/<class>/<split>/*. A tree of the user's own needs no rule.


if config["dataset"]["source"] == "furniture":

    localrules:
        generate_furniture,

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
            settings=options(some(config["dataset"], "train_per_class", "test_per_class", "seed")),
            code=code_hash("generate_furniture"),
        shell:
            stage("generate_furniture") + "--class {wildcards.name:q} {params.settings} "
            "--folder {params.folder:q} > {log:q} 2>&1"


if config["dataset"]["source"] in MODELNET and not config["dataset"]["folder"]:

    localrules:  # nodes of a cluster often can't download
        fetch_modelnet,

    rule fetch_modelnet:
        """Download ModelNet (resumed after an interruption) or take the archive that is there, check it, extract it.

        All of its classes, so that experiments with some of them share it.
        """
        output:
            *map(
                directory,
                collect(
                    f"data/meshes/{DATASET}/{{name}}/{{split}}",
                    name=MODELNET[config["dataset"]["source"]].counts,
                    split=SPLITS,
                ),
            ),
        log:
            f"data/logs/{DATASET}/fetch.log",
        conda:
            "../envs/voxels.yaml"
        params:
            dataset=config["dataset"]["source"],
            archive=config["dataset"]["archive"] or f"data/{Path(MODELNET[config['dataset']['source']].url).name}",
            folder=f"data/meshes/{DATASET}",
            code=code_hash("fetch_modelnet"),
        shell:
            stage("fetch_modelnet") + "--dataset {params.dataset:q} --archive {params.archive:q} "
            "--folder {params.folder:q} 2>&1 | tee {log:q}"


if config["dataset"]["source"] == "folder" and config["dataset"]["archive"]:

    rule extract_archive:
        """Extract the meshes of one class of the user's own archive, both splits."""
        input:
            archive=ancient(config["dataset"]["archive"]),  # its contents count, through params
        output:
            train=directory(f"data/meshes/{DATASET}/{{name}}/train"),
            test=directory(f"data/meshes/{DATASET}/{{name}}/test"),
        log:
            f"data/logs/{DATASET}/{{name}}.log",
        conda:
            "../envs/voxels.yaml"
        params:
            folder=f"data/meshes/{DATASET}",
            draw=options(some(config["dataset"], "test_percent", "seed")),
            contents=folder_hash([Path(config["dataset"]["archive"])], MEMORY),
            code=code_hash("extract_archive"),
        shell:
            stage("extract_archive") + "--archive {input.archive:q} --folder {params.folder:q} "
            "--classes={wildcards.name:q} {params.draw} > {log:q} 2>&1"
