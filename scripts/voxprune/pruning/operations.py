"""Finds the rule of an operation, in all files of rules."""

import torch

from voxprune.pruning import rules, rules_elements, rules_layers, rules_shapes
from voxprune.pruning.tracing import Call, Trace

__all__ = ["follow", "rules_shapes"]  # importing a file of rules registers them


def follow(trace: Trace, call: Call) -> None:
    """Applies the rule of an operation."""
    name = call.operation.overloadpacket.__name__
    if name in rules.RULES:
        rules.RULES[name](trace, call)
    elif torch.Tag.pointwise in call.operation.tags:
        rules_elements.elementwise(trace, call)
    elif torch.Tag.reduction in call.operation.tags:
        rules_layers.reduced(trace, call)
    elif any(word in name for word in ("pool", "upsample", "grid_sampler", "_pad")):
        rules_layers.channelwise(trace, call)
    else:
        rules.unknown(trace, call)
