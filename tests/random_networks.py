"""Networks drawn at random: what hangs together in them is as tangled as chance makes it."""

import torch
from torch import nn
from torch.nn import functional

from voxprune.networks.build import widths

RESOLUTION, CLASSES = 4, ["a", "b", "c"]
STEPS = ("convolution", "depthwise", "grouped", "norm", "relu", "add", "concatenate", "halves", "gate", "stride", "shuffle",
         "pool", "scale")  # fmt: skip
CONVOLUTIONS = ("convolution", "depthwise", "grouped")
ENDS = ("mean", "flatten", "flatten and norm", "pool and norm")


class RandomNetwork(nn.Module):
    """A directed graph of layers. steps: [(name of STEPS, number)], the number choosing which earlier results a step
    takes and how many channels it makes; end: one of ENDS. The input is added to nothing: no filter that is set to zero
    silences it, so removal would equal zeroing what is read but not zeroing what is written.
    """

    def __init__(self, steps, end):
        super().__init__()
        self.steps, self.end, self.layers, channels = [], end, nn.ModuleList(), [1]
        computed = [False]  # of each result, whether a convolution has a part in it
        for name, number in [("convolution", 3), *steps]:
            place = -1 - number % min(3, len(channels))
            taken = channels[place]
            name = "pool" if taken % 2 and name in ("grouped", "halves", "gate", "stride", "shuffle") else name
            name = "pool" if name == "shuffle" and taken < 4 else name  # two blocks of one channel look like no blocks
            addable = taken == channels[-1] and computed[place] == computed[-1]
            name = "pool" if name == "add" and not addable else name
            self.steps.append((name, number))
            layer, made = self.layer(name, number, taken, channels)
            self.layers.append(layer)
            channels.append(made)
            computed.append(computed[place] or name in CONVOLUTIONS or (name == "concatenate" and computed[-1]))
        features = channels[-1] * (RESOLUTION**3 if "flatten" in end else 1)
        self.norm = nn.BatchNorm1d(features) if "norm" in end else nn.Identity()
        self.fc = nn.Linear(features, len(CLASSES))

    def layer(self, name, number, taken, channels):
        made = {"convolution": 2 + number % 5, "grouped": 2 * (1 + number % 3), "depthwise": taken * (1 + number % 2)}.get(
            name, taken
        )
        if name == "convolution":
            return nn.Conv3d(taken, made, 3, padding=1, bias=number % 2 == 0), made
        if name in CONVOLUTIONS:
            return nn.Conv3d(taken, made, 1, groups=taken if name == "depthwise" else 2), made
        if name == "norm":
            return nn.BatchNorm3d(taken), taken
        if name == "scale":
            return nn.ParameterList([torch.rand(1, taken, 1, 1, 1)]), taken
        if name == "concatenate":
            return nn.Identity(), taken + channels[-1]
        if name in ("halves", "gate", "stride"):
            return nn.Identity(), taken // 2
        return nn.Identity(), taken

    def forward(self, x):
        results = [x]
        for (name, number), layer in zip(self.steps, self.layers):
            taken = results[-1 - number % min(3, len(results))]
            results.append(step(name, layer, taken, results[-1]))
        x = results[-1].flatten(1) if "flatten" in self.end else results[-1].mean(dim=(2, 3, 4))
        return self.fc(self.norm(x))


def step(name, layer, x, last):
    if name == "add":
        return x + last
    if name == "concatenate":
        return torch.cat([x, last], 1)
    if name == "scale":
        return x * layer[0]
    if name in ("halves", "gate"):
        one, other = x.chunk(2, 1)
        return one + other if name == "halves" else one * other
    if name == "stride":
        return x[:, ::2]
    if name == "shuffle":
        return x.unflatten(1, (2, x.shape[1] // 2)).transpose(1, 2).flatten(1, 2)
    if name == "pool":
        return functional.avg_pool3d(x, 3, 1, 1)
    return functional.relu(layer(x)) if name == "relu" else layer(x)


def build(steps, end, seed=0):
    """Such a network in evaluation, with BatchNorms as after training and no shift that reaches over a removed channel."""
    torch.manual_seed(seed)
    network = RandomNetwork(steps, end).eval()
    for layer in network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            nn.init.normal_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 0.5, 2.0)
            nn.init.uniform_(layer.weight, 0.3, 2.0)
            nn.init.normal_(layer.bias)
    network.description = {"network": "random", "resolution": RESOLUTION, "classes": CLASSES, "widths": widths(network)}
    return network
