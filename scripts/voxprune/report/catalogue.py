"""The names of every plot, table and statistic of the report, in the order of reading."""

PLOTS = {  # name: category in the report
    "accuracy_by_level": "Accuracy",
    "accuracy_against_cost": "Accuracy",
    "margin_by_level": "Accuracy",
    "classes_by_level": "Accuracy",
    "power_by_seeds": "Accuracy",
    "latency_by_level": "Demand",
    "speedup_against_macs": "Demand",
    "sensitivity_by_layer": "Training and layers",
    "learning_curves": "Training and layers",
}
GPU_PLOTS = {"gpu_utilization_by_level": "Demand"}  # only where a GPU is measured
RETRAINING_PLOTS = {  # only where a method retrains
    "retraining_curves": "Training and layers",
    "training_budgets": "Training and layers",
}
DEVICE_PLOTS = {"latency_on_devices": "Demand"}  # only where other devices measured something
DEVICE_TABLES = ("devices",)
PICTURES = {"examples": "Objects", "newly_misclassified": "Objects", "confusion": "Objects"}
STORY = ("accuracy_by_level", "accuracy_against_cost", "speedup_against_macs")  # the plots on the front page, in this order
STATISTICS = ("levels", "seeds", "classes", "budgets", "power")
TABLES = ("levels", "equal_cost", "classes", "seeds", "power", "skipped_meshes")


def table_names(methods):
    """Every table: TABLES, and of the parent and each method its accuracies and its demand."""
    return [*TABLES, *(f"methods/{method}{kind}" for method in ["parent", *methods] for kind in ("", "_demand"))]
