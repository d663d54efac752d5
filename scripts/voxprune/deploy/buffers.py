"""Where each tensor of the C code lies: its order in memory, its halo of zeros, and its place in the scratch memory."""

from dataclasses import dataclass

from voxprune.deploy.graph import INPUT

ROUNDED = 16  # floats: a buffer begins at a multiple of 64 bytes of the scratch memory
SLACK = 16  # floats behind the last buffer that vector loads may touch


@dataclass
class Buffer:
    """A tensor (channels, depth, height, width) in memory.

    halo: cells of zeros before and behind each axis, as far as convolutions reach beyond the edge. planar: channel by
    channel, for kernels that work along a row; otherwise the channels of a cell lie beside each other. place: a C expression.
    row: of a pool's result, where in the scratch memory it gathers a row.
    """

    shape: tuple
    halo: tuple = (0, 0, 0)
    planar: bool = False
    place: str = ""
    row: int | None = None

    @property
    def padded(self):
        """Cells along depth, height and width with the halo."""
        return tuple(size + 2 * halo for size, halo in zip(self.shape[1:], self.halo))

    @property
    def floats(self):
        depth, height, width = self.padded
        return self.shape[0] * depth * height * width

    @property
    def strides(self):
        """Floats from one channel, slice, row and cell to the next."""
        channels, (depth, height, width) = self.shape[0], self.padded
        if self.planar:
            return depth * height * width, height * width, width, 1
        return 1, height * width * channels, width * channels, channels

    @property
    def origin(self):
        """Floats before the first cell inside the halo."""
        return sum(halo * stride for halo, stride in zip(self.halo, self.strides[1:]))


def plan(operations, output, along_rows, size):
    """({name: Buffer}, floats of scratch memory). along_rows: names of the convolutions that work along a row. size: cells of
    the input along each axis.

    The input and the logits are the caller's; a buffer whose tensor nobody reads any more makes room for the next ones.
    """
    buffers = {INPUT: Buffer((1, *size), place=INPUT)} | {one.name: Buffer(one.shape) for one in operations}
    for operation in operations:
        for name in operation.inputs if operation.kind == "convolution" else ():
            buffer, padding = buffers[name], operation.settings["padding"]
            buffer.halo = tuple(max(pair) for pair in zip(buffer.halo, padding))
            buffer.planar = buffer.planar or operation.name in along_rows or buffer.shape[0] == 1
    return buffers, _place(operations, output, buffers)


def reads(operation):
    return [*operation.inputs, *operation.settings.get("residual", [])]


def _place(operations, output, buffers):
    """Gives every buffer its place, first fit over the spans in which the tensors are needed; returns the floats taken."""
    last = {name: step for step, one in enumerate(operations) for name in [one.name, *reads(one)]}
    taken, most = [], 0

    def place(floats, until):
        begin = _first_gap(taken, _rounded(floats))
        taken.append((begin, begin + _rounded(floats), until))
        return begin

    for step, operation in enumerate(operations):
        taken = [one for one in taken if one[2] >= step]
        buffer = buffers[operation.name]
        buffer.place = "logits" if operation.name == output else f"scratch + {place(buffer.floats, last[operation.name])}"
        if operation.kind == "pool":
            buffer.row = place(row_floats(buffers[operation.inputs[0]]), step)
        most = max([most, *(end for _, end, _ in taken)])
    return most + SLACK


def row_floats(source):
    """Floats of the row that a pool gathers first: what a window holds of each cell along the width."""
    return source.shape[3] * (1 if source.planar else source.shape[0])


def _first_gap(spans, size):
    begin = 0
    for start, end, _ in sorted(spans):
        if begin + size <= start:
            break
        begin = max(begin, end)
    return begin


def _rounded(floats):
    return -(-floats // ROUNDED) * ROUNDED
