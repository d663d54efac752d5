"""The C code of a network: the logits of torch, for every operator and any number of channels, clean under the sanitizers."""

import ctypes
import re
import shutil
import subprocess

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from torch import nn
from torch.nn import functional

import nets
from voxprune.core.errors import InputError
from voxprune.deploy.c_code import c_files
from voxprune.pruning.prune import prune
from voxprune.pruning.scoring import Sample
from voxprune.settings.method import Method
from voxprune.settings.voxels import Grid

FILTER = Method("filter", "l1", "layer", "remove")
INPUTS = (torch.rand(3, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0)) < 0.3).float()
STRICT = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]
SANITIZED = ["-O0", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
TOLERANCE = 1e-5  # of the largest logit

COMPILER = shutil.which("gcc") or shutil.which("cc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler is installed, so the C code can't be run")

DRIVER = """#include "model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **words)
{
    const long cells = (long)MODEL_RESOLUTION * MODEL_RESOLUTION * MODEL_RESOLUTION;
    float *voxels = malloc(cells * sizeof *voxels), *scratch = malloc(MODEL_SCRATCH * sizeof *scratch), logits[MODEL_CLASSES];
    if (count < 2 || !voxels || !scratch) return 1;
    FILE *file = fopen(words[1], "rb");
    if (!file) return 1;
    memset(scratch, 0xff, MODEL_SCRATCH * sizeof *scratch);
    while (fread(voxels, sizeof *voxels, cells, file) == (size_t)cells) {
        model_run(voxels, logits, scratch);
        for (int n = 0; n < MODEL_CLASSES; n++) printf("%.9g ", logits[n]);
    }
    fclose(file), free(voxels), free(scratch);
    return 0;
}
"""


def sources(network):
    description = network.description
    return c_files(network, Grid(description["resolution"]), description["classes"])


def written(network, folder):
    folder.mkdir(exist_ok=True)
    for name, text in sources(network).items():
        (folder / name).write_text(text)
    return folder


def compiled_logits(network, folder, flags=SANITIZED, inputs=INPUTS):
    """Logits of the C code, compiled as a program of its own; its scratch memory begins as not-a-number."""
    (written(network, folder) / "driver.c").write_text(DRIVER)
    inputs.numpy().tofile(folder / "inputs")
    program = [COMPILER, *STRICT, *flags, "-o", folder / "run", folder / "driver.c", folder / "model.c", "-lm"]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:4000]
    done = subprocess.run([folder / "run", folder / "inputs"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:4000]
    return torch.tensor([float(word) for word in done.stdout.split()]).view(len(inputs), -1)


def assert_equal(network, folder, flags=SANITIZED):
    with torch.inference_mode():
        expected = network.eval()(INPUTS)
    found = compiled_logits(network, folder, flags)
    assert (found - expected).abs().max() <= TOLERANCE * expected.abs().max()


def pruned(name, level, **changes):
    return prune(nets.build(name), replace(FILTER, **changes), level, Sample(INPUTS, torch.tensor([0, 1, 2]), 0))[0].eval()


def made(forward, *layers, seed=0):
    """A network of layers and a function of them, at 16^3 with three classes, its BatchNorms as after training."""

    class Made(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(layers)

        def forward(self, x):
            return forward(x, *self.layers)

    network = Made().eval()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm3d):
            nn.init.normal_(layer.running_mean), nn.init.uniform_(layer.running_var, 0.5, 2.0)
            nn.init.normal_(layer.weight), nn.init.normal_(layer.bias)
    network.description = {"resolution": 16, "classes": ["a", "b", "c"]}
    return network


# ---- the same logits -------------------------------------------------------------------------------------------------


@needs_compiler
@pytest.mark.parametrize("name", [name for name in nets.ALL if name != "nets:Tokens"])
def test_logits_are_those_of_torch(name, tmp_path):
    assert_equal(nets.build(name), tmp_path, ["-O1"])


@needs_compiler
@pytest.mark.parametrize("name, level", [("original", 60), ("resnet3d", 70), ("resnet3d", 93), ("resnet3d_stride4", 70), ("voxnet", 97), ("original", 100),
                                         ("resnet3d", 100), ("voxnet", 100)])  # fmt: skip
def test_any_number_of_filters_is_right_down_to_none(name, level, tmp_path):
    assert_equal(pruned(name, level), tmp_path, SANITIZED if level > 90 else ["-O1"])


@needs_compiler
@pytest.mark.parametrize("scope_level", [30, 80])
def test_layers_of_odd_and_unequal_widths(scope_level, tmp_path):
    assert_equal(pruned("resnet3d", scope_level, scope="global"), tmp_path, ["-O1"])


@needs_compiler
@pytest.mark.parametrize("flags", [["-O2"], ["-O3", "-march=native", "-ffp-contract=fast"], ["-O1", "-DMODEL_PLAIN"]])
def test_every_kind_of_vector_gives_the_same(flags, tmp_path):
    """Vectors of the processor, of four floats, and none, as for a compiler without vector extensions."""
    assert_equal(pruned("resnet3d", 40), tmp_path, flags)
    assert_equal(nets.build("voxnet"), tmp_path, flags)


CONVOLUTIONS = {
    "stride": (nn.Conv3d(1, 5, 3, stride=(1, 2, 3)), nn.Conv3d(5, 6, 2, stride=2)),
    "padding": (nn.Conv3d(1, 5, (1, 3, 5), padding=(0, 2, 1)), nn.Conv3d(5, 9, 3, padding=(3, 0, 2))),
    "dilation": (nn.Conv3d(1, 4, 3, dilation=(1, 2, 3), padding=2), nn.Conv3d(4, 17, 3, dilation=2, stride=2)),
    "groups": (nn.Conv3d(1, 6, 3), nn.Conv3d(6, 9, 3, groups=3, padding=1)),
    "depthwise": (nn.Conv3d(1, 5, 3, bias=False), nn.Conv3d(5, 10, 3, groups=5, stride=2, padding=1)),
    "small": (nn.Conv3d(1, 3, 7, stride=5), nn.Conv3d(3, 20, 2)),
    "same": (nn.Conv3d(1, 3, 5, padding="same"), nn.Conv3d(3, 4, 3, padding="same", dilation=2)),
    "one filter": (nn.Conv3d(1, 1, 3, padding=1), nn.Conv3d(1, 1, 3, padding=1)),
}


@needs_compiler
@pytest.mark.parametrize("layers", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_any_stride_padding_dilation_and_groups(layers, tmp_path):
    def forward(x, first, second, fc):
        return fc(functional.relu(second(functional.relu(first(x)))).flatten(1))

    with torch.no_grad():
        features = layers[1](layers[0](INPUTS)).flatten(1).shape[1]
    assert_equal(made(forward, *layers, nn.Linear(features, 3)), tmp_path)


POOLS = [nn.MaxPool3d(2), nn.MaxPool3d((1, 2, 3), stride=2, padding=(0, 1, 1)), nn.MaxPool3d(3, ceil_mode=True), nn.AvgPool3d(2),
         nn.AvgPool3d(3, stride=2, padding=1), nn.AvgPool3d(3, padding=1, count_include_pad=False, ceil_mode=True),
         nn.AvgPool3d(2, divisor_override=3), nn.AdaptiveAvgPool3d((3, 5, 7)), nn.AdaptiveMaxPool3d((1, 4, 6)),
         nn.AdaptiveAvgPool3d(1)]  # fmt: skip


@needs_compiler
@pytest.mark.parametrize("channels", [1, 6])
@pytest.mark.parametrize("pool", POOLS, ids=str)
def test_pools(pool, channels, tmp_path):
    def forward(x, conv, pool, fc):
        return fc(pool(conv(x)).flatten(1))

    conv = nn.Conv3d(1, channels, 3, padding=1)
    with torch.no_grad():
        features = pool(conv(INPUTS)).flatten(1).shape[1]
    assert_equal(made(forward, conv, pool, nn.Linear(features, 3)), tmp_path)


ACTIVATIONS = [nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.ELU(0.7), nn.Sigmoid(), nn.SiLU(), nn.Hardswish(), nn.Tanh(), nn.GELU(),
               nn.GELU("tanh"), nn.Hardsigmoid(), nn.LeakyReLU(0.1, inplace=True)]  # fmt: skip


@needs_compiler
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_activations_behind_convolutions_and_norms(activation, tmp_path):
    def forward(x, first, activation, norm, second, fc):
        x = activation(norm(activation(4 * first(x))))
        return fc(activation(second(x)).mean(dim=(2, 3, 4)))

    layers = nn.Conv3d(1, 6, 3, stride=2), activation, nn.BatchNorm3d(6), nn.Conv3d(6, 5, 3, padding=1), nn.Linear(5, 3)
    assert_equal(made(forward, *layers), tmp_path)


@needs_compiler
def test_sums_concatenations_and_scales(tmp_path):
    """Branches joined in every way: a tensor read twice, a sum with a ReLU before it, a gate, a difference, a constant."""

    def forward(x, stem, left, right, norm, gate, fc):
        x = functional.relu(stem(2 * x - 1))
        left, right = functional.leaky_relu(left(x) + x), functional.relu(right(x))
        joined = norm(torch.cat([left, x, right * gate(functional.adaptive_avg_pool3d(right, 1)), right - left], dim=1))
        return fc(functional.relu(joined).amax(dim=(2, 3, 4))) + torch.tensor([1.0, -2.0, 3.0])

    layers = (nn.Conv3d(1, 5, 3, stride=2), nn.Conv3d(5, 5, 3, padding=1), nn.Conv3d(5, 5, 1), nn.BatchNorm3d(20), nn.Conv3d(5, 5, 1),
              nn.Linear(20, 3))  # fmt: skip
    assert_equal(made(forward, *layers), tmp_path)


@needs_compiler
def test_one_cell_is_copied_along_axes_of_space(tmp_path):
    """`expand`, as gates of one number a channel or a row use it, and where the copy is read as a grid."""

    def forward(x, stem, gate, second, fc):
        x = functional.relu(stem(x))
        whole = torch.sigmoid(gate(functional.adaptive_avg_pool3d(x, 1))).expand_as(x)
        rows = functional.adaptive_max_pool3d(x, (1, 7, 1)).expand(-1, -1, *x.shape[2:])
        return fc(functional.relu(second(torch.cat([x * whole, rows], dim=1))).mean(dim=(2, 3, 4)))

    layers = nn.Conv3d(1, 5, 3, stride=2), nn.Conv3d(5, 5, 1), nn.Conv3d(10, 6, 3, padding=1), nn.Linear(6, 3)
    assert_equal(made(forward, *layers), tmp_path)


@needs_compiler
def test_threads_share_no_memory(tmp_path):
    """No writable data in the object: all that changes lies in what the caller gives."""
    folder = written(nets.build("resnet3d"), tmp_path)
    subprocess.run([COMPILER, "-std=c99", "-O1", "-c", "-o", folder / "model.o", folder / "model.c"], check=True)
    listed = subprocess.run(["nm", folder / "model.o"], capture_output=True, text=True, check=True).stdout
    kinds = {line.split()[-2] for line in listed.splitlines()}
    assert "T" in kinds and not kinds & set("BbDdCc")
    library = folder / "model.so"
    subprocess.run([COMPILER, "-std=c99", "-O1", "-fPIC", "-shared", "-o", library, folder / "model.c", "-lm"], check=True)
    scratch = int(re.search(r"MODEL_SCRATCH (\d+)", (folder / "model.h").read_text())[1])
    run, results = ctypes.CDLL(str(library)).model_run, []
    for start in (0.0, np.nan):
        logits, memory = np.zeros(3, np.float32), np.full(scratch, start, np.float32)
        run(*(ctypes.c_void_p(array.ctypes.data) for array in (INPUTS[0].numpy(), logits, memory)))
        results.append(logits.tobytes())
    assert results[0] == results[1]


# ---- the same bytes, and refusals ------------------------------------------------------------------------------------


def test_the_same_network_gives_the_same_bytes():
    first, again = sources(nets.build("resnet3d")), sources(nets.build("resnet3d"))
    assert first == again and first != sources(nets.build("resnet3d", seed=1))
    assert not re.search(r"/(home|root|tmp|work)/|20\d\d-\d\d", first["model.h"])


@pytest.mark.parametrize("name", ["original", "resnet3d", "voxnet"])
def test_no_function_is_left_unused(name):
    """Which Clang warns of, unlike GCC."""
    source = sources(nets.build(name))["model.c"]
    defined = re.findall(r"^static (?:inline )?\w+ (\w+)\(", source, re.MULTILINE)
    assert len(defined) > 4 and all(len(re.findall(rf"\b{function}\(", source)) > 1 for function in defined)


def test_the_header_says_how_voxels_are_made():
    network = nets.build("original")
    header = c_files(network, Grid(16, "corner", "solid", 2, 1.5, up="y"), ['a"b', "Stühle", "c"])["model.h"]
    for line in ("RESOLUTION 16 ", "CENTRED 0 ", "SOLID 1 ", "PADDING 2 ", "SCALE 1.5 ", "UP 'y' ", "CLASSES 3\n"):
        assert f"#define MODEL_{line}" in header
    assert r'{"a\042b", "St\303\274hle", "c"}' in header


REFUSED = {
    "group_norm": lambda x, conv: nn.GroupNorm(1, 4, affine=False)(conv(x)).mean(dim=(2, 3, 4)),
    "upsample_nearest3d": lambda x, conv: functional.interpolate(conv(x), scale_factor=2).mean(dim=(2, 3, 4)),
    "reduces other axes": lambda x, conv: conv(x).mean(dim=(3, 4)).mean(dim=2),
    "reshapes to": lambda x, conv: conv(x).view(1, 8, -1, 16, 16).mean(dim=(2, 3, 4))[:, :3],
    "copies other axes": lambda x, conv: (conv(x) + x.expand(-1, 4, -1, -1, -1)).mean(dim=(2, 3, 4))[:, :3],
    "dilated max pool": lambda x, conv: functional.max_pool3d(conv(x), 2, dilation=2).mean(dim=(2, 3, 4)),
    "doesn't answer 3 logits": lambda x, conv: conv(x).mean(dim=(2, 3, 4)),
    "weights of conv3d": lambda x, conv: functional.conv3d(conv(x), conv(x)).flatten(1),
    "2 outputs": lambda x, conv: (conv(x), x),
}


@pytest.mark.parametrize("word", REFUSED)
def test_another_operator_is_refused_by_name(word):
    with pytest.raises(InputError, match=f"^model.c: [^\n]*{word}[^\n]*; use model.onnx$"):
        sources(made(REFUSED[word], nn.Conv3d(1, 4, 3, padding=1)))


def test_weights_that_are_not_numbers_are_refused():
    network = nets.build("original")
    with torch.no_grad():
        network.conv1.weight[0, 0, 0, 0, 0] = float("nan")
    with pytest.raises(InputError, match="not a finite number; train it again"):
        sources(network)
