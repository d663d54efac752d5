"""Networks and checkpoints: the study's size, and files that rebuild what was saved or say why not."""

import sys

import pytest
import torch
from torch.nn import functional

import nets
from voxprune.core.errors import InputError
from voxprune.networks import build, empty
from voxprune.networks.build import build_network
from voxprune.networks.checkpoint import load_checkpoint, save_checkpoint
from voxprune.networks.cost import macs_by_layer
from voxprune.pruning.prune import remove_levels
from voxprune.settings.method import Method

TEN = list("abcdefghij")


def test_the_original_has_the_studys_size():
    network = build_network("original", 100, TEN)
    assert sum(parameter.numel() for parameter in network.parameters()) == 64_015_722
    assert sum(layer.weight.numel() + layer.bias.numel() for layer in build.convolutions(network).values()) == 14_304


def test_the_original_has_the_studys_macs():
    """1,846.0 million at 100^3, the figure of three independent counters."""
    assert sum(macs_by_layer(build_network("original", 100, TEN)).values()) == 1_846_001_280


@pytest.mark.parametrize("name, parameters, share", [("voxnet", 918_000, 0.03), ("resnet3d", 230_000, 0.99)])
def test_the_other_networks_have_their_published_size(name, parameters, share):
    network = build_network(name, 32, TEN)
    found = sum(parameter.numel() for parameter in network.parameters())
    convolutions = sum(layer.weight.numel() for layer in build.convolutions(network).values())
    assert found == pytest.approx(parameters, rel=0.03) and convolutions / found == pytest.approx(share, abs=0.01)


def test_a_stem_of_stride_4_sees_twice_as_fine_at_the_cost_of_the_stem_alone():
    fine, coarse = (
        macs_by_layer(build_network("resnet3d_stride4", 32, TEN)),
        macs_by_layer(build_network("resnet3d", 16, TEN)),
    )
    assert (fine.pop("stem"), coarse.pop("stem")) == (8**3 * 16 * 5**3, 8**3 * 16 * 3**3) and fine == coarse


@pytest.mark.parametrize("name", nets.ALL)
def test_a_checkpoint_rebuilds_the_network(tmp_path, name):
    network = nets.build(name)
    save_checkpoint(network, tmp_path / "x.safetensors", nets.ORIGIN)
    again, origin = load_checkpoint(tmp_path / "x.safetensors")
    inputs = torch.rand(2, 1, 16, 16, 16)
    assert torch.equal(again(inputs), network(inputs))
    assert again.description == network.description and origin == nets.ORIGIN


def test_equal_checkpoints_are_equal_files(tmp_path):
    for number in range(5):
        torch.manual_seed(0)
        save_checkpoint(build_network("original", 8, TEN), tmp_path / str(number), {"seed": 3, "a": 1, "b": 2})
    assert len({(tmp_path / str(number)).read_bytes() for number in range(5)}) == 1


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "absent.safetensors")
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(InputError, match="not a voxprune checkpoint"):
        load_checkpoint(tmp_path / "text.safetensors")


def test_a_checkpoint_that_does_not_fit_its_description_is_refused(tmp_path):
    network = build_network("original", 8, TEN)
    network.description["widths"] = {"conv1": 4, "conv2": 4}
    save_checkpoint(network, tmp_path / "x.safetensors", nets.ORIGIN)
    with pytest.raises(InputError, match="not a voxprune checkpoint"):
        load_checkpoint(tmp_path / "x.safetensors")


def test_an_unfit_resolution_is_refused():
    with pytest.raises(InputError, match="network voxnet: doesn't work at resolution 4 .*choose another"):
        build_network("voxnet", 4, TEN)


@pytest.mark.parametrize("fault, sentence", [
    ("import nowhere", r"can't be made \(No module named 'nowhere'\); install what it needs"),
    ("self.fc = absent", r"its own code fails \(faulty.py, line 6: NameError: name 'absent' is not defined\); mend it there"),
    ("pass", r"its own code fails \(faulty.py, line 8: AttributeError: 'Net' object has no attribute 'fc'\); mend it there"),
    ("self.fc = nn.Linear(resolution + 1, classes)", "doesn't work at resolution 16 .*; choose another"),
])  # fmt: skip
def test_what_is_wrong_with_a_network_is_told_apart(tmp_path, monkeypatch, fault, sentence):
    lines = ["from torch import nn", "", "class Net(nn.Module):", "    def __init__(self, resolution, classes):",
             "        super().__init__()", f"        {fault}", "    def forward(self, x):", "        return self.fc(x)[:, 0, 0, 0]"]  # fmt: skip
    (tmp_path / "faulty.py").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "faulty", raising=False)
    with pytest.raises(InputError, match=f"network faulty:Net: {sentence}"):
        build_network("faulty:Net", 16, ["a", "b"])


def test_loaded_tensors_lie_where_kernels_round_as_before_saving(tmp_path):
    network = next(remove_levels(build_network("resnet3d", 16, TEN), Method("filter", "l1", "layer", "remove"), [55]))
    save_checkpoint(network, tmp_path / "x.safetensors", nets.ORIGIN)
    again, _ = load_checkpoint(tmp_path / "x.safetensors")
    assert not [name for name, tensor in again.state_dict().items() if tensor.data_ptr() % 64]


@pytest.mark.parametrize("name, reason", [("lenet", "choose one of original, resnet3d, resnet3d_stride4, voxnet"),
                                          ("nowhere:Net", "can't be imported"), ("nets:Absent", "can't be imported")])  # fmt: skip
def test_an_unknown_network_is_refused(name, reason):
    with pytest.raises(InputError, match=reason):
        build_network(name, 32, TEN)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("operation", [
    lambda x: functional.max_pool3d(x, 2), lambda x: functional.avg_pool3d(x, 2), lambda x: functional.adaptive_avg_pool3d(x, 4),
    lambda x: functional.interpolate(x, scale_factor=0.5), lambda x: functional.conv3d(x, torch.zeros(0, x.shape[1], 2, 2, 2), stride=2),
    lambda x: functional.conv_transpose3d(x[..., :2, :2, :2], torch.zeros(x.shape[1], 0, 2, 2, 2), stride=2),
])  # fmt: skip
def test_operations_work_without_channels(operation):
    with empty.WithoutChannels():
        assert operation(torch.rand(2, 0, 8, 8, 8)).shape == (2, 0, 4, 4, 4)


def test_a_convolution_without_inputs_gives_its_biases():
    bias = torch.rand(3)
    with empty.WithoutChannels():
        for found in (functional.conv3d(torch.rand(2, 0, 4, 4, 4), torch.zeros(3, 0, 3, 3, 3), bias, padding=1),
                      functional.conv_transpose3d(torch.rand(2, 0, 2, 2, 2), torch.zeros(0, 3, 2, 2, 2), bias, stride=2)):  # fmt: skip
            assert torch.equal(found, bias.view(1, 3, 1, 1, 1).expand(2, 3, 4, 4, 4))
    with pytest.raises(RuntimeError):
        functional.max_pool3d(torch.rand(2, 1, 8, 8, 8), 9)


def test_a_function_in_a_file_of_ones_own_makes_a_network(tmp_path, monkeypatch):
    lines = ["from os import mkdir", "from voxprune.networks.architectures.voxnet import Network", "",
             "def make(resolution, classes):", "    return Network(resolution, classes)", "",
             "def forget(resolution, classes):", "    Network(resolution, classes)"]  # fmt: skip
    (tmp_path / "made_by.py").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match="a function in a file of your own"):  # it lies elsewhere
        build_network("made_by:make", 16, ["a", "b"])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    network = build_network("made_by:make", 16, ["a", "b"]).eval()
    save_checkpoint(network, tmp_path / "x.safetensors", nets.ORIGIN)
    again, _ = load_checkpoint(tmp_path / "x.safetensors")
    voxels = torch.rand(2, 1, 16, 16, 16)
    assert torch.equal(again(voxels), network(voxels))
    with pytest.raises(InputError, match="gives a NoneType instead of a torch.nn.Module; return the network"):
        build_network("made_by:forget", 16, ["a", "b"])
    network.description |= {"network": "made_by:mkdir", "resolution": str(tmp_path / "sprung")}
    save_checkpoint(network, tmp_path / "x.safetensors", nets.ORIGIN)
    with pytest.raises(InputError, match="its resolution is no number"):
        load_checkpoint(tmp_path / "x.safetensors")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["original", "voxnet", "resnet3d"])
def test_what_is_left_without_filters_costs_its_output_layers_alone(name):
    nothing = next(remove_levels(build_network(name, 16, TEN), Method("filter", "l1", "layer", "remove"), [100]))
    convolutions = {layer for layer, module in nothing.named_modules() if isinstance(module, torch.nn.Conv3d)}
    costs = macs_by_layer(nothing)
    assert convolutions <= set(costs) and not any(costs[layer] for layer in convolutions)
    assert sum(costs.values()) == sum(
        module.weight.numel() for module in nothing.modules() if isinstance(module, torch.nn.Linear)
    )
