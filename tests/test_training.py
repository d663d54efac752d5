"""Training: repeatable to the bit from its seed, resumed to the same result, the best epoch kept, the data learnt."""

import copy
import shutil

import numpy as np
import pytest
import torch
from msgspec.structs import replace

import nets
from voxprune.core.errors import InputError
from voxprune.networks.build import build_network
from voxprune.networks.evaluation import predict
from voxprune.settings.training import Augmentation, Recipe
from voxprune.training import fit as training
from voxprune.training.distillation import Teacher
from voxprune.training.job import Job, continued, fingerprint
from voxprune.training.recalibrate import recalibrate
from voxprune.voxels.dataset import Voxels, split_validation
from voxprune.voxels.voxelize import pack

RECIPE = Recipe(
    epochs=3, batch_size=8, optimiser="sgd", learning_rate=0.05, momentum=0.9, weight_decay=0.0, schedule="cosine", label_smoothing=0.0,
    validation_share=0.25,
)  # fmt: skip


def data(count=40):
    """Two classes that differ in which half of the grid is filled."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    grids = rng.random((count, 8, 8, 8)) < np.where(np.arange(8) < 4, 0.6, 0.1)[::1]
    grids[labels == 1] = grids[labels == 1][..., ::-1]
    files = np.array([f"class{label}/{number}.off" for number, label in enumerate(labels)])
    return Voxels(torch.from_numpy(pack(grids)), torch.from_numpy(labels), files, 8)


def fit(tmp_path, recipe=RECIPE, seed=0, report=lambda line: None, state_of="same"):
    torch.manual_seed(seed)
    network = build_network("original", 8, ["a", "b"])
    rest, validation = split_validation(data(), recipe.validation_share, seed)
    curve = training.fit(network, recipe, Job(rest, validation, seed, tmp_path / "state", state_of, report))
    (tmp_path / "state").unlink()  # as commands do once they have saved the network
    return network, curve


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values()))


def test_a_seed_repeats_to_the_bit_and_another_differs(tmp_path):
    first, curve = fit(tmp_path)
    again, curve_again = fit(tmp_path)
    assert same(first, again)
    assert [row["train_loss"] for row in curve] == [row["train_loss"] for row in curve_again]
    assert not same(first, fit(tmp_path, seed=1)[0])


@pytest.mark.parametrize("more", [{}, {"optimiser": "adam"}, {"average_decay": 0.9}, {"precision": "bfloat16"},
                                  {"logit_adjustment": 1.0}, {"augmentation": Augmentation(10, 0.5, 10, 1, 0.2)}])  # fmt: skip
def test_an_interrupted_training_ends_in_the_same_network(tmp_path, more):
    recipe = replace(RECIPE, learning_rate=0.01, **more)
    whole, _ = fit(tmp_path, recipe)

    def interrupt(line):
        if line.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, recipe, report=interrupt)
    assert (tmp_path / "state").exists()
    lines = []
    resumed, curve = fit(tmp_path, recipe, report=lines.append)
    assert lines[0] == "resumed after epoch 2" and len(curve) == 3
    assert same(whole, resumed)


def test_an_interruption_after_the_last_epoch_repeats_none(tmp_path):
    network, _ = fit(tmp_path)

    def interrupt(line):
        if line.startswith("epoch 3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, report=interrupt)
    lines = []
    again, curve = fit(tmp_path, report=lines.append)
    assert lines == ["resumed after epoch 3"] and len(curve) == 3
    assert same(network, again)


def early(tmp_path, recipe, report=lambda line: None):
    """The network that a training leaves after its second epoch."""
    torch.manual_seed(0)
    network = build_network("original", 8, ["a", "b"])
    rest, validation = split_validation(data(), recipe.validation_share, 0)
    job = Job(rest, validation, 0, tmp_path / "early", "early", report)
    curve = training.fit(network, recipe, job, stop_after=2)
    (tmp_path / "early").unlink()
    return network, curve


@pytest.mark.parametrize("more", [{}, {"average_decay": 0.9, "augmentation": Augmentation(10, 0.5, 10, 1, 0.2)}])
def test_a_training_that_stops_early_leaves_the_very_weights_of_the_whole_training_at_that_epoch(tmp_path, more):
    """Not the averaged ones, nor those of the best epoch."""
    recipe, states = replace(RECIPE, learning_rate=0.3, **more), []

    def note(line):
        states.append(torch.load(tmp_path / "state", weights_only=True)["network"])

    _, curve = fit(tmp_path, recipe, report=note)
    network, first = early(tmp_path, recipe)
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in network.state_dict().items())
    assert [row["train_loss"] for row in first] == [row["train_loss"] for row in curve[:2]] and len(curve) == 3


def test_a_training_that_stops_early_is_resumed_to_the_same_bits(tmp_path):
    def interrupt(line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        early(tmp_path, RECIPE, interrupt)
    lines = []
    again, _ = early(tmp_path, RECIPE, lines.append)
    assert lines[0] == "resumed after epoch 1" and same(again, early(tmp_path, RECIPE)[0])


def test_a_fingerprint_follows_code_settings_shape_device_torch_and_voxels(voxels, tmp_path, monkeypatch):
    network = build_network("original", 8, ["a", "b"])
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    found = {
        fingerprint(code, one, device, settings)
        for code in ("one", "other")
        for one in (network, build_network("original", 8, ["a", "c"]))
        for device in (cpu, gpu)
        for settings in ({"epochs": 1}, {"epochs": 2})
    }
    assert len(found) == 16
    assert fingerprint("one", network, cpu, {"epochs": 1}) in found
    assert fingerprint("third", network, cpu, {"epochs": 1}) not in found
    folder = shutil.copytree(voxels, tmp_path / "voxels")
    mine = build_network("original", 8, ["chair", "table"])
    of_voxels = lambda: continued(mine, nets.ORIGIN, folder, tmp_path / "state", "one", {}).fingerprint
    before = of_voxels()
    assert of_voxels() == before
    shard = (folder / "train/chair.npy").read_bytes()
    (folder / "train/chair.npy").write_bytes(shard[:-1] + bytes([shard[-1] ^ 1]))
    assert of_voxels() != before
    monkeypatch.setattr("voxprune.core.provenance.versions", lambda: {"torch": "another"})
    assert fingerprint("one", network, cpu, {"epochs": 1}) not in found


def garbage(content):
    return b"garbage"


def cut_short(content):
    return content[: len(content) // 2]


def one_byte_flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [garbage, cut_short, one_byte_flipped, None])
def test_a_foreign_or_damaged_state_is_refused_and_training_starts_afresh(tmp_path, damage):
    def interrupt(line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, report=interrupt)
    if damage:
        (tmp_path / "state").write_bytes(damage((tmp_path / "state").read_bytes()))
    lines = []
    network, _ = fit(tmp_path, report=lines.append, state_of="same" if damage else "other")
    assert "not resumed" in lines[0] and lines[1].startswith("epoch 1/3")
    assert same(network, fit(tmp_path)[0])


def test_the_best_epoch_is_kept(tmp_path):
    network, curve = fit(tmp_path, replace(RECIPE, epochs=6, learning_rate=0.3))
    _, validation = split_validation(data(), RECIPE.validation_share, 0)
    accuracy = (predict(network, validation).argmax(1) == validation.labels).double().mean() * 100
    assert float(accuracy) == max(row["validation_accuracy_percent"] for row in curve)


def test_it_learns(tmp_path):
    network, curve = fit(tmp_path, replace(RECIPE, epochs=8, validation_share=0.0))
    assert curve[-1]["validation_accuracy_percent"] is None
    assert curve[-1]["train_loss"] < curve[0]["train_loss"] / 2
    assert (predict(network, data()).argmax(1) == data().labels).double().mean() > 0.9


def test_learning_rates():
    def rates(schedule):
        return [training._learning_rate(replace(RECIPE, schedule=schedule), step, 100) for step in (0, 30, 65, 100)]

    assert rates("constant") == [0.05] * 4
    assert rates("cosine")[::3] == pytest.approx([0.05, 0.0])
    assert rates("onecycle") == pytest.approx([0.002, 0.05, 0.025, 0.0])


def test_dropout_resumes_to_the_bit_too(tmp_path):
    def run(report, epochs=2):
        torch.manual_seed(0)
        network = build_network("voxnet", 16, ["a", "b"])
        recipe = replace(RECIPE, epochs=epochs, augmentation=Augmentation(30, 0.5, 10, 1))
        voxels = Voxels(data().packed.repeat_interleave(2, 1).repeat_interleave(2, 2).repeat(1, 1, 1, 2), data().labels,
                        data().files, 16)  # fmt: skip
        training.fit(network, recipe, Job(voxels, voxels.subset(torch.arange(4)), 0, tmp_path / "state", "same", report))
        return network

    def interrupt(line):
        raise KeyboardInterrupt

    whole = run(lambda line: None)
    (tmp_path / "state").unlink()
    with pytest.raises(KeyboardInterrupt):
        run(interrupt)
    assert same(whole, run(lambda line: None))


def test_the_average_of_the_weights_is_what_is_judged_and_kept(tmp_path):
    """Against the definition, step by step: average = decay x average + (1 - decay) x weights, faster at the start."""
    recipe = replace(RECIPE, epochs=1, average_decay=0.5, schedule="constant")
    torch.manual_seed(0)
    network, steps = build_network("original", 8, ["a", "b"]), []
    voxels, _ = split_validation(data(), 0.25, 0)
    note = lambda rate: steps.append(network.conv2.weight.detach().clone())  # noqa: E731
    none = voxels.subset(torch.arange(0))
    training.fit(network, recipe, Job(voxels, none, 0, tmp_path / "state", "same"), after_step=note)
    expected = steps[0]
    for count, weight in enumerate(steps[1:], 1):
        decay = min(0.5, (1 + count) / (10 + count))
        expected = decay * expected + (1 - decay) * weight
    assert torch.allclose(network.conv2.weight, expected, atol=1e-6) and not torch.allclose(expected, steps[-1], atol=1e-6)


@pytest.mark.parametrize("strength, share", [(0.0, 0.8), (1.0, 0.5)])
def test_with_logit_adjustment_classes_count_as_if_all_were_as_frequent(tmp_path, strength, share):
    """Objects that tell nothing of their class: four of five are of class a, as the network learns to say without it."""
    labels = torch.tensor([0, 0, 0, 0, 1] * 8)
    grids = np.ones((40, 8, 8, 8), dtype=bool)
    voxels = Voxels(torch.from_numpy(pack(grids)), labels, np.array([f"{number}.off" for number in range(40)]), 8)
    recipe = replace(RECIPE, epochs=30, batch_size=40, learning_rate=0.02, logit_adjustment=strength)
    torch.manual_seed(0)
    network, none = build_network("original", 8, ["a", "b"]), voxels.subset(torch.arange(0))
    training.fit(network, recipe, Job(voxels, none, 0, tmp_path / "state", "same"))
    assert torch.allclose(predict(network, voxels).softmax(1)[:, 0], torch.tensor(share), atol=0.02)


def test_masks_outlast_averaging(tmp_path):
    recipe = replace(RECIPE, average_decay=0.9)
    torch.manual_seed(0)
    network = build_network("original", 8, ["a", "b"])
    with torch.no_grad():
        network.conv2.weight[:8] = 0

    def keep_zeros(rate):
        network.conv2.weight.data[:8] = 0

    job = Job(data(), data().subset(torch.arange(0)), 0, tmp_path / "state", "same")
    training.fit(network, recipe, job, after_step=keep_zeros)
    assert not network.conv2.weight[:8].any() and network.conv2.weight[8:].all()


def test_mixed_precision_learns_as_well(tmp_path):
    recipe = replace(RECIPE, precision="bfloat16")
    network, curve = fit(tmp_path, recipe)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert curve[-1]["train_loss"] < curve[0]["train_loss"]
    assert not same(network, fit(tmp_path)[0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["original", "resnet3d", "voxnet"])
def test_on_a_gpu_a_replayed_training_is_that_of_steps_one_by_one(tmp_path, monkeypatch, name, precision):
    """The last, smaller batch of each epoch has a graph of its own; the averaged weights and the teacher come with it."""
    recipe = replace(RECIPE, epochs=8, optimiser="adam", learning_rate=0.01, average_decay=0.9, precision=precision,
                     validation_share=0, batch_size=12)  # fmt: skip
    voxels = data().to("cuda")
    none = voxels.subset(torch.arange(0, device="cuda"))

    def train(state):
        torch.manual_seed(0)
        network = build_network(name, 8 if name == "original" else 16, ["a", "b"])
        grids = voxels if name == "original" else Voxels(voxels.packed.repeat_interleave(2, 1).repeat_interleave(2, 2).repeat(1, 1, 1, 2), voxels.labels, voxels.files, 16)  # fmt: skip
        teacher = Teacher(copy.deepcopy(network).cuda().eval(), 2.0, 0.5)
        curve = training.fit(
            network.cuda(), recipe, Job(grids, none, 0, tmp_path / state, state, lambda line: None, teacher)
        )
        return [row["train_loss"] for row in curve], network

    replayed, network = train("replayed")
    monkeypatch.setattr("voxprune.training.step.EAGER_CALLS", 10**9)
    stepped, other = train("stepped")
    assert replayed[-1] < replayed[0] and np.allclose(replayed, stepped, rtol=0.05 if precision == "bfloat16" else 1e-3)
    if name != "voxnet":  # whose dropout draws other numbers
        assert all(torch.allclose(a, b, atol=1e-2) for a, b in zip(network.parameters(), other.parameters()))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_on_a_gpu_an_interrupted_training_ends_in_the_same_network(tmp_path, optimiser):
    recipe = replace(RECIPE, epochs=8, optimiser=optimiser, learning_rate=0.01, average_decay=0.9, validation_share=0)
    voxels = data().to("cuda")
    none = voxels.subset(torch.arange(0, device="cuda"))

    def train(state, report=lambda line: None):
        torch.manual_seed(0)
        network = build_network("original", 8, ["a", "b"]).cuda()
        training.fit(network, recipe, Job(voxels, none, 0, tmp_path / state, state, report))
        return network

    def interrupt(line):
        if line.startswith("epoch 6"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("cut", interrupt)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(train("whole").parameters(), train("cut").parameters()))


@pytest.mark.parametrize("count, works", [(18, True), (17, False)])
def test_an_object_left_alone_in_the_last_batch_is_told_before_the_first_epoch(tmp_path, count, works):
    """One value a channel is too little for BatchNorm; 16^3 cells are that after the four steps of this network."""
    grids = (torch.arange(count * 16 * 16 * 2).reshape(count, 16, 16, 2) % 251).to(torch.uint8)
    voxels = Voxels(grids, torch.arange(count) % 2, np.arange(count).astype(str), 16)
    network, lines = build_network("resnet3d_stride4", 16, ["a", "b"]), []
    job = Job(voxels, voxels.subset(torch.arange(0)), 0, tmp_path / "state", "same", lines.append)
    recipe = replace(RECIPE, epochs=1, batch_size=16)
    if works:
        training.fit(network, recipe, job)
    else:
        with pytest.raises(InputError, match="17 objects in batches of 16 leave one object alone.*`training: batch_size`"):
            training.fit(network, recipe, job)
    assert len(lines) == works


def test_recalibration_leaves_out_an_object_that_would_be_alone():
    grids = (torch.arange(17 * 16 * 16 * 2).reshape(17, 16, 16, 2) % 251).to(torch.uint8)
    voxels = Voxels(grids, torch.arange(17) % 2, np.arange(17).astype(str), 16)
    recalibrate(build_network("resnet3d_stride4", 16, ["a", "b"]), voxels, batch_size=16)
