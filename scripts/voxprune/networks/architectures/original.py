"""The original study's network."""

from torch import nn
from torch.nn import functional

FEWEST_FILTERS = 16  # of the smallest layer
BATCHNORM = False


class Network(nn.Module):
    """The original study's network (shared by its two notebooks), at any resolution that is a multiple of 4.

    Input (n, 1, R, R, R), output logits (n, classes). At R = 100 and 10 classes it has 64,015,722 parameters.
    """

    def __init__(self, resolution, classes):
        super().__init__()
        self.pool1 = nn.MaxPool3d(2)
        self.conv1 = nn.Conv3d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv3d(16, 32, 3, padding=1)
        self.pool2 = nn.MaxPool3d(2)
        self.fc1 = nn.Linear(32 * (resolution // 4) ** 3, 128)
        self.fc2 = nn.Linear(128, classes)

    def forward(self, x):
        x = functional.relu(self.conv1(self.pool1(x)))
        x = self.pool2(functional.relu(self.conv2(x)))
        return self.fc2(functional.relu(self.fc1(x.flatten(1))))
