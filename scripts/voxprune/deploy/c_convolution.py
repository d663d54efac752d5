"""C code of one convolution with its bias, residual sum and activation; a Linear layer is a convolution of one output.

Two kernels do the same: one holds filters in its vectors and reads inputs one by one, the other holds outputs along a row and
reads weights one by one, for layers of few filters. Tiles at the end of a row or column overlap the one before, so no kernel has
a special case for edges, and the halo of zeros stands for what lies beyond the edge.
"""

from dataclasses import dataclass

import numpy as np

from voxprune.deploy import tiles


@dataclass
class Block:
    """What the code of one block of filters needs.

    sums: (name, lanes, valid lanes, filter, row, column) of each vector of sums; column: of the first output in it.
    """

    sums: list
    rows: int
    columns: int


def convolution(operation, source, target, residual, along_rows):
    """(C function, {name of an array: its numbers, float32}). source, target, residual: Buffers, residual perhaps None."""
    kernel = _row_kernel if along_rows else _channel_kernel
    _, parts = (tiles.row_tiles if along_rows else tiles.channel_tiles)(operation)
    codes, arrays = [], {}
    for number, (first, blocks, tile) in enumerate(parts):
        code, weights, bias = kernel(operation, first, blocks, tile, source, target, residual, number)
        codes.append(code)
        arrays[f"{operation.name}_weights{number}"], arrays[f"{operation.name}_bias{number}"] = weights, bias
    more = ", const float *residual" if residual else ""
    return f"static void layer_{operation.name}(const float *x, float *y{more})\n{{\n{''.join(codes)}}}\n", arrays


# ---- the two kernels -------------------------------------------------------------------------------------------------


def _channel_kernel(operation, first, blocks, tile, source, target, residual, number):
    filters, groups = operation.shape[0] // operation.settings["groups"], operation.settings["groups"]
    widths = tiles.vectors(filters)[first : first + tile.outer]
    begin, lanes = 8 * first, sum(widths)
    sums = [
        (f"s{place}_{row}_{column}", width, min(width, filters - begin - 8 * place), 8 * place, row, column)
        for row in range(tile.rows)
        for column in range(tile.columns)
        for place, width in enumerate(widths)
    ]
    block = Block(sums, tile.rows, tile.columns)
    weights, bias, loops = _arranged(operation, source, begin, blocks, lanes)
    inner = "".join(f"LOAD{width}(k{place}, k + {8 * place}); " for place, width in enumerate(widths)) + "\n"
    declared = _declared({f"k{place}": width for place, width in enumerate(widths)} | {"one8": 8, "one4": 4})
    for row in range(tile.rows):
        for column in range(tile.columns):
            offset = _offset(operation, source, row, column)
            inner += "".join(f"SPLAT{width}(one{width}, q[{offset}]); " for width in sorted(set(widths)))
            inner += "".join(
                f"MADD{width}(s{p}_{row}_{column}, one{width}, k{p}); " for p, width in enumerate(widths)
            ) + "\n"  # fmt: skip
    start = "".join(f"LOAD{width}({name}, b + {filter_});\n" for name, width, _, filter_, _, _ in sums)
    declared = _declared(
        {f"k{place}": width for place, width in enumerate(widths)} | {f"one{width}": width for width in widths}
    )
    body = start + _summed(loops, f"{declared}{inner}k += {lanes};\n")
    body += "".join(_stored(operation, one, target, residual, along_rows=False) for one in sums)
    return _tiled(operation, number, block, source, target, residual, begin, blocks, lanes, groups, body), weights, bias


def _row_kernel(operation, first, blocks, tile, source, target, residual, number):
    filters, groups = operation.shape[0] // operation.settings["groups"], operation.settings["groups"]
    width = tiles.lanes_along(operation.shape[3])
    sums = [
        (f"s{place}_{row}_{column}", width, width, place, row, column * width)
        for place in range(tile.outer)
        for row in range(tile.rows)
        for column in range(tile.columns)
    ]
    block = Block(sums, tile.rows, tile.columns * width)
    weights, bias, loops = _arranged(operation, source, first, blocks, tile.outer, by_channel=True)
    places = [(row, column) for row in range(tile.rows) for column in range(tile.columns)]
    inner = _declared({f"x{row}_{column}": width for row, column in places} | {"one": width})
    for row, column in places:
        inner += f"LOAD{width}(x{row}_{column}, q + {_offset(operation, source, row, column * width)});\n"
    for place in range(tile.outer):
        inner += f"SPLAT{width}(one, k[{place}]); "
        inner += " ".join(f"MADD{width}(s{place}_{r}_{c}, one, x{r}_{c});" for r, c in places) + "\n"
    start = "".join(f"SPLAT{width}({name}, b[{place}]);\n" for name, _, _, place, _, _ in sums)
    body = start + _summed(loops, f"{inner}k += {tile.outer};\n")
    body += "".join(_stored(operation, one, target, residual, along_rows=True) for one in sums)
    assert filters >= first + blocks * tile.outer
    return _tiled(operation, number, block, source, target, residual, first, blocks, tile.outer, groups, body), weights, bias


# ---- their parts -----------------------------------------------------------------------------------------------------


def _arranged(operation, source, begin, blocks, lanes, by_channel=None):
    """(weights float32 in the order they are read, bias, loops [(count, stride)] over the inputs of one output)."""
    settings, groups = operation.settings, operation.settings["groups"]
    weight = settings["weight"].reshape(groups, -1, *settings["weight"].shape[1:])
    weight = _cut(weight, begin, blocks * lanes).reshape(groups, blocks, lanes, *weight.shape[2:])
    bias = _cut(settings["bias"].reshape(groups, -1), begin, blocks * lanes)
    channel, *others = source.strides
    axes = [(weight.shape[3], channel, 3)] + [
        (count, stride * dilation, axis)
        for count, stride, dilation, axis in zip(weight.shape[4:], others, settings["dilation"], (4, 5, 6))
    ]
    axes = axes if (source.planar if by_channel is None else by_channel) else [*axes[1:], axes[0]]
    weight = weight.transpose(0, 1, *(axis for _, _, axis in axes), 2)
    return weight.ravel().astype(np.float32), bias.ravel().astype(np.float32), _merged([one[:2] for one in axes])


def _cut(array, begin, count):
    """Filters begin ... begin + count of each group, zeros where there are fewer."""
    part = array[:, begin : begin + count]
    return np.pad(part, [(0, 0), (0, count - part.shape[1])] + [(0, 0)] * (array.ndim - 2))


def _merged(loops):
    """Loops without those of one pass, and two made one where memory goes on from one to the next."""
    kept = []
    for count, stride in reversed([one for one in loops if one[0] != 1]):
        if kept and stride == kept[0][0] * kept[0][1]:
            kept[0] = (count * kept[0][0], kept[0][1])
        else:
            kept.insert(0, (count, stride))
    return kept


def _summed(loops, inner):
    """Nested loops over the inputs of a tile; q points at the input of its first output, k at the weights."""
    code, pointer = "", "from"
    for depth, (count, stride) in enumerate(loops):
        name = "q" if depth == len(loops) - 1 else f"q{depth}"
        code += f"for (int n{depth} = 0; n{depth} < {count}; n{depth}++) {{\nconst float *{name} = {pointer} + n{depth} * {stride};\n"
        pointer = name
    return code + ("" if loops else "{\nconst float *q = from;\n") + inner + "}\n" * max(1, len(loops))


def _declared(names):
    eights, fours = ([name for name, width in names.items() if width == wanted] for wanted in (8, 4))
    return (f"v8 {', '.join(eights)};\n" if eights else "") + (f"v4 {', '.join(fours)};\n" if fours else "")


def _offset(operation, source, row, column):
    _, _, height, width = source.strides
    _, down, along = operation.settings["stride"]
    return row * down * height + column * along * width


def _stored(operation, one, target, residual, along_rows):
    """Adds the residual to a vector of sums, applies the activation and stores it, lane by lane where memory isn't in order."""
    name, lanes, valid, filter_, row, column = one
    step = 3 if along_rows else 0
    to = _place(target, filter_, row, column)
    added = residual and _place(residual, filter_, row, column)
    if valid == lanes and target.strides[step] == 1 and (not residual or residual.strides[step] == 1):
        code = f"{{ v{lanes} other; LOAD{lanes}(other, r + {added}); ADD{lanes}({name}, other); }} " if residual else ""
        return code + _vector_activation(operation, name, lanes) + f"STORE{lanes}(t + {to}, {name});\n"
    more = f" + r[{added} + n * {residual.strides[step]}]" if residual else ""
    value = scalar_activation(operation.activation, f"(lanes[n]{more})")
    return (
        f"STORE{lanes}(lanes, {name}); for (int n = 0; n < {valid}; n++) t[{to} + n * {target.strides[step]}] = {value};\n"
    )


def _place(buffer, filter_, row, column):
    channel, _, height, width = buffer.strides
    return filter_ * channel + row * height + column * width


def _vector_activation(operation, name, lanes):
    kind, *parameters = operation.activation or ("none",)
    return {
        "none": "", "relu": f"RELU{lanes}({name}); ", "leaky_relu": f"LEAKY{lanes}({name}, {literal(*parameters[:1] or [0])}); ",
    }[kind]  # fmt: skip


def scalar_activation(activation, value):
    """A C expression: relu or leaky_relu of a value, or the value."""
    kind, *parameters = activation or ("none",)
    return {"none": value, "relu": f"relu{value}", "leaky_relu": f"leaky_relu({value}, {literal(*parameters[:1] or [0])})"}[
        kind
    ]


def literal(number):
    """A float32 in C, the shortest decimal that gives it back exactly."""
    text = str(np.float32(number))
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def _tiled(operation, number, block, source, target, residual, begin, blocks, lanes, groups, body):
    """The loops over groups, blocks of filters and tiles, around the code of one tile."""
    _, depth, height, width = operation.shape
    filters, inputs = operation.shape[0] // groups, source.shape[0] // groups
    steps = operation.settings["weight"][0].size
    first = source.origin - sum(p * s for p, s in zip(operation.settings["padding"], source.strides[1:]))
    move = [stride * one for stride, one in zip(operation.settings["stride"], source.strides[1:])]

    def start(name, pointer, buffer):
        channel, *strides = buffer.strides
        moved = " + ".join(f"{axis} * {stride}" for axis, stride in zip("dhw", strides))
        filter_ = f"(group * {filters} + {begin} + block * {lanes}) * {channel}"
        return f"{name} = {pointer} + {buffer.origin} + {filter_} + {moved};\n"

    code = f"for (int group = 0; group < {groups}; group++)\n" if groups > 1 else "{ const int group = 0;\n"
    code += f"for (int block = 0; block < {blocks}; block++)\nfor (int d = 0; d < {depth}; d++)\n"
    code += f"for (int row = 0; row < {height}; row += {block.rows})\nfor (int column = 0; column < {width}; column += {block.columns}) {{\n"
    code += f"const int h = row < {height - block.rows} ? row : {height - block.rows}, "
    code += f"w = column < {width - block.columns} ? column : {width - block.columns};\n"
    code += f"const float *from = x + {first} + group * {inputs * source.strides[0]} + "
    code += " + ".join(f"{axis} * {stride}" for axis, stride in zip("dhw", move)) + ";\n"
    code += f"const float *k = {operation.name}_weights{number} + (group * {blocks} + block) * {steps * lanes};\n"
    code += f"const float *b = {operation.name}_bias{number} + (group * {blocks} + block) * {lanes};\n"
    code += start("float *t", "y", target) + (start("const float *r", "residual", residual) if residual else "")
    code += _declared({name: width for name, width, *_ in block.sums})
    code += "float lanes[8];\n" if "lanes[n]" in body else ""
    return code + body + "}\n" + ("" if groups > 1 else "}\n")
