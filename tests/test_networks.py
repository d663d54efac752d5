"""Networks and checkpoints: the study's size, and files that rebuild what was saved or say why not."""

import pytest
import torch

from voxprune import networks
from voxprune.evaluation import macs_by_layer
from voxprune.files import InputError

TEN = list("abcdefghij")


def test_the_original_has_the_studys_size():
    network = networks.build("original", 100, TEN)
    assert sum(parameter.numel() for parameter in network.parameters()) == 64_015_722
    assert sum(layer.weight.numel() + layer.bias.numel() for layer in networks.convolutions(network).values()) == 14_304


def test_the_original_has_the_studys_macs():
    """1,846.0 million at 100^3, the figure of three independent counters."""
    assert sum(macs_by_layer(networks.build("original", 100, TEN)).values()) == 1_846_001_280


@pytest.mark.parametrize("widths", [{"conv1": 3, "conv2": 5}, {"conv1": 0, "conv2": 5}, {"conv1": 3, "conv2": 0}])
def test_a_checkpoint_rebuilds_the_network(tmp_path, widths):
    network = networks.build("original", 8, TEN, widths).eval()
    networks.save(network, tmp_path / "x.safetensors", {"method": "parent", "seed": 3})
    again, recipe = networks.load(tmp_path / "x.safetensors")
    inputs = torch.rand(2, 1, 8, 8, 8)
    assert torch.equal(again(inputs), network(inputs))
    assert again.description == network.description and recipe == {"method": "parent", "seed": 3}


def test_equal_checkpoints_are_equal_files(tmp_path):
    for number in range(5):
        torch.manual_seed(0)
        networks.save(networks.build("original", 8, TEN), tmp_path / str(number), {"seed": 3, "a": 1, "b": 2})
    assert len({(tmp_path / str(number)).read_bytes() for number in range(5)}) == 1


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such checkpoint"):
        networks.load(tmp_path / "absent.safetensors")
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(InputError, match="not a voxprune checkpoint"):
        networks.load(tmp_path / "text.safetensors")


def test_a_checkpoint_that_does_not_fit_its_description_is_refused(tmp_path):
    network = networks.build("original", 8, TEN)
    network.description["widths"] = {"conv1": 4, "conv2": 4}
    networks.save(network, tmp_path / "x.safetensors", {})
    with pytest.raises(InputError, match="not a voxprune checkpoint"):
        networks.load(tmp_path / "x.safetensors")


def test_an_unfit_resolution_is_refused():
    with pytest.raises(InputError, match="multiple of 4"):
        networks.build("original", 30, TEN)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_layers_without_channels_work():
    inputs = torch.rand(2, 1, 8, 8, 8)
    assert networks.MaxPool3d(2)(inputs[:, :0]).shape == (2, 0, 4, 4, 4)
    layer = networks.Conv3d(0, 3, 3, padding=1)
    assert torch.equal(layer(inputs[:, :0]), layer.bias.view(1, 3, 1, 1, 1).expand(2, 3, 8, 8, 8))
