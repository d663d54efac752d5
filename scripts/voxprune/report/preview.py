"""Pictures of voxels: every cell a small cube, seen from above at an angle (isometric)."""

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot

from voxprune.core.files import atomic_write

# A cube as pixels: (steps to the right, steps down, grey), from the middle of its top; the background is white, 1.
TOP = [(right, 0, 0.85) for right in (-2, -1, 0, 1)]
LEFT = [(right, down, 0.6) for right in (-2, -1) for down in (1, 2)]
RIGHT = [(right, down, 0.4) for right in (0, 1) for down in (1, 2)]


def isometric(occupancy):
    """Picture of occupancy, bool (R, R, R) with z up: grey from 0 to 1, shape (4 R + 1, 4 R). Near cells hide far ones.

    Seen from low x and y and from above: from the front in ModelNet.
    """
    resolution = len(occupancy)
    x, y, z = np.argwhere(np.rot90(occupancy, 2)).T
    right, down = 2 * (x - y + resolution), x + y + 2 * (resolution - z)
    picture = np.ones((4 * resolution + 1, 4 * resolution))
    for distance in range(3 * resolution):  # from the farthest layer, which the nearer ones paint over
        layer = x + y + z == distance
        for across, below, grey in TOP + LEFT + RIGHT:
            picture[down[layer] + below, right[layer] + across] = grey
    return picture


def draw(shards, path, objects):
    """Draws a row of pictures a class, as many as `objects` evenly out of its shard.

    shards: {class: uint8 (n, R, R, ceil(R / 8))}. path: `.png`.
    """
    figure, axes = pyplot.subplots(len(shards), objects, figsize=(1.6 * objects, 1.7 * len(shards)), squeeze=False)
    for row, (name, packed) in zip(axes, shards.items()):
        row[0].set_title(name, loc="left", fontsize=9, parse_math=False)
        for axis in row:
            axis.axis("off")
        chosen = np.unique(np.linspace(0, len(packed) - 1, objects).astype(int))
        for axis, number in zip(row, chosen):
            occupancy = np.unpackbits(packed[number], axis=-1, count=packed.shape[1]).astype(bool)
            axis.imshow(isometric(occupancy), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    figure.tight_layout(pad=0.3)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
    pyplot.close(figure)
