"""Small 3D networks, each with what a family of public networks is made of."""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import prune
from torch.nn.utils.parametrizations import spectral_norm


def conv(inputs, filters, kernel=3, stride=1, groups=1):
    return nn.Conv3d(inputs, filters, kernel, stride, kernel // 2, groups=groups, bias=False)


class Frame(nn.Module):
    """A stem of 8 filters, what a subclass makes of it, a last convolution, pooling and the output layer."""

    width = 8

    def __init__(self, resolution, classes):
        super().__init__()
        self.stem, self.norm = conv(1, 8, 3, 2), nn.BatchNorm3d(8)
        self.make()
        self.last, self.fc = conv(self.width, 6), nn.Linear(6, classes)

    def forward(self, x):
        x = self.middle(functional.relu(self.norm(self.stem(x))))
        return self.fc(functional.relu(self.last(x)).mean(dim=(2, 3, 4)))


class Factored(Frame):
    """R(2+1)D (Tran et al. 2018): space, then depth, with a shortcut."""

    def make(self):
        self.space, self.depth = nn.Conv3d(8, 9, (1, 3, 3), padding=(0, 1, 1)), nn.Conv3d(9, 8, (3, 1, 1), padding=(1, 0, 0))

    def middle(self, x):
        return functional.relu(x + self.depth(functional.relu(self.space(x))))


class SplitShuffle(Frame):
    """ShuffleNetV2 (Ma et al. 2018): half of the channels pass, the other half is convolved, both are shuffled."""

    def make(self):
        self.one, self.deep, self.two = conv(4, 4, 1), conv(4, 4, 3, 1, 4), conv(4, 4, 1)

    def middle(self, x):
        passed, convolved = x.chunk(2, dim=1)
        x = torch.cat([passed, functional.relu(self.two(self.deep(functional.relu(self.one(convolved)))))], 1)
        n, c, *space = x.shape
        return x.view(n, 2, c // 2, *space).transpose(1, 2).reshape(n, c, *space)


class PairShuffle(Frame):
    """The shuffle that takes channels in pairs: every other one passes."""

    def make(self):
        self.one = conv(4, 4)

    def middle(self, x):
        n, c, *space = x.shape
        pairs = x.reshape(n, c // 2, 2, *space)
        return torch.cat([pairs[:, :, 0], functional.relu(self.one(pairs[:, :, 1]))], 1)


class Hierarchical(Frame):
    """Res2Net (Gao et al. 2019): parts of the channels convolved one after the other."""

    def make(self):
        self.parts = nn.ModuleList(conv(2, 2) for _ in range(3))

    def middle(self, x):
        first, *others = x.chunk(4, 1)
        made, before = [first], 0
        for part, layer in zip(others, self.parts):
            before = functional.relu(layer(part + before))
            made.append(before)
        return torch.cat(made, 1) + x


class Inception(Frame):
    """VRN (Brock et al. 2016): branches concatenated and added to what they came from."""

    def make(self):
        self.left, self.right = nn.Sequential(conv(8, 3), nn.BatchNorm3d(3)), nn.Sequential(conv(8, 5, 1), nn.BatchNorm3d(5))

    def middle(self, x):
        return functional.elu(torch.cat([self.left(x), self.right(x)], 1) + x)


class UNet(Frame):
    """U-Net (Cicek et al. 2016): down, up by a transposed convolution, concatenated with what was there before."""

    width = 16

    def make(self):
        self.down, self.up = conv(8, 10), nn.ConvTranspose3d(10, 8, 2, 2)

    def middle(self, x):
        return torch.cat([x, self.up(functional.relu(self.down(functional.max_pool3d(x, (2, 2, 2)))))], 1)


class SpatialAttention(Frame):
    """CBAM (Woo et al. 2018): one map over space out of the mean and the maximum over channels."""

    def make(self):
        self.before, self.map = conv(8, 8), conv(2, 1, 7)

    def middle(self, x):
        x = functional.relu(self.before(x))
        return x * torch.sigmoid(self.map(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)))


class NeighbourAttention(Frame):
    """ECA (Wang et al. 2020): a convolution that goes over channels as over space."""

    def make(self):
        self.over = nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def middle(self, x):
        gate = self.over(x.mean(dim=(2, 3, 4))[:, None]).transpose(1, 2)
        return x * torch.sigmoid(gate)[..., None, None]


class NonLocal(Frame):
    """Non-local block (Wang et al. 2018): attention between cells."""

    def make(self):
        self.q, self.k, self.v, self.out = conv(8, 4, 1), conv(8, 4, 1), conv(8, 4, 1), conv(4, 8, 1)

    def middle(self, x):
        q, k, v = (one(x).flatten(2) for one in (self.q, self.k, self.v))
        mixed = v @ torch.softmax(q.transpose(1, 2) @ k, dim=-1).transpose(1, 2)
        return x + self.out(mixed.view(len(x), -1, *x.shape[2:]))


class Window(Frame):
    """Swin (Liu et al. 2021): LayerNorm over channels last, a two-layer perceptron with GELU."""

    def make(self):
        self.layer_norm, self.mlp = nn.LayerNorm(8), nn.Sequential(nn.Linear(8, 12), nn.GELU(), nn.Linear(12, 8))

    def middle(self, x):
        x = x.permute(0, 2, 3, 4, 1)
        return (x + self.mlp(self.layer_norm(x))).permute(0, 4, 1, 2, 3)


class PaddedShortcut(Frame):
    """ResNet's shortcut without weights: zeros for the channels that are missing, their number written down."""

    width = 12

    def make(self):
        self.wider = conv(8, 12)

    def middle(self, x):
        return functional.relu(self.wider(x) + functional.pad(x, (0, 0, 0, 0, 0, 0, 2, 2)))


class PixelShuffle(Frame):
    """Channels become space: 8 channels to one of twice the edge."""

    width = 2

    def make(self):
        self.many = conv(8, 16)

    def middle(self, x):
        x = self.many(x)
        n, c, d, h, w = x.shape
        x = x.view(n, c // 8, 2, 2, 2, d, h, w).permute(0, 1, 5, 2, 6, 3, 7, 4)
        return functional.relu(x.reshape(n, c // 8, 2 * d, 2 * h, 2 * w))


class WrittenInto(Frame):
    """Circular padding, and halves written into a tensor that forward makes."""

    def make(self):
        self.round = nn.Conv3d(8, 8, 3, padding=1, padding_mode="circular")

    def middle(self, x):
        x = functional.relu(self.round(x))
        whole, half = torch.empty_like(x), x.shape[1] // 2
        whole[:, :half], whole[:, half:] = x[:, half:], x[:, :half]
        return whole


class Maxout(Frame):
    """The larger of two halves, by a view with the number of halves written down."""

    width = 4

    def make(self):
        self.scale = nn.Parameter(torch.rand(8, 1, 1, 1))

    def middle(self, x):
        x = x * self.scale
        return x.view(len(x), 2, -1, *x.shape[2:]).amax(dim=1)


class Tied(Frame):
    """One weight in two layers, one layer under two names, norms without parameters, depth multiplier 2."""

    width = 16

    def make(self):
        self.one, self.other = conv(8, 8), conv(8, 8)
        self.other.weight, self.again = self.one.weight, self.one
        self.plain, self.deep = nn.InstanceNorm3d(8, affine=True), nn.Conv3d(8, 16, 3, padding=1, groups=8)
        self.batch = nn.BatchNorm3d(16, affine=False)

    def middle(self, x):
        x = self.plain(self.again(torch.relu(self.other(self.one(x)))))
        return torch.sigmoid(self.batch(self.deep(x)))


class WrittenDown(Frame):
    """`x.view(-1, n)` with n written down."""

    def make(self):
        self.inner = nn.Linear(8, 8, bias=False)

    def middle(self, x):
        return x * self.inner(x.mean(dim=(2, 3, 4)).view(-1, 8)).view(-1, 8, 1, 1, 1)


class Standard(nn.Conv3d):
    """Weight standardisation (Qiao et al. 2019)."""

    def forward(self, x):
        return functional.conv3d(x, self.weight - self.weight.mean(dim=(1, 2, 3, 4), keepdim=True), None, 1, 1)


class Standardised(Frame):
    def make(self):
        self.inner = Standard(8, 8, 3)

    def middle(self, x):
        return functional.relu(self.inner(x))


class Viewed(nn.Module):
    """VoxNet as it is often written: `x.view(x.size(0), -1)`, BatchNorm over single cells, `x.float()`."""

    def __init__(self, resolution, classes):
        super().__init__()
        self.a, self.b = nn.Conv3d(1, 6, 3, 2, 1), nn.Conv3d(6, 8, 3, 2, 1)
        self.norm, self.fc = nn.BatchNorm1d(8 * (resolution // 4) ** 3), nn.Linear(8 * (resolution // 4) ** 3, classes)

    def forward(self, x):
        x = functional.softplus(self.b(functional.leaky_relu(self.a(x.float()))))
        return self.fc(self.norm(x.view(x.size(0), -1)))


class Counted(Frame):
    """The number of objects as a plain number, as ShuffleNets read it; a weight that a parametrization computes."""

    def make(self):
        self.stem, self.inner = spectral_norm(self.stem), conv(8, 8)

    def middle(self, x):
        x = self.inner(x)
        objects, channels, *sizes = x.data.size()
        x = x.view(objects, 2, channels // 2, *sizes).transpose(1, 2).reshape(int(len(x)), -1)
        return x.view(objects, channels, *sizes)


PRUNED = {  # {network: (convolutions that lose filters, of how many)}
    "Factored": (4, 4), "SplitShuffle": (5, 5), "PairShuffle": (3, 3), "Hierarchical": (5, 5), "Inception": (4, 4),
    "UNet": (3, 3), "SpatialAttention": (2, 4), "NeighbourAttention": (1, 2), "NonLocal": (3, 6), "Window": (1, 2),
    "PaddedShortcut": (3, 3), "PixelShuffle": (3, 3), "WrittenInto": (3, 3), "Maxout": (2, 2), "Tied": (5, 5),
    "WrittenDown": (1, 2), "Standardised": (1, 3), "Viewed": (2, 2), "Counted": (2, 3),
}  # fmt: skip


class NumberOfClasses(nn.Module):
    def __init__(self, classes):
        super().__init__()


class Same(Frame):
    def make(self):
        pass

    def middle(self, x):
        return x


class ThreeChannels(Same):
    def make(self):
        self.stem = conv(3, 8)


class Pair(Same):
    def forward(self, x):
        return super().forward(x), x


class OnlyWhileTraining(Same):
    def forward(self, x):
        return (super().forward(x), x) if self.training else super().forward(x)


class TooWide(Same):
    def __init__(self, resolution, classes):
        super().__init__(resolution, 7)


class NotANumber(Same):
    def forward(self, x):
        return super().forward(x) * float("nan")


class Hooked(Same):
    def make(self):
        prune.l1_unstructured(self.stem, "weight", 0.5)


class OneObject(Same):
    """Works for one object and while training, else not."""

    def forward(self, x):
        x = self.stem(x).mean(dim=(2, 3, 4))
        return self.fc(x[:, :6] if self.training or len(x) == 1 else x)


class NoConvolution(nn.Module):
    def __init__(self, resolution, classes):
        super().__init__()
        self.fc = nn.Linear(resolution**3, classes)

    def forward(self, x):
        return self.fc(x.flatten(1))


class Head(nn.Module):
    def __init__(self, resolution, classes):
        super().__init__()
        self.a = conv(1, classes)

    def forward(self, x):
        return self.a(x).mean(dim=(2, 3, 4))
