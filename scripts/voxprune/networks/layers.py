"""Layers that still work when pruning has left nothing of them or before them."""

from torch import nn


class Conv3d(nn.Conv3d):
    """nn.Conv3d that still works when pruning has left it no inputs (its output is its bias) or no filters (empty)."""

    def forward(self, x):
        if self.in_channels and self.out_channels:
            return super().forward(x)
        size = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in zip(
            x.shape[2:], self.padding, self.dilation, self.kernel_size, self.stride)]  # fmt: skip
        bias = x.new_zeros(self.out_channels) if self.bias is None else self.bias
        return bias.view(1, -1, 1, 1, 1).expand(len(x), -1, *size)


class MaxPool3d(nn.MaxPool3d):
    """nn.MaxPool3d that also takes inputs without channels."""

    def forward(self, x):
        if x.shape[1]:
            return super().forward(x)
        return x.new_zeros(len(x), 0, *(n // self.kernel_size for n in x.shape[2:]))


class BatchNorm3d(nn.BatchNorm3d):
    """nn.BatchNorm3d that also takes inputs without channels."""

    def forward(self, x):
        return super().forward(x) if x.shape[1] else x


TOLERANT = {nn.Conv3d: Conv3d, nn.MaxPool3d: MaxPool3d, nn.BatchNorm3d: BatchNorm3d}


def tolerate_empty(network):
    """Lets the layers of any network work with nothing left of them or before them; changes no result otherwise."""
    for layer in network.modules():
        layer.__class__ = TOLERANT.get(type(layer), type(layer))
    return network
