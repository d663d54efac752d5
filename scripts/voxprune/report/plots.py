"""The plots of numbers: one style, one colour and marker a method everywhere, intervals always drawn.

Each has a caption for the report; the line below each plot says what it rests on.
"""

from voxprune.report.accuracy_plots import (
    accuracy_against_cost,
    accuracy_by_level,
    classes_by_level,
    margin_by_level,
    power_by_seeds,
)
from voxprune.report.demand_plots import OF_DEMAND, gpu_utilization_by_level
from voxprune.report.device_figures import latency_on_devices
from voxprune.report.figure import write_plot
from voxprune.report.training_plots import learning_curves, retraining_curves, sensitivity_by_layer, training_budgets


def write_plots(summary, demand, statistics, answer, curves, retraining, sensitivity, folder, gpu=False, devices=None):
    """Writes every plot as PNG and SVG, with its caption.

    summary, demand: as from `tables`. statistics: {name: table} of `comparison`. answer: as from `answer.find_answer`.
    curves: {seed: table of training.csv}. retraining: {(method, level): table of retraining.csv} of the first seed, empty
    where no method retrains. sensitivity: as from `sensitivity.by_layer`. gpu: draw a GPU's utilization also where there is none.
    devices: as from `deploy.choosing.read_device`.
    """

    def write(draw, *data):
        write_plot(folder / draw.__name__, draw, *data)

    levels = statistics["levels"]
    write(accuracy_by_level, levels, statistics["seeds"], answer)
    write(accuracy_against_cost, levels, answer)
    write(margin_by_level, levels, answer)
    write(classes_by_level, statistics["classes"], answer)
    write(power_by_seeds, statistics["power"], answer)
    for draw in OF_DEMAND:
        write(draw, summary, demand)
    if gpu or (demand["device"] != "cpu").any():
        write(gpu_utilization_by_level, summary, demand)
    write(sensitivity_by_layer, sensitivity, answer)
    write(learning_curves, curves, answer)
    if retraining:
        write(retraining_curves, retraining, summary)
        write(training_budgets, levels, answer)
    if devices is not None:
        write(latency_on_devices, devices, answer)
