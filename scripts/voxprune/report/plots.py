"""The plots of numbers: one style, one colour and marker a method everywhere, intervals always drawn.

Each has a caption for the report; the line below each plot says what it rests on.
"""

from voxprune.report.accuracy_plots import OF_ACCURACY, classes_by_level, pareto_front
from voxprune.report.demand_plots import OF_DEMAND
from voxprune.report.figure import method_looks, write_plot
from voxprune.report.training_plots import learning_curves, retraining_curves, sensitivity_by_layer


def write_plots(summary, demand, statistics, answer, curves, retraining, sensitivity, folder):
    """Writes every plot as PNG and SVG, with its caption.

    summary, demand: as from `tables`. statistics: {name: table} of `comparison`. answer: as from `answer.find_answer`.
    curves: {seed: table of training.csv}. retraining: {(method, level): table of retraining.csv} of the first seed, empty
    where no method retrains. sensitivity: as from `sensitivity.by_layer`.
    """
    levels = statistics["levels"]
    for draw in OF_ACCURACY:
        write_plot(folder / draw.__name__, draw, levels, answer)
    write_plot(folder / "pareto_front", pareto_front, statistics["fronts"], method_looks(levels["method"]), answer)
    write_plot(folder / "classes_by_level", classes_by_level, statistics["classes"], answer)
    for draw in OF_DEMAND:
        write_plot(folder / draw.__name__, draw, summary, demand)
    write_plot(folder / "sensitivity_by_layer", sensitivity_by_layer, sensitivity, answer)
    write_plot(folder / "learning_curves", learning_curves, curves, answer)
    if retraining:
        write_plot(folder / "retraining_curves", retraining_curves, retraining, summary)
