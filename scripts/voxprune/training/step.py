"""One step of training: forward, loss, backward, optimiser; on a GPU replayed as a CUDA graph."""

from collections import Counter

import torch
from torch.nn.functional import cross_entropy

from voxprune.core.registry import choices
from voxprune.settings.network import NETWORKS

EAGER_CALLS = 3  # of each shape before its graph: what CUDA and the optimiser set up once mustn't be in it


def optimiser_of(network, recipe):
    """The recipe's optimiser of all parameters. On a GPU its learning rate is a tensor, which a CUDA graph reads anew."""
    parameters = list(network.parameters())
    on_gpu = parameters[0].is_cuda
    shared = {
        "lr": torch.tensor(recipe.learning_rate, device=parameters[0].device) if on_gpu else recipe.learning_rate,
        "weight_decay": recipe.weight_decay,
        "fused": on_gpu or None,
    }
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(parameters, momentum=recipe.momentum, **shared)
    return torch.optim.AdamW(parameters, capturable=on_gpu, **shared)


def _set_rate(optimiser, rate):
    for group in optimiser.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def training_step(network, optimiser, recipe, job):
    """A function of (learning rate, inputs float32 (n, 1, R, R, R), labels int64 (n,) or shares of classes (n, classes)) that takes
    one step.

    It returns the mean loss of the batch, detached. On a GPU a built-in network's step is one CUDA graph: the GPU works
    through its few hundred small kernels without waiting for Python. A network of the user's own may decide something in
    Python, which a graph would repeat for ever, so its steps stay as they are.
    """
    device, teacher = job.voxels.packed.device, job.teacher
    adjustment = _adjustment(job.voxels.labels, len(network.description["classes"]), recipe.logit_adjustment)
    for group in optimiser.param_groups:  # a resumed one was read into the CPU's memory
        if isinstance(group["lr"], torch.Tensor):
            group["lr"] = group["lr"].to(device)

    def step(inputs, labels):
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            logits = network(inputs)
            taught = teacher.logits(inputs) if teacher else None
        loss = cross_entropy(logits.float() + adjustment, labels, label_smoothing=recipe.label_smoothing)
        if teacher:
            loss = teacher.loss(loss, logits.float(), taught.float())
        loss.backward()
        optimiser.step()
        return loss.detach()

    taken = replayed(step) if device.type == "cuda" and network.description["network"] in choices(NETWORKS) else step

    def step_at(rate, inputs, labels):
        _set_rate(optimiser, rate)
        return taken(inputs, labels)

    return step_at


def replayed(function):
    """A function of CUDA tensors as CUDA graphs, one for each set of shapes, from the fourth call with these shapes on.

    What it returns is overwritten by its next call. It must not read values of tensors into Python (`.item()`).
    """
    graphs, calls, beside = {}, Counter(), torch.cuda.Stream()

    def call(*inputs):
        shapes = tuple(one.shape for one in inputs)
        if calls[shapes] < EAGER_CALLS:
            calls[shapes] += 1
            return _on(beside, function, inputs)
        if shapes not in graphs:
            graphs[shapes] = _captured(function, inputs)
        graph, places, result = graphs[shapes]
        for place, one in zip(places, inputs):
            place.copy_(one)
        graph.replay()
        return result

    return call


def _on(stream, function, inputs):
    """Calls a function on another stream, after what was asked for before and before what is asked for after."""
    current = torch.cuda.current_stream()
    stream.wait_stream(current)
    with torch.cuda.stream(stream):
        result = function(*inputs)
    current.wait_stream(stream)
    return result


def _captured(function, inputs):
    """(graph, the tensors that it reads, what it returns); nothing is computed before the graph is replayed."""
    graph, places = torch.cuda.CUDAGraph(), [one.clone() for one in inputs]
    with torch.cuda.graph(graph):
        result = function(*places)
    return graph, places, result


def _adjustment(labels, classes, strength):
    """What is added to the logits of each class while training, so that rare classes aren't learnt as rare: float32 (classes,).

    strength x log(share of the class's objects), the logit-adjusted loss of Menon et al. 2021: with 1 the network aims at
    the mean accuracy over classes, as if all were as frequent. A class without objects counts as one.
    """
    counts = torch.bincount(labels, minlength=classes).clamp(min=1)
    return strength * (counts / counts.sum()).log()
