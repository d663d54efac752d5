"""Distillation: the loss is its definition, the teacher sees what the student sees and is left alone, training stays repeatable."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from msgspec.structs import replace as with_settings
from torch.nn.functional import cross_entropy

import nets
from voxprune.networks import build
from voxprune.pruning.prune import prune
from voxprune.pruning.scoring import Sample
from voxprune.settings.method import Method
from voxprune.settings.training import Augmentation, Recipe
from voxprune.training.distillation import Teacher, soft_loss
from voxprune.training.fit import fit
from voxprune.training.job import Job
from voxprune.training.retrain import retrain
from voxprune.voxels.dataset import Voxels, unpack
from voxprune.voxels.voxelize import pack

RECIPE = Recipe(epochs=3, batch_size=8, optimiser="sgd", learning_rate=0.02, weight_decay=0.0, validation_share=0.0)
VARIED = Augmentation(10, 0.5, 10, 1, 0.2)
FILTERS, WEIGHTS = Method("filter", "l1", "layer", "remove"), Method("weight", "l1", "layer", "mask")


@pytest.fixture
def job(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(20) % 3
    grids = rng.random((20, 16, 16, 16)) < (0.1 + 0.3 * labels)[:, None, None, None]
    voxels = Voxels(torch.from_numpy(pack(grids)), torch.from_numpy(labels), np.array(["x"] * 20), 16)
    return Job(voxels, voxels.subset(torch.arange(0)), 0, tmp_path / "state", "x", lambda line: None)


def taught_by(job, network, weight=0.5, temperature=2.0):
    return replace(job, teacher=Teacher(network, temperature, weight))


def pruned(method, name="voxnet"):
    return prune(nets.build(name), method, 50, Sample(torch.ones(2, 1, 16, 16, 16), torch.tensor([0, 1]), 0))[0]


def softmax(row, temperature):
    powers = [math.exp(value / temperature) for value in row]
    return [power / sum(powers) for power in powers]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_the_soft_loss_is_its_definition(temperature):
    """T^2 x sum of p log(p / q) over classes, mean over objects; its gradient is T (q - p) / n (Hinton et al. 2015)."""
    logits, taught = torch.randn(5, 3, requires_grad=True), torch.randn(5, 3)
    loss = soft_loss(logits, taught, temperature)
    loss.backward()
    expected = 0.0
    for number, (row, teachers) in enumerate(zip(logits.tolist(), taught.tolist())):
        ours, theirs = softmax(row, temperature), softmax(teachers, temperature)
        expected += temperature**2 * sum(p * math.log(p / q) for p, q in zip(theirs, ours)) / 5
        slopes = [temperature * (q - p) / 5 for p, q in zip(theirs, ours)]
        assert logits.grad[number].tolist() == pytest.approx(slopes, abs=1e-6)
    assert float(loss.detach()) == pytest.approx(expected, abs=1e-6)
    assert float(soft_loss(taught + 3, taught, temperature)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("weight, temperature", [(0.25, 2.0), (1.0, 4.0)])
def test_a_step_follows_both_losses_by_their_weights(job, weight, temperature):
    """One batch of all objects, without momentum: the weights move by the learning rate x the gradient of the weighted sum."""
    recipe = with_settings(RECIPE, epochs=1, batch_size=20, momentum=0.0, logit_adjustment=1.0, schedule="constant")
    network, twin, teacher = (nets.build("original", seed=seed) for seed in (0, 0, 1))
    (row,) = fit(network, recipe, taught_by(job, teacher, weight, temperature))
    inputs, labels = unpack(job.voxels.packed, 16), job.voxels.labels
    logits, shares = twin(inputs), torch.bincount(labels) / 20
    loss = (1 - weight) * cross_entropy(logits + shares.log(), labels)  # the labels' part alone is adjusted
    loss = loss + weight * soft_loss(logits, teacher(inputs).detach(), temperature)
    loss.backward()
    assert row["train_loss"] == pytest.approx(float(loss.detach()), abs=1e-5)
    for one, other in zip(network.parameters(), twin.parameters()):
        assert torch.allclose(one, other - recipe.learning_rate * other.grad, atol=1e-6)


def seen_by(network):
    """What a network is given while it is trained, batch by batch."""
    seen = []

    def note(layer, inputs):
        if layer.training and inputs[0].any():  # the memory format is tried out with empty grids
            seen.append(inputs[0].clone())

    network.register_forward_pre_hook(note)
    return seen


def test_the_teacher_sees_what_the_student_sees_once_a_batch_and_is_left_alone(job):
    student, teacher = nets.build("voxnet"), nets.build("voxnet", seed=1)
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    seen, shown, modes = seen_by(student), [], set()

    def note(layer, inputs):
        shown.append(inputs[0].clone())
        modes.add((layer.training, torch.is_inference_mode_enabled()))

    teacher.register_forward_pre_hook(note)
    fit(student, with_settings(RECIPE, augmentation=VARIED), taught_by(job, teacher))
    assert len(shown) == len(seen) == 3 * 3 and all(torch.equal(one, other) for one, other in zip(shown, seen))
    assert modes == {(False, True)} and all(parameter.grad is None for parameter in teacher.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in teacher.state_dict().items())


def test_a_teacher_changes_no_draw(job):
    """Order, augmentation, mixing and dropout are those of the same training without a teacher."""
    draws = []
    for one in (job, replace(taught_by(job, nets.build("voxnet", seed=1)), fingerprint="y")):
        student = nets.build("voxnet")
        draws.append(seen_by(student))
        torch.manual_seed(0)
        fit(student, with_settings(RECIPE, augmentation=VARIED), one)
        draws[-1].append(torch.rand(3))
    assert all(torch.equal(one, other) for one, other in zip(*draws, strict=True))


def test_without_labels_a_student_becomes_its_teacher(job):
    student, teacher = nets.build("original"), nets.build("original", seed=1)
    recipe = with_settings(RECIPE, epochs=8, optimiser="adam", learning_rate=0.002)
    fit(teacher, recipe, replace(job, fingerprint="y"))
    inputs, wrong = unpack(job.voxels.packed, 16), replace(job.voxels, labels=(job.voxels.labels + 1) % 3)
    apart = soft_loss(student(inputs), teacher(inputs), 1.0)
    fit(student, recipe, replace(taught_by(job, teacher, 1.0), voxels=wrong))
    assert soft_loss(student(inputs), teacher(inputs), 1.0) < apart / 20


@pytest.mark.parametrize("kind, method, more", [
    ("finetune", FILTERS, {}),
    ("finetune", WEIGHTS, {"precision": "bfloat16"}),
    ("rewind", WEIGHTS, {"average_decay": 0.9, "augmentation": VARIED}),
    ("scratch", FILTERS, {"average_decay": 0.9, "augmentation": VARIED}),
])  # fmt: skip
def test_every_kind_learns_from_a_teacher_keeps_zeros_and_is_resumed_to_the_same_bits(job, kind, method, more):
    recipe, teacher = with_settings(RECIPE, **more), nets.build("voxnet", seed=1)
    plan = with_settings(method, retrain=kind, epochs=2)

    def run(job):
        network = pruned(plan)
        zeros = {name: layer.weight == 0 for name, layer in build.convolutions(network).items()}
        torch.manual_seed(0)
        retrain(network, plan, recipe, job)
        job.state_path.unlink()
        if method is WEIGHTS:
            for name, layer in build.convolutions(network).items():
                assert zeros[name].any() and torch.equal(layer.weight == 0, zeros[name])
        return list(network.state_dict().values())

    def interrupt(line):
        raise KeyboardInterrupt

    taught, lines = taught_by(job, teacher), []
    whole, alone = run(taught), run(job)
    with pytest.raises(KeyboardInterrupt):
        run(replace(taught, report=interrupt))
    again = run(replace(taught, report=lines.append))
    assert lines[0] == "resumed after epoch 1" and all(map(torch.equal, whole, again))
    assert not all(map(torch.equal, whole, alone))
