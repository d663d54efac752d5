# What networks demand while they run: one job per method and measured seed, alone on the machine.
from types import SimpleNamespace

CONDITIONS = {key: value for key, value in config["measurement"].items() if key not in ("brief", "full")}
MEASUREMENT = options(CONDITIONS | config["measurement"][SETTINGS.measurement.detail])
MEASURES_GPU = bool(GPUS) and any(choices(ENGINES)[name].facts["ON_GPU"] for name in SETTINGS.measurement.engines)
MEASUREMENT_FILES = [*NETWORK_FILES, *engine_files(SETTINGS.measurement.engines)]


MEASURED = {"parent": SEEDS[:1], **{name: measured_seeds(method) for name, method in SETTINGS.methods.items()}}
DEMANDS = [
    f"{FIRST_PARENT}/demand.json",
    *(
        f"{PRUNED}/demand.json".format(seed=seed, method=method, level=level)
        for method in METHODS
        for seed in MEASURED[method]
        for level in LEVELS
    ),
]


rule measure:
    """Measure all levels of one method beside their parent."""
    input:
        parent=f"{PARENT}/checkpoint.safetensors",
        checkpoints=collect(f"{PRUNED}/checkpoint.safetensors", level=LEVELS, allow_missing=True),
        shards=TEST_SHARDS,
    output:
        demand=collect(f"{PRUNED}/demand.json", level=LEVELS, allow_missing=True),
        latency=collect(f"{PRUNED}/latency.npz", level=LEVELS, allow_missing=True),
    log:
        f"{LOGS}/seed{{seed}}/{{method}}/measure.log",
    conda:
        "../envs/torch.yaml"
    threads: CORES  # so that nothing runs beside it; the network uses measurement.threads
    resources:
        gpu=GPUS,
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        voxels=voxels_folder,
        experiment=SETTINGS.experiment,
        measurement=MEASUREMENT,
        code=code_hash("measure", *MEASUREMENT_FILES),
    shell:
        torch_stage("measure") + "--parent {input.parent:q} --checkpoints {input.checkpoints:q} "
        "--outputs {output.demand:q} --samples {output.latency:q} "
        "--voxels {params.voxels:q} --experiment {params.experiment:q} {params.measurement} --gpus {resources.gpu} "
        "2>&1 | tee {log:q}"


use rule measure as measure_parent with:
    input:
        parent=f"{PARENT}/checkpoint.safetensors",
        checkpoints=f"{PARENT}/checkpoint.safetensors",
        shards=TEST_SHARDS,
    output:
        demand=f"{PARENT}/demand.json",
        latency=f"{PARENT}/latency.npz",
    log:
        f"{LOGS}/{paths.PARENT}/measure.log",


rule measure_staircase:
    """Measure the parent at every width, the same in each layer: for its plot, and for budgets of latency."""
    input:
        parent=f"{FIRST_PARENT}/checkpoint.safetensors",
        shards=SHARDS,
    output:
        f"{STAIRCASES}/staircase.csv",
    log:
        f"{LOGS}/measure_staircase.log",
    conda:
        "../envs/torch.yaml"
    threads: CORES
    resources:
        gpu=GPUS,
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        voxels=voxels_folder,
        experiment=SETTINGS.experiment,
        method=options({"criterion": "l1", "scope": "layer"}),  # shapes alone decide the latency
        criterion_objects=config["criterion_objects"],
        measurement=MEASUREMENT,
        code=code_hash("measure_staircase", *MEASUREMENT_FILES, *method_files("filter", "l1", "none")),
    shell:
        torch_stage("measure_staircase") + "--parent {input.parent:q} {params.method} "
        "--criterion-objects {params.criterion_objects} --voxels {params.voxels:q} "
        "--experiment {params.experiment:q} {params.measurement} --gpus {resources.gpu} --table {output:q} "
        "2>&1 | tee {log:q}"


use rule measure_staircase as measure_staircase_of_method with:
    input:
        parent=lambda wildcards: parent_to_prune(SimpleNamespace(method=wildcards.method, seed=SEEDS[0])),
        shards=SHARDS,
    output:
        f"{STAIRCASES}/methods/{{method}}.csv",
    log:
        f"{LOGS}/measure_staircase/{{method}}.log",
    wildcard_constraints:
        method=one_of(FILTER_METHODS),
    params:
        method=lambda wildcards: options({key: settings_of(wildcards).get(key) for key in SHAPING}),
        code=lambda wildcards: code_hash(
            "measure_staircase", *MEASUREMENT_FILES, *method_files("filter", settings_of(wildcards)["criterion"], "none")
        ),
