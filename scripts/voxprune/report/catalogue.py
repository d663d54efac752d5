"""The names of every plot, table and statistic of the report, in the order of reading."""

PLOTS = {  # name: category in the report
    "accuracy_by_level": "Accuracy",
    "accuracy_against_macs": "Accuracy",
    "accuracy_against_parameters": "Accuracy",
    "accuracy_against_bytes": "Accuracy",
    "accuracy_against_latency": "Accuracy",
    "accuracy_against_energy": "Accuracy",
    "pareto_front": "Accuracy",
    "classes_by_level": "Accuracy",
    "gpu_utilization_by_level": "Demand",
    "latency_by_level": "Demand",
    "speedup_against_macs": "Demand",
    "sensitivity_by_layer": "Training and layers",
    "learning_curves": "Training and layers",
}
RETRAINING_PLOTS = {"retraining_curves": "Training and layers"}  # only where a method retrains
PICTURES = {"examples": "Objects", "newly_misclassified": "Objects", "confusion": "Objects"}
STATISTICS = ("levels", "seeds", "classes", "budgets", "pairs", "fronts", "hypervolumes")
TABLES = (
    "levels", "equal_cost", "pairs", "fronts", "hypervolumes", "classes", "seeds", "second_opinions", "skipped_meshes",
)  # fmt: skip


def table_names(methods):
    """Every table: TABLES, and of the parent and each method its accuracies and its demand."""
    return [*TABLES, *(f"{method}{kind}" for method in ["parent", *methods] for kind in ("", "_demand"))]
