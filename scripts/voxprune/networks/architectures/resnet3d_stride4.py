"""The small residual network with a stem that takes steps of four cells."""

from torch import nn

from voxprune.networks.architectures import resnet3d

FEWEST_FILTERS = 16  # of the smallest layer
BATCHNORM = True


class Network(resnet3d.Network):
    """`resnet3d` whose first convolution is 5x5x5 with stride 4 instead of 3x3x3 with stride 2.

    At 32^3 everything behind the stem is as large as `resnet3d`'s at 16^3: the detail of 32^3 for 12 instead of 91 million MACs.
    Input (n, 1, R, R, R), output logits (n, classes).
    """

    def __init__(self, resolution, classes):
        super().__init__(resolution, classes)
        self.stem = nn.Conv3d(1, 16, 5, stride=4, padding=2, bias=False)
