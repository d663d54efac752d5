"""VoxNet."""

from torch import nn
from torch.nn import functional

FEWEST_FILTERS = 32  # of the smallest layer
BATCHNORM = True


class Network(nn.Module):
    """VoxNet (Maturana and Scherer 2015) with BatchNorm after each convolution, as its reproductions have it.

    Input (n, 1, R, R, R), output logits (n, classes). At R = 32 and 10 classes it has 0.92 million parameters, 96 % of
    them in fc1.
    """

    def __init__(self, resolution, classes):
        super().__init__()
        side = ((resolution - 5) // 2 + 1 - 2) // 2
        self.conv1 = nn.Conv3d(1, 32, 5, stride=2)
        self.norm1 = nn.BatchNorm3d(32)
        self.conv2 = nn.Conv3d(32, 32, 3)
        self.norm2 = nn.BatchNorm3d(32)
        self.pool = nn.MaxPool3d(2)
        self.fc1 = nn.Linear(32 * side**3, 128)
        self.fc2 = nn.Linear(128, classes)
        self.drop1, self.drop2, self.drop3 = nn.Dropout(0.2), nn.Dropout(0.3), nn.Dropout(0.4)

    def forward(self, x):
        x = self.drop1(functional.leaky_relu(self.norm1(self.conv1(x)), 0.1))
        x = self.drop2(self.pool(functional.leaky_relu(self.norm2(self.conv2(x)), 0.1)))
        return self.fc2(self.drop3(functional.relu(self.fc1(x.flatten(1)))))
