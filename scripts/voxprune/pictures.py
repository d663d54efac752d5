"""Pictures of objects and of mistakes: voxels drawn in one view for all, confusion matrices.

As in `plots`, the docstring of each is its caption in the report.
"""

import numpy as np
from matplotlib.collections import PolyCollection

from voxprune.plots import evidence, make_panels, write_note

TURN, TILT = np.radians(35), np.radians(25)  # about the up axis, and towards the viewer
SHADES = {0: 0.55, 1: 0.75, 2: 0.95}  # brightness of the faces towards x, y and up
COLUMNS = 5


def draw_voxels(axes, occupancy):
    """Draws occupied cells as shaded cubes, seen from the front right above. occupancy: bool (R, R, R), axes x, y, z (up)."""
    across = np.array([np.cos(TURN), np.sin(TURN), 0])
    up = np.array([-np.sin(TURN) * np.sin(TILT), np.cos(TURN) * np.sin(TILT), np.cos(TILT)])
    towards = np.cross(across, up)
    corners, shades = [], []
    for axis in range(3):
        side = int(towards[axis] > 0)
        outside = np.roll(occupancy, 1 if not side else -1, axis)
        outside[(slice(None),) * axis + (-1 if side else 0,)] = False
        cells = np.argwhere(occupancy & ~outside).astype(float)
        first, second = np.delete(np.eye(3), axis, axis=0)
        square = np.stack([0 * first, first, first + second, second]) + side * np.eye(3)[axis]
        corners.append(cells[:, None] + square)
        shades.append(np.full(len(cells), SHADES[axis]))
    corners, shades = np.concatenate(corners), np.concatenate(shades)
    order = np.argsort(corners.mean(axis=1) @ towards)  # the nearest last, over the others
    flat = np.stack([corners @ across, corners @ up], axis=-1)[order]
    colours = shades[order, None] * np.array([0.55, 0.75, 1.0])
    axes.add_collection(PolyCollection(flat, facecolors=colours, edgecolors=colours * 0.8, linewidths=0.15))
    box = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * len(occupancy)
    for limit, points in ((axes.set_xlim, box @ across), (axes.set_ylim, box @ up)):
        limit(points.min(), points.max())
    axes.set_aspect("equal")
    axes.set_axis_off()


def examples(axes, grids, names, note):
    """One test object of each class as the networks see it, all in the same view.

    grids: bool (n, R, R, R), names: what stands above each.
    """
    panels = make_panels(axes, max(1, len(grids)), columns=min(COLUMNS, max(1, len(grids))))
    for panel, grid, name in zip(panels, grids, names):
        draw_voxels(panel, grid)
        panel.set_title(name, fontsize=9)
    panels[0].figure.suptitle("The objects as the networks see them", fontsize=11)
    write_note(panels[0], note)


def turned_wrong(axes, grids, names, title, note):
    """Test objects that the first seed's parent got right and the pruned network gets wrong: the true class, and what the
    pruned network takes it for.
    """
    panels = make_panels(axes, max(1, len(grids)), columns=min(COLUMNS, max(1, len(grids))))
    for panel, grid, name in zip(panels, grids, names):
        draw_voxels(panel, grid)
        panel.set_title(name, fontsize=8)
    if not len(grids):
        panels[0].text(0.5, 0.5, "no test object turned from right to wrong", ha="center")
        panels[0].set_axis_off()
    panels[0].figure.suptitle(title, fontsize=11)
    write_note(panels[0], note)


def confusion(axes, matrices, classes, answer):
    """What objects of each class (rows) are taken for (columns), in percent of the class, over all seeds.

    matrices: {title: float (classes, classes), percent}.
    """
    panels = make_panels(axes, len(matrices), columns=2)
    for panel, (title, matrix) in zip(panels, matrices.items()):
        panel.imshow(matrix, cmap="Blues", vmin=0, vmax=100)
        for row, column in np.argwhere(matrix >= 0.5):
            colour = "white" if matrix[row, column] > 60 else "black"
            panel.text(column, row, f"{matrix[row, column]:.0f}", ha="center", va="center", fontsize=7, color=colour)
        panel.set_xticks(range(len(classes)), classes, rotation=60, ha="right", fontsize=8)
        panel.set_yticks(range(len(classes)), classes, fontsize=8)
        panel.set_title(title)
        panel.grid(False)
    write_note(panels[0], evidence(answer, "mean over seeds"))


def confusion_matrix(predicted, labels, classes):
    """Percent of each class's objects taken for each class, mean over seeds: float (classes, classes), rows the truth.

    predicted: int (seeds, objects). A class without objects has a row of zeros.
    """
    counts = np.zeros((len(classes),) * 2)
    np.add.at(counts, (np.broadcast_to(labels, predicted.shape), predicted), 1)
    return 100 * counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
