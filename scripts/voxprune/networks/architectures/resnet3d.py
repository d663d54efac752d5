"""A small residual network."""

from torch import nn
from torch.nn import functional

FEWEST_FILTERS = 16  # of the smallest layer
BATCHNORM = True


class Residual(nn.Module):
    """Two 3x3x3 convolutions with BatchNorm around a shortcut (He et al. 2016, basic block, in 3D)."""

    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.conv1 = nn.Conv3d(inputs, filters, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm3d(filters)
        self.conv2 = nn.Conv3d(filters, filters, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm3d(filters)
        self.shortcut = None
        if stride != 1 or inputs != filters:
            self.shortcut = nn.Sequential(nn.Conv3d(inputs, filters, 1, stride, bias=False), nn.BatchNorm3d(filters))

    def forward(self, x):
        out = self.norm2(self.conv2(functional.relu(self.norm1(self.conv1(x)))))
        return functional.relu(out + (x if self.shortcut is None else self.shortcut(x)))


class Network(nn.Module):
    """A small residual network, 16-32-64 filters, global average pooling: 0.23 million parameters, 99 % in convolutions.

    Input (n, 1, R, R, R), output logits (n, classes).
    """

    def __init__(self, resolution, classes):
        super().__init__()
        self.stem = nn.Conv3d(1, 16, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm3d(16)
        self.block1 = Residual(16, 16, 1)
        self.block2 = Residual(16, 32, 2)
        self.block3 = Residual(32, 64, 2)
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        x = self.block1(functional.relu(self.norm(self.stem(x))))
        return self.fc(self.block3(self.block2(x)).mean(dim=(2, 3, 4)))
