"""Operations joined so that each tensor is written once: what follows a convolution is done while its sums are at hand."""

import numpy as np

FUSED_ACTIVATIONS = ("relu", "leaky_relu")
WITH_ACTIVATION = ("convolution", "affine", "binary")


def fuse(operations, output):
    """(operations, output) of the same function with fewer operations.

    A BatchNorm becomes part of the convolution before it, a sum and a ReLU behind a convolution part of it (settings
    `residual`), and Flatten -> Linear a convolution as large as what it reads.
    """
    for step in (_fold_affine, _fuse_sum, _fuse_activation, _widen_linear):
        operations, output = _everywhere(step, operations, output)
    return operations, output


def _everywhere(step, operations, output):
    """Applies a step to every operation and each one that it reads, where nothing else reads that one.

    step(before, after): whether `after` was joined into `before`, which then stands in its place.
    """
    kept = []
    for after in operations:
        candidates = [one for one in reversed(kept) if one.name in after.inputs and one.name != output]
        alone = [one for one in candidates if sum(_reads(reader, one) for reader in operations) == 1]
        before = next((one for one in alone if step(one, after)), None)
        if before:
            kept.remove(before)
            before.name, before.shape = after.name, after.shape
        kept.append(before or after)  # it runs when all that it reads now has been computed
    return kept, output


def _reads(operation, before):
    return (operation.inputs + operation.settings.get("residual", [])).count(before.name)


def _fold_affine(before, after):
    if before.kind != "convolution" or after.kind != "affine":
        return False
    scale, shift = after.settings["scale"], after.settings["shift"]
    before.settings["weight"] = before.settings["weight"] * scale[:, None, None, None, None]
    before.settings["bias"] = before.settings["bias"] * scale + shift
    return True


def _fuse_sum(before, after):
    if before.kind != "convolution" or after.kind != "binary" or after.settings["symbol"] != "+":
        return False
    others = [name for name in after.inputs if name != before.name]
    if len(others) != 1 or "residual" in before.settings or not after.settings["equal"]:
        return False
    before.settings["residual"] = others
    return True


def _fuse_activation(before, after):
    if before.kind not in WITH_ACTIVATION or after.kind != "activation" or before.activation:
        return False
    if after.settings["activation"][0] not in FUSED_ACTIVATIONS:
        return False
    before.activation = after.settings["activation"]
    return True


def _widen_linear(before, after):
    if before.kind != "flatten" or after.kind != "convolution" or after.shape[1:] != (1, 1, 1):
        return False
    weight = after.settings["weight"]
    channels, *size = before.settings["shape"]
    before.kind, before.settings, before.activation = "convolution", dict(after.settings), after.activation
    before.settings["weight"] = np.ascontiguousarray(weight.reshape(len(weight), channels, *size))
    return True
