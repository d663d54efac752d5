"""What each of torch's operations does to channels: the rules that `tracing.py` follows, and what holds without one.

A rule is a function of (trace, call). It gives the output its labels, ties channels that can only go together, and pins
those that can't go. An operation without a rule pins what flows in.
"""

from collections.abc import Callable

from voxprune.pruning.tracing import Call, Trace, Weight

RULES: dict[str, Callable] = {}


def rule(*names: str) -> Callable:
    """Registers a function as the rule of some ATen operations; an in-place variant (`name_`) follows the same."""

    def register(function):
        RULES.update(dict.fromkeys(names, function) | {f"{name}_": function for name in names})
        return function

    return register


def unknown(trace: Trace, call: Call) -> None:
    """What flows in can't be removed; nor can what is tied to what comes out."""
    inputs = [labels for labels in map(trace.labels, call.tensors()) if labels is not None and labels.any()]
    why = f"goes through {call.operation.overloadpacket.__name__}, whose effect on single channels isn't known,"
    for labels in inputs:
        trace.pin(labels, why)
    weights = [weight for weight in map(trace.weight, call.tensors()) if weight]
    for output in call.outputs():
        if inputs and output.is_floating_point():
            trace.label(output, trace.units.fresh(1).view((1,) * output.dim()).expand(output.shape))
            trace.pin(trace.labels(output), why)
        elif weights:
            trace.set_weight(output, Weight(weights[0].name, (None,) * output.dim()))
