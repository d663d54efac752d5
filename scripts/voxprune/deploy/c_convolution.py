"""C code of one convolution with its bias, residual sum and activation; a Linear layer is a convolution of one output.

Two kernels do the same: one holds filters in its vectors and reads inputs one by one, the other holds outputs along a row and
reads weights one by one, for layers of few filters. Tiles at the end of a row or column overlap the one before, so no kernel has
a special case for edges, and the halo of zeros stands for what lies beyond the edge.
"""

import itertools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from voxprune.deploy import tiles
from voxprune.deploy.buffers import Buffer
from voxprune.deploy.graph import Operation

MOST_STEPS = 9  # of the innermost loops that are written out


class Sum(NamedTuple):
    """A vector of sums: its name in C, lanes, how many of them are outputs, and where the first one lies in its tile."""

    name: str
    lanes: int
    valid: int
    filter: int
    row: int
    column: int


@dataclass(frozen=True)
class Part:
    """The blocks of filters of one convolution that run the same code.

    source, target, residual: Buffers, residual perhaps None. first: number of its first vector of filters (kernel along rows: of
    its first filter). blocks: how many blocks. tile: the outputs of a block that are computed together.
    """

    operation: Operation
    source: Buffer
    target: Buffer
    residual: Buffer | None
    along_rows: bool
    number: int
    first: int
    blocks: int
    tile: tiles.Tile

    @property
    def width(self):
        """Lanes of a vector along a row."""
        return tiles.lanes_along(self.operation.shape[3])

    @property
    def widths(self):
        """Lanes of each vector of filters in a block."""
        return tiles.vectors(tiles.filters_of(self.operation))[self.first : self.first + self.tile.outer]

    @property
    def begin(self):
        """Number of its first filter in a group."""
        return self.first if self.along_rows else 8 * self.first

    @property
    def filters(self):
        """Filters of a block, with those that only fill up its last vector."""
        return self.tile.outer if self.along_rows else sum(self.widths)

    @property
    def places(self):
        """(row, vector along the row, or output) of each input that a step of a tile reads."""
        return list(itertools.product(range(self.tile.rows), range(self.tile.columns)))

    @property
    def columns(self):
        """Outputs of a tile along a row."""
        return self.tile.columns * (self.width if self.along_rows else 1)

    @property
    def sums(self):
        left = tiles.filters_of(self.operation) - self.begin
        if self.along_rows:
            return [
                Sum(f"s{place}_{row}_{column}", self.width, self.width, place, row, column * self.width)
                for place in range(self.tile.outer)
                for row, column in self.places
            ]
        return [
            Sum(f"s{place}_{row}_{column}", width, min(width, left - 8 * place), 8 * place, row, column)
            for row, column in self.places
            for place, width in enumerate(self.widths)
        ]


def convolution(operation, source, target, residual, along_rows):
    """(C function, {name of an array: its numbers, float32}). source, target, residual: Buffers, residual perhaps None."""
    _, cuts = (tiles.row_tiles if along_rows else tiles.channel_tiles)(operation)
    code, arrays = "", {}
    for number, (first, blocks, tile) in enumerate(cuts):
        part = Part(operation, source, target, residual, along_rows, number, first, blocks, tile)
        weights, bias, loops = _arranged(part)
        code += _tiled(part, _started(part) + _summed(part, loops) + "".join(_stored(part, one) for one in part.sums))
        arrays[f"{operation.name}_weights{number}"], arrays[f"{operation.name}_bias{number}"] = weights, bias
    more = ", const float *residual" if residual else ""
    return f"static void layer_{operation.name}(const float *x, float *y{more})\n{{\n{code}}}\n", arrays


# ---- weights in the order they are read ------------------------------------------------------------------------------


def _arranged(part):
    """(weights float32 in the order they are read, bias, loops [(count, stride)] over the inputs of one output)."""
    settings, groups, channel = part.operation.settings, part.operation.settings["groups"], part.source.strides[0]
    weight = settings["weight"].reshape(groups, -1, *settings["weight"].shape[1:])
    weight = _cut(weight, part).reshape(groups, part.blocks, part.filters, *weight.shape[2:])
    space = zip(weight.shape[4:], part.source.strides[1:], settings["dilation"], (4, 5, 6))
    axes = [(count, stride * dilation, axis) for count, stride, dilation, axis in space]
    channels = (weight.shape[3], channel, 3)
    axes = [channels, *axes] if part.source.planar else [*axes, channels]
    weight = weight.transpose(0, 1, *(axis for _, _, axis in axes), 2)
    bias = _cut(settings["bias"].reshape(groups, -1), part)
    return weight.ravel().astype(np.float32), bias.ravel().astype(np.float32), _merged([one[:2] for one in axes])


def _cut(array, part):
    """The part's filters of each group, zeros where a vector holds more."""
    cut = array[:, part.begin : part.begin + part.blocks * part.filters]
    return np.pad(cut, [(0, 0), (0, part.blocks * part.filters - cut.shape[1])] + [(0, 0)] * (array.ndim - 2))


def _merged(loops):
    """Loops without those of one pass, and two made one where memory goes on from one to the next."""
    kept = []
    for count, stride in reversed([one for one in loops if one[0] != 1]):
        if kept and stride == kept[0][0] * kept[0][1]:
            kept[0] = (count * kept[0][0], kept[0][1])
        else:
            kept.insert(0, (count, stride))
    return kept


# ---- one tile --------------------------------------------------------------------------------------------------------


def _started(part):
    """Declares the sums; they begin as the bias."""
    load = "SPLAT{0}({1}, b[{2}]);\n" if part.along_rows else "LOAD{0}({1}, b + {2});\n"
    start = "".join(load.format(one.lanes, one.name, one.filter) for one in part.sums)
    return _declared({one.name: one.lanes for one in part.sums}) + start


def _declared(names):
    eights, fours = ([name for name, width in names.items() if width == wanted] for wanted in (8, 4))
    return (f"v8 {', '.join(eights)};\n" if eights else "") + (f"v4 {', '.join(fours)};\n" if fours else "")


def _summed(part, loops):
    """Loops over the inputs of a tile; q points at the input of its first output, k at the weights.

    The innermost ones are written out where they are short: at the end of each loop a vector unit waits.
    """
    written = []
    while loops and math.prod([count for count, _ in [*written, loops[-1]]]) <= MOST_STEPS:
        written.insert(0, loops.pop())
    code, pointer = "", "from"
    for depth, (count, stride) in enumerate(loops):
        code += f"for (int n{depth} = 0; n{depth} < {count}; n{depth}++) {{\n"
        code += f"const float *q{depth} = {pointer} + n{depth} * {stride};\n"
        pointer = f"q{depth}"
    offsets = [sum(place) for place in itertools.product(*(range(0, count * stride, stride) for count, stride in written))]
    step = _row_step if part.along_rows else _channel_step
    code += f"{{\nconst float *q = {pointer};\n" + "".join(
        step(part, number, offset) for number, offset in enumerate(offsets)
    )
    return code + f"k += {len(offsets) * part.filters};\n" + "}\n" * (1 + len(loops))


def _channel_step(part, number, offset):
    """Multiplies one input of each output of a tile with the weights of all filters of a block."""
    widths = part.widths
    code = "{\n" + _declared({f"k{place}": width for place, width in enumerate(widths)} | {f"one{w}": w for w in widths})
    for place, width in enumerate(widths):
        code += _loaded(f"k{place}", f"k + {number * part.filters + 8 * place}", width, len(part.places) > 1)
    for row, column in part.places:
        code += "".join(f"SPLAT{w}(one{w}, q[{offset + _moved(part, row, column)}]); " for w in sorted(set(widths)))
        code += "".join(f"MADD{w}(s{place}_{row}_{column}, one{w}, k{place}); " for place, w in enumerate(widths)) + "\n"
    return code + "}\n"


def _row_step(part, number, offset):
    """Multiplies vectors of inputs along the rows of a tile with one weight of each filter of a block."""
    width = part.width
    code = "{\n" + _declared({f"x{row}_{column}": width for row, column in part.places} | {"one": width})
    for row, column in part.places:
        place = f"q + {offset + _moved(part, row, column * width)}"
        code += _loaded(f"x{row}_{column}", place, width, part.tile.outer > 1)
    for place in range(part.tile.outer):
        code += f"SPLAT{width}(one, k[{number * part.filters + place}]); "
        code += (
            " ".join(f"MADD{width}(s{place}_{row}_{column}, one, x{row}_{column});" for row, column in part.places) + "\n"
        )
    return code + "}\n"


def _loaded(name, place, width, reused):
    return f"LOAD{width}({name}, {place});{f' HOLD{width}({name});' if reused else ''}\n"


def _moved(part, row, column):
    """Floats from the inputs of a tile's first output to those of another."""
    _, down, along = part.operation.settings["stride"]
    return row * down * part.source.strides[2] + column * along * part.source.strides[3]


# ---- results ---------------------------------------------------------------------------------------------------------


def _stored(part, one):
    """Adds the residual to a vector of sums, applies the activation and stores it, lane by lane where memory isn't in order."""
    step, residual, lanes = (3 if part.along_rows else 0), part.residual, one.lanes
    to, other = _place(part.target, one), residual and _place(residual, one)
    in_order = one.valid == lanes and part.target.strides[step] == 1 and (not residual or residual.strides[step] == 1)
    if in_order:
        added = f"{{ v{lanes} other; LOAD{lanes}(other, r + {other}); ADD{lanes}({one.name}, other); }} " if residual else ""
        return f"{added}{_vector_activation(part.operation, one)}STORE{lanes}(t + {to}, {one.name});\n"
    more = f" + r[{other} + n * {residual.strides[step]}]" if residual else ""
    value = _scalar_activation(part.operation.activation, f"lanes[n]{more}")
    store = f"for (int n = 0; n < {one.valid}; n++) t[{to} + n * {part.target.strides[step]}] = {value};"
    return f"{{ float lanes[{lanes}]; STORE{lanes}(lanes, {one.name}); {store} }}\n"


def _place(buffer, one):
    channel, _, height, width = buffer.strides
    return one.filter * channel + one.row * height + one.column * width


def _vector_activation(operation, one):
    kind, *parameters = operation.activation or ("none",)
    if kind == "none":
        return ""
    return (
        f"RELU{one.lanes}({one.name}); " if kind == "relu" else f"LEAKY{one.lanes}({one.name}, {literal(parameters[0])}); "
    )


def _scalar_activation(activation, value):
    kind, *parameters = activation or ("none",)
    if kind == "none":
        return value
    return f"relu({value})" if kind == "relu" else f"leaky_relu({value}, {literal(parameters[0])})"


def literal(number):
    """A float32 in C, the shortest decimal that gives it back exactly."""
    text = str(np.float32(number))
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


# ---- all tiles -------------------------------------------------------------------------------------------------------


def _tiled(part, body):
    """The loops over groups, blocks of filters and tiles, around the code of one tile."""
    _, depth, height, width = part.operation.shape
    rows, columns = part.tile.rows, part.columns
    code = f"for (int group = 0; group < {part.operation.settings['groups']}; group++)\n"
    code += f"for (int block = 0; block < {part.blocks}; block++)\nfor (int d = 0; d < {depth}; d++)\n"
    code += (
        f"for (int row = 0; row < {height}; row += {rows})\nfor (int column = 0; column < {width}; column += {columns}) {{\n"
    )
    code += f"const int h = row < {height - rows} ? row : {height - rows}, "
    code += f"w = column < {width - columns} ? column : {width - columns};\n"
    code += _pointers(part) + f"float *t = y + {_first_output(part, part.target)};\n"
    code += f"const float *r = residual + {_first_output(part, part.residual)};\n" if part.residual else ""
    return f"{code}{body}}}\n"


def _pointers(part):
    """Where the inputs of a tile, its weights and biases begin."""
    settings, source, name = part.operation.settings, part.source, part.operation.name
    steps, inputs = settings["weight"][0].size, source.shape[0] // settings["groups"]
    first = source.origin - sum(padding * stride for padding, stride in zip(settings["padding"], source.strides[1:]))
    moves = " + ".join(f"{axis} * {one * by}" for axis, one, by in zip("dhw", settings["stride"], source.strides[1:]))
    return (
        f"const float *from = x + {first} + group * {inputs * source.strides[0]} + {moves};\n"
        f"const float *k = {name}_weights{part.number} + (group * {part.blocks} + block) * {steps * part.filters};\n"
        f"const float *b = {name}_bias{part.number} + (group * {part.blocks} + block) * {part.filters};\n"
    )


def _first_output(part, buffer):
    """Floats from a buffer's begin to the first output of a tile."""
    channel, *strides = buffer.strides
    moved = " + ".join(f"{axis} * {stride}" for axis, stride in zip("dhw", strides))
    filters = f"group * {tiles.filters_of(part.operation)} + {part.begin} + block * {part.filters}"
    return f"{buffer.origin} + ({filters}) * {channel} + {moved}"
