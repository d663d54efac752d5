"""How a convolution is cut into tiles whose sums stay in vector registers, and which of two kernels is the faster.

The figures are those of a processor with 16 registers of 8 floats, two multiply-adds and two loads a cycle (AVX2); elsewhere the
code is as right and only its tiles are not the best. Eight sums keep its two units busy; with more, GCC runs out of registers.
"""

import itertools
from dataclasses import dataclass

SUMS = 8  # vectors of sums in a tile at most
LATENCY = 4  # cycles from one multiply-add to the next that needs its sum
OVERHEAD = 12  # cycles a tile, for its loops, bias and stores
SCALAR = 1.5  # cycles for one float that is stored alone
ALONG_ROWS = 1.1  # times the cycles: inputs along a row lie across two lines of the cache


@dataclass(frozen=True)
class Tile:
    """outer: filters (kernel along rows) or vectors of filters. rows, columns: outputs, or vectors of outputs along a row."""

    outer: int
    rows: int
    columns: int


def padded_filters(filters):
    """Filters of a group in whole vectors of four."""
    return -(-filters // 4) * 4


def vectors(filters):
    """The vectors over the filters of a group: eights, and a four at the end where that is enough."""
    eights, rest = divmod(padded_filters(filters), 8)
    return [8] * eights + [4] * (rest // 4)


def lanes_along(width):
    """Outputs a vector along a row holds; 0 where the row is too short."""
    return 8 if width >= 8 else 4 if width >= 4 else 0


def channel_tiles(operation):
    """(cycles, [(first vector, blocks, Tile)]) of the kernel whose vectors hold filters."""
    widths = vectors(filters_of(operation))
    valid = filters_of(operation) - 8 * (len(widths) - 1)  # filters in the last vector
    kinds = [*[(8, 8)] * (len(widths) - 1), (widths[-1], valid)]
    return _fastest(operation, kinds, 0)


def row_tiles(operation):
    """(cycles, [(first filter, blocks, Tile)]) of the kernel whose vectors lie along a row; infinite where it can't."""
    lanes = lanes_along(operation.shape[3])
    if not lanes or operation.settings["stride"][2] != 1:
        return float("inf"), []
    return _fastest(operation, ["filter"] * filters_of(operation), lanes)


def _fastest(operation, kinds, lanes):
    """The fastest way to cut a list of vectors or filters into equal blocks; blocks of other kinds are parts of their own."""
    found = []
    for outer in range(1, min(len(kinds), SUMS) + 1):
        blocks = [tuple(kinds[begin : begin + outer]) for begin in range(0, len(kinds), outer)]
        parts = [(kind, len(list(same))) for kind, same in itertools.groupby(blocks)]
        best = [_best(operation, len(kind), lanes) for kind, _ in parts]
        cycles = sum(count * one[0] for (_, count), one in zip(parts, best))
        firsts = itertools.accumulate((count * len(kind) for kind, count in parts), initial=0)
        found.append((cycles, [(first, count, one[1]) for first, (_, count), one in zip(firsts, parts, best)]))
    return min(found, key=lambda one: one[0])


def works_along_rows(operation, planar_result):
    """Whether the kernel along rows is the faster. planar_result: how the result is to be stored."""
    channels, depth, height, width = operation.shape
    alone = SCALAR * channels * depth * height * width
    by_channel = channel_tiles(operation)[0] + alone * planar_result
    return row_tiles(operation)[0] + alone * (not planar_result) < by_channel


def filters_of(operation):
    """Filters of each group."""
    return operation.shape[0] // operation.settings["groups"]


def _best(operation, outer, lanes):
    """(cycles, Tile) of the tile that takes the fewest cycles for one block of filters. lanes: as `lanes_along` gives for the
    kernel along rows, 0 for the other."""
    _, depth, height, width = operation.shape
    steps, along, found = operation.settings["weight"][0].size, lanes or 1, []
    for rows, columns in itertools.product(range(1, min(height, SUMS) + 1), range(1, min(width // along, SUMS) + 1)):
        inputs = rows * columns
        if outer * inputs <= SUMS:
            cycles = max(outer * inputs / 2, (outer + inputs * (2 if lanes else 1)) / 2, LATENCY) * (
                ALONG_ROWS if lanes else 1
            )
            tiles = depth * -(-height // rows) * -(-width // (columns * along)) * operation.settings["groups"]
            found.append((tiles * (steps * cycles + OVERHEAD), Tile(outer, rows, columns)))
    return min(found, key=lambda one: (one[0], -one[1].columns))
