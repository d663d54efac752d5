"""A network as C99: model.c with its weights, and model.h, which says how to call it.

The code allocates nothing and keeps nothing between calls, so any number of threads may call it, each with scratch memory of
its own. BatchNorm, bias, residual sum and ReLU are part of the convolutions; what lies beyond the edge of a grid is a halo of
zeros in memory, so the inner loops check no bounds. The same network gives the same bytes.
"""

import json
import re
from pathlib import Path

import numpy as np

from voxprune.core.errors import InputError
from voxprune.deploy import tiles
from voxprune.deploy.buffers import plan, reads
from voxprune.deploy.c_convolution import convolution, literal
from voxprune.deploy.c_layers import cell_by_cell, pool
from voxprune.deploy.fusion import fuse
from voxprune.deploy.graph import INPUT, Operation, trace

LANES = (Path(__file__).parent / "c" / "lanes.h").read_text()
MOST_WEIGHTS = 16_000_000  # more would be hundreds of megabytes of source, which compilers don't take
HELP = {
    "relu": "static inline float relu(float x) { return x > 0.0f ? x : 0.0f; }",
    "leaky_relu": "static inline float leaky_relu(float x, float slope) { return x > 0.0f ? x : slope * x; }",
    "clip": "static inline float clip(float x, float low, float high) { return x < low ? low : x > high ? high : x; }",
    "largest": "static inline float largest(float x, float y) { return y > x ? y : x; }",
    "clear_halo": """/* Zeros around a tensor: `grids` grids of depth x height rows, each `row` floats between `side` floats of halo. */
static inline void clear_halo(float *y, int grids, int depth, int height, int row, int before, int above, int side)
{
    const int whole = row + 2 * side, plane = (height + 2 * above) * whole;
    for (int grid = 0; grid < grids; grid++, y += (depth + 2 * before) * plane)
        for (int d = 0; d < depth + 2 * before; d++) {
            float *z = y + d * plane;
            if (d < before || d >= depth + before) {
                for (int n = 0; n < plane; n++) z[n] = 0.0f;
                continue;
            }
            for (int h = 0; h < height + 2 * above; h++, z += whole) {
                const int edge = h < above || h >= height + above;
                for (int n = 0; n < (edge ? whole : side); n++) z[n] = 0.0f;
                for (int n = edge ? whole : row + side; n < whole; n++) z[n] = 0.0f;
            }
        }
}""",
}


def c_files(network, grid, classes, origin=None):
    """{file name: text} of the C code of a network. grid: a Grid, how its voxels are made. classes: names, in order. origin: a
    dictionary that says which network of an experiment it is.

    Raises InputError, naming the operator, where the network holds one that the C code hasn't.
    """
    operations, output = fuse(*trace(network))
    _check(operations, output, classes)
    operations = _with_padded_input(operations, (1, *(grid.resolution,) * 3))
    along_rows = _along_rows(operations)
    buffers, scratch = plan(operations, output, along_rows, (grid.resolution,) * 3)
    functions, arrays = [], {}
    for operation in operations:
        code, more = _function(operation, buffers, operation.name in along_rows)
        functions.append(code)
        arrays |= more
    data = "".join(_array(name, numbers) for name, numbers in arrays.items())
    calls = "".join(_call(operation, buffers) for operation in operations)
    code = "\n".join(functions)
    source = SOURCE.format(lanes=LANES, help=_help(code + calls), data=data, functions=code, calls=calls)
    return {"model.c": indented(source), "model.h": _header(grid, classes, scratch, origin)}


SOURCE = """/* A pruned 3D network, written by voxprune. How to call it stands in model.h. */

#include "model.h"

#include <math.h>

{lanes}
{help}

{data}
{functions}
void model_run(const float *voxels, float *logits, float *scratch)
{{
(void)voxels;
(void)scratch;
{calls}}}
"""

HEADER = """/* How to call the network in model.c, written by voxprune. */

#ifndef MODEL_H
#define MODEL_H

#define MODEL_RESOLUTION {resolution} /* cells along each axis of the voxels */
#define MODEL_CLASSES {classes}
#define MODEL_SCRATCH {scratch} /* floats of scratch memory */
#define MODEL_ORIGIN {origin} /* which network of an experiment it is, as JSON */

/* How voxels are made from a mesh. */
#define MODEL_CENTRED {centred} /* 1: the object lies in the middle of the grid; 0: in its corner, as the original study did */
#define MODEL_SOLID {solid} /* 1: cells hidden inside count as occupied */
#define MODEL_PADDING {padding} /* cells kept empty around a centred object */
#define MODEL_SCALE {scale} /* length in the mesh's unit that fills the grid; 0: each object fills it */
#define MODEL_UP '{up}' /* the mesh's axis that points upwards */

static const char *const model_labels[MODEL_CLASSES] = {{{labels}}};

/* voxels: MODEL_RESOLUTION cubed floats, 1 where occupied and 0 elsewhere, z running fastest, then y, then x.
 * logits: MODEL_CLASSES floats, the result. scratch: MODEL_SCRATCH floats, whose content before and after says nothing.
 * Several threads may call this at once, each with scratch memory of its own. */
void model_run(const float *voxels, float *logits, float *scratch);

#endif
"""


def _check(operations, output, classes):
    if output == INPUT or next(one.shape for one in operations if one.name == output) != (len(classes), 1, 1, 1):
        raise InputError(f"model.c: the network doesn't answer {len(classes)} logits, one a class; use model.onnx")
    weights = [one.settings["weight"] for one in operations if one.kind == "convolution"]
    count = sum(one.size for one in weights)
    if count > MOST_WEIGHTS:
        raise InputError(f"model.c: {count:,} weights are too many for C source ({MOST_WEIGHTS:,}); use model.onnx")
    if not all(np.isfinite(one).all() for one in weights):
        raise InputError("model.c: a weight of the network is not a finite number; train it again")


def _with_padded_input(operations, shape):
    """Convolutions with padding read a copy of the input that has a halo; the others read what the caller gives."""
    padded = [
        one for one in operations if one.kind == "convolution" and INPUT in one.inputs and any(one.settings["padding"])
    ]
    if not padded:
        return operations
    for operation in padded:
        operation.inputs = ["padded_voxels"]
    return [Operation("concatenation", "padded_voxels", [INPUT], shape), *operations]


def _along_rows(operations):
    """Names of the convolutions whose kernel works along rows; decided from the last, so that each knows who reads it."""
    found, planar = set(), set()
    for operation in reversed(operations):
        if operation.kind == "convolution" and tiles.works_along_rows(operation, operation.name in planar):
            found.add(operation.name)
            planar.update(operation.inputs)
    return found


def _help(code):
    """The small functions that C code calls, and no other: a compiler may warn of those."""
    used = [text for name, text in HELP.items() if re.search(rf"\b{name}\(", code)]
    return "\n".join(used)


# ---- C of one operation ----------------------------------------------------------------------------------------------


def _function(operation, buffers, along_rows):
    """(C function, {name of an array: numbers})."""
    target, sources = buffers[operation.name], [buffers[name] for name in operation.inputs]
    if operation.kind == "convolution":
        residual = [buffers[name] for name in operation.settings.get("residual", [])]
        return convolution(operation, sources[0], target, residual[0] if residual else None, along_rows)
    if operation.kind == "pool":
        return pool(operation, sources[0], target), {}
    return cell_by_cell(operation, sources, target)


def _call(operation, buffers):
    """C that clears the halo of a result and computes it."""
    target = buffers[operation.name]
    sources = [buffers[name].place for name in reads(operation)]
    arguments = [*sources, target.place]
    if operation.kind == "convolution":
        arguments = [sources[0], target.place, *sources[1:]]
    elif operation.kind == "pool":
        arguments.append(f"scratch + {target.row}")
    return _clearing(target) + f"layer_{operation.name}({', '.join(arguments)});\n"


def _clearing(buffer):
    if not any(buffer.halo):
        return ""
    grids, beside = (buffer.shape[0], 1) if buffer.planar else (1, buffer.shape[0])
    _, depth, height, width = buffer.shape
    before, above, side = buffer.halo
    return f"clear_halo({buffer.place}, {grids}, {depth}, {height}, {width * beside}, {before}, {above}, {side * beside});\n"


def _array(name, numbers):
    words = [literal(number) for number in np.asarray(numbers, dtype=np.float32).ravel().tolist()]
    lines = [", ".join(words[begin : begin + 12]) for begin in range(0, len(words), 12)]
    return f"static const float {name}[] ALIGNED = {{\n" + ",\n".join(lines) + "};\n"


def _header(grid, classes, scratch, origin):
    labels = ", ".join(_string(name) for name in classes)
    return HEADER.format(
        resolution=grid.resolution, classes=len(classes), scratch=scratch, centred=int(grid.convention == "centred"),
        solid=int(grid.occupancy == "solid"), padding=grid.padding, scale=0 if grid.scale == "fit" else float(grid.scale),
        up=grid.up, labels=labels, origin=_string(json.dumps(origin)),
    )  # fmt: skip


def _string(text):
    """A C string of any text: bytes beyond plain letters as octal numbers."""
    plain = lambda byte: 32 <= byte < 127 and chr(byte) not in '"\\?'  # noqa: E731
    return '"' + "".join(chr(byte) if plain(byte) else f"\\{byte:03o}" for byte in text.encode()) + '"'


def indented(code):
    """C code with each line indented by the braces around it."""
    lines, depth = [], 0
    for line in code.splitlines():
        line, inside = line.strip() if not line.startswith((" ", "#")) else line, line.startswith((" ", "#"))
        depth -= line.startswith("}") and not inside
        lines.append(line if inside or not line else "    " * depth + line)
        depth += 0 if inside else line.count("{") - line.count("}") + line.startswith("}")
    return "\n".join(lines) + "\n"
