"""Pictures of objects and of mistakes: voxels drawn in one view for all, confusion matrices."""

import numpy as np

from voxprune.report.figure import captioned, evidence, make_panels, write_note
from voxprune.report.preview import isometric

COLUMNS = 5


@captioned("One test object of each class as the networks see it, all in the same view.")
def examples(axes, grids, names, note):
    """grids: bool (n, R, R, R), names: what stands above each."""
    panels = make_panels(axes, max(1, len(grids)), columns=min(COLUMNS, max(1, len(grids))))
    for panel, grid, name in zip(panels, grids, names):
        _draw_voxels(panel, grid, name)
    panels[0].figure.suptitle("The objects as the networks see them", fontsize=11)
    write_note(panels[0], note)


@captioned(
    "Test objects that the first seed's parent got right and the pruned network gets wrong: the true class, "
    "and what the pruned network takes it for."
)
def newly_misclassified(axes, grids, names, title, note):
    panels = make_panels(axes, max(1, len(grids)), columns=min(COLUMNS, max(1, len(grids))))
    for panel, grid, name in zip(panels, grids, names):
        _draw_voxels(panel, grid, name)
    if not len(grids):
        panels[0].text(0.5, 0.5, "no test object turned from right to wrong", ha="center")
        panels[0].set_axis_off()
    panels[0].figure.suptitle(title, fontsize=11)
    write_note(panels[0], note)


def _draw_voxels(axes, grid, name):
    axes.imshow(isometric(grid), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(name, fontsize=8)
    axes.set_axis_off()


@captioned("What objects of each class (rows) are taken for (columns), in percent of the class, over all seeds.")
def confusion(axes, matrices, classes, answer):
    """matrices: {title: float (classes, classes), percent}."""
    panels = make_panels(axes, len(matrices), columns=2)
    for panel, (title, matrix) in zip(panels, matrices.items()):
        panel.imshow(matrix, cmap="Blues", vmin=0, vmax=100)
        for row, column in np.argwhere(matrix >= 0.5):
            colour = "white" if matrix[row, column] > 60 else "black"
            percent = f"{matrix[row, column] + 1e-9:.0f}"  # 0.5 is 1; rounded half to even it would be 0
            panel.text(column, row, percent, ha="center", va="center", fontsize=7, color=colour)
        panel.set_xticks(range(len(classes)), classes, rotation=60, ha="right", fontsize=8)
        panel.set_yticks(range(len(classes)), classes, fontsize=8)
        panel.set(title=title, xlabel="taken for", ylabel="true class")
        panel.grid(False)
    panels[0].figure.suptitle("What objects of each class are taken for, percent of the class", fontsize=11)
    write_note(panels[0], evidence(answer, "mean over seeds; what is below 0.5 % is left blank"))


def confusion_matrix(predicted, labels, classes):
    """Percent of each class's objects taken for each class, mean over seeds: float (classes, classes), rows the truth.

    predicted: int (seeds, objects). A class without objects has a row of zeros.
    """
    counts = np.zeros((len(classes),) * 2)
    np.add.at(counts, (np.broadcast_to(labels, predicted.shape), predicted), 1)
    return 100 * counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
