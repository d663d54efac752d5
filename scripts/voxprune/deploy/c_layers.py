"""C code of everything that isn't a convolution: pools, sums, activations, concatenations, reshapes, constants."""

import numpy as np

from voxprune.deploy.buffers import row_floats
from voxprune.deploy.c_convolution import literal

ACTIVATIONS = {  # C expressions of x, float32, and of the parameters
    "relu": "relu(x)",
    "leaky_relu": "leaky_relu(x, {0})",
    "elu": "(x > 0.0f ? {1} * x : {0} * {1} * expm1f({2} * x))",
    "sigmoid": "1.0f / (1.0f + expf(-x))",
    "silu": "x / (1.0f + expf(-x))",
    "hardswish": "x * clip(x + 3.0f, 0.0f, 6.0f) / 6.0f",
    "hardsigmoid": "clip(x + 3.0f, 0.0f, 6.0f) / 6.0f",
    "tanh": "tanhf(x)",
    "gelu none": "0.5f * x * (1.0f + erff(x * 0.70710678f))",
    "gelu tanh": "0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)))",
    "clip": "clip(x, {0}, {1})",
}


def activation(named):
    """A C expression of x. named: (name, parameters ...), or None for x itself."""
    if named is None:
        return "x"
    kind, *parameters = named
    if kind == "gelu":
        return ACTIVATIONS[f"gelu {parameters[0]}"]
    return ACTIVATIONS[kind].format(*map(literal, parameters))


# ---- cell by cell ----------------------------------------------------------------------------------------------------


def cell_by_cell(operation, sources, target):
    """(C function, {name of an array: its numbers}) of an operation that computes each number of its result from one of each
    source. sources, target: Buffers."""
    make = {
        "activation": _activated, "affine": _affine, "binary": _binary, "constant": _constant, "flatten": _flattened,
        "concatenation": _joined,
    }[operation.kind]  # fmt: skip
    body, arrays = make(operation, sources, target)
    inputs = "".join(f"const float *x{number}, " for number in range(len(sources)))
    return f"static void layer_{operation.name}({inputs}float *y)\n{{\n{body}}}\n", arrays


def _activated(operation, sources, target):
    return _each(target, _at("x0", sources[0], target.shape), activation(operation.settings["activation"]), target), {}


def _affine(operation, sources, target):
    scale, shift = (f"{operation.name}_{word}" for word in ("scale", "shift"))
    value = f"{_at('x0', sources[0], target.shape)} * {scale}[c] + {shift}[c]"
    arrays = {name: operation.settings[name.removeprefix(f"{operation.name}_")] for name in (scale, shift)}
    return _each(target, value, activation(operation.activation), target), arrays


def _binary(operation, sources, target):
    one, other = (_at(f"x{number}", source, target.shape) for number, source in enumerate(sources))
    return _each(target, f"{one} {operation.settings['symbol']} {other}", activation(operation.activation), target), {}


def _constant(operation, sources, target):
    channels, depth, height, width = target.shape
    index = f"((c * {depth} + d) * {height} + h) * {width} + w"
    name = f"{operation.name}_values"
    return _each(target, f"{name}[{index}]", "x", target), {name: operation.settings["values"]}


def _flattened(operation, sources, target):
    _, depth, height, width = sources[0].shape
    index = f"((c * {depth} + d) * {height} + h) * {width} + w"
    value = _at("x0", sources[0], sources[0].shape)
    return _loops(sources[0], f"y[{target.origin} + ({index}) * {target.strides[0]}] = {value};\n"), {}


def _joined(operation, sources, target):
    code, first = "", 0
    for number, source in enumerate(sources):
        to = _at("y", target, target.shape, first)
        code += _loops(source, f"{to} = {_at(f'x{number}', source, source.shape)};\n", target.planar)
        first += source.shape[0]
    return code, {}


def _each(buffer, value, result, target):
    return _loops(buffer, f"const float x = {value};\n{_at('y', target, target.shape)} = {result};\n", target.planar)


def _loops(buffer, body, planar=None):
    """Loops over all numbers of a tensor, those that lie beside each other innermost."""
    order = "cdhw" if (buffer.planar if planar is None else planar) else "dhwc"
    sizes = dict(zip("cdhw", buffer.shape))
    code = "".join(f"for (int {axis} = 0; {axis} < {sizes[axis]}; {axis}++)\n" for axis in order)
    return f"{code}{{\n{body}}}\n"


def _at(pointer, buffer, shape, first_channel=0):
    """The number of a tensor at c, d, h, w; an axis of one cell stands for all of `shape`."""
    steps = [0 if size == 1 and wanted > 1 else stride for size, wanted, stride in zip(buffer.shape, shape, buffer.strides)]
    begin = buffer.origin + first_channel * buffer.strides[0]
    return f"{pointer}[{begin} + " + " + ".join(f"{axis} * {step}" for axis, step in zip("cdhw", steps)) + "]"


# ---- pools -----------------------------------------------------------------------------------------------------------


def pool(operation, source, target):
    """C function of a pool; its argument `row` is memory of `row_floats`. source, target: Buffers."""
    beside = 1 if source.planar else source.shape[0]
    largest = operation.settings["mode"] == "max"
    joined = lambda sum_, one: f"{sum_} = largest({sum_}, {one})" if largest else f"{sum_} += {one}"  # noqa: E731
    axes = dict(zip("dhw", operation.settings["axes"]))
    tables = "".join(_tables(axis, one, operation.settings) for axis, one in axes.items())
    channel, plane, line, _ = source.strides
    to = _at("y", target, target.shape)
    return f"""static void layer_{operation.name}(const float *x, float *y, float *row)
{{
{tables}for (int outer = 0; outer < {source.shape[0] // beside}; outer++)
for (int d = 0; d < {target.shape[1]}; d++)
for (int h = 0; h < {target.shape[2]}; h++) {{
for (int n = 0; n < {row_floats(source)}; n++) row[n] = {"-INFINITY" if largest else "0.0f"};
for (int i = {_begin("d", axes["d"])}; i < {_end("d", axes["d"])}; i++)
for (int j = {_begin("h", axes["h"])}; j < {_end("h", axes["h"])}; j++) {{
const float *from = x + {source.origin} + outer * {channel} + i * {plane} + j * {line};
for (int n = 0; n < {row_floats(source)}; n++) {joined("row[n]", "from[n]")};
}}
for (int w = 0; w < {target.shape[3]}; w++)
for (int n = 0; n < {beside}; n++) {{
const int c = outer * {beside} + n, begin = {_begin("w", axes["w"])}, end = {_end("w", axes["w"])};
float one = row[begin * {beside} + n];
for (int i = begin + 1; i < end; i++) {joined("one", f"row[i * {beside} + n]")};
{to} = one{_share(operation.settings, axes)};
}}
}}
}}
"""


def _regular(window):
    """(first, step, size) where the windows of an axis are all alike, else None."""
    begin, size = np.array(window["begin"]), np.subtract(window["end"], window["begin"])
    step = int(begin[1] - begin[0]) if len(begin) > 1 else 0
    alike = (size == size[0]).all() and (np.diff(begin) == step).all() and len(set(window["count"])) == 1
    return (int(begin[0]), step, int(size[0])) if alike else None


def _begin(axis, window):
    alike = _regular(window)
    return f"{alike[0]} + {axis} * {alike[1]}" if alike else f"begin_{axis}[{axis}]"


def _end(axis, window):
    alike = _regular(window)
    return f"{alike[0] + alike[2]} + {axis} * {alike[1]}" if alike else f"end_{axis}[{axis}]"


def _tables(axis, window, settings):
    if _regular(window):
        return ""
    code = "".join(
        f"static const int {word}_{axis}[] = {{{', '.join(map(str, window[word]))}}};\n" for word in ("begin", "end")
    )
    if settings["mode"] == "max" or settings["divisor"]:
        return code
    return code + f"static const float share_{axis}[] = {{{', '.join(literal(1 / count) for count in window['count'])}}};\n"


def _share(settings, axes):
    """What a sum is multiplied by to become a mean, as C; nothing for a maximum."""
    if settings["mode"] == "max":
        return ""
    if settings["divisor"]:
        return f" * {literal(1 / settings['divisor'])}"
    constant, tables = 1, ""
    for axis, window in axes.items():
        constant, tables = (constant * window["count"][0], tables) if _regular(window) else (
            constant, f"{tables} * share_{axis}[{axis}]")  # fmt: skip
    return (f" * {literal(1 / constant)}" if constant != 1 else "") + tables
