"""page.html: in headless Chromium the cells, class and confidence of classify.py, one sentence for what can't be read, no path."""

import base64
import hashlib
import json
import os
import shutil
import struct
import time

import numpy as np
import pytest
import torch

import browser
import nets
from conftest import CUBE, ROOT
from voxprune.core.errors import InputError
from voxprune.datasets.furniture import make
from voxprune.datasets.furniture_classes import MAKERS
from voxprune.deploy import classifier, page
from voxprune.deploy.folder import export
from voxprune.deploy.numpy_voxels import voxelize
from voxprune.meshes.read import read_mesh, write_off
from voxprune.pruning.prune import prune
from voxprune.pruning.scoring import Sample
from voxprune.settings.method import Method
from voxprune.settings.voxels import Grid

GRID, CLASSES = Grid(16, occupancy="solid", padding=1), ["bath tub", "</script>", "Stühle"]
ACCURACY = {
    "accuracy_percent": 90.0,
    "accuracy_interval_percent": (85.1, 93.4),
    "data": {"name": "some meshes", "test_objects": 200},
}


def pruned():
    """A network without half of its filters."""
    method, sample = Method("filter", "l1", "layer", "remove"), Sample(torch.ones(3, 1, 16, 16, 16), torch.arange(3), 0)
    return prune(nets.build("resnet3d"), method, 50, sample)[0].eval()


def about(method, level):
    return {"experiment": "trial", "origin": {"method": method, "level_percent": level, "seed": 3}} | ACCURACY


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Deployed folders of a pruned network and of its parent."""
    place = tmp_path_factory.mktemp("deploy")
    export(pruned(), GRID, CLASSES, place / "level050", about=about("filter", 50))
    export(nets.build("resnet3d"), GRID, CLASSES, place / "parent", about=about("parent", 0))
    return place


@pytest.fixture(scope="module")
def written(folders):
    """The folder of the pruned network with its page."""
    if page.compiler() is None:
        pytest.skip("no compiler for WebAssembly is installed (pip install ziglang)")
    page.write_page(folders / "level050", folders / "parent")
    return folders / "level050"


@pytest.fixture(scope="module")
def opened(written, tmp_path_factory):
    if browser.installed() is None:
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    with browser.Browser(tmp_path_factory.mktemp("profile")) as found:
        found.open(written / "page.html")
        yield found


def test_a_pruned_network_is_no_parent(folders):
    with pytest.raises(InputError, match="level050: it is a pruned network; name the parent of"):
        page.write_page(folders / "parent", folders / "level050")


def in_the_page(opened, name, content):
    """What the page's own function makes of a file's content; a string where it raises an error."""
    text = json.dumps(base64.b64encode(content).decode())
    bytes_of_it = f"Uint8Array.from(atob({text}), letter => letter.charCodeAt(0))"
    answer = "{...found, voxels: Array.from(found.voxels), codes: null}"
    return opened.evaluate(f"classify({json.dumps(name)}, {bytes_of_it}).then(found => ({answer}))")


def shown(opened, path):
    """The words on the page after a file was chosen and all was measured or refused."""
    opened.evaluate("element.compared.textContent = ''; show('nothing')")
    opened.choose_file("#file", path)
    end = time.monotonic() + browser.PATIENCE
    while not opened.evaluate("element.compared.textContent !== '' || !element.wrong.hidden"):
        assert time.monotonic() < end, "the page doesn't come to an answer"
        time.sleep(0.05)
    return opened.evaluate("document.body.innerText")


# ---- the answer ------------------------------------------------------------------------------------------------------


def meshes(folder):
    """Furniture in OFF, of which the last in STL too, binary and in text."""
    paths = [folder / f"{kind}.off" for kind in MAKERS]
    for kind, path in zip(MAKERS, paths):
        write_off(path, *make(kind, 1, 0))
    mesh = read_mesh(paths[-1])
    corners = mesh.vertices[mesh.triangles].astype(np.float32).reshape(-1, 9)
    facets = b"".join(struct.pack("<12fH", 0, 0, 0, *one.tolist(), 0) for one in corners)
    (folder / "last.STL").write_bytes(bytes(80) + struct.pack("<I", len(corners)) + facets)
    vertices = "vertex %.9e %.9e %.9e\n" * 3
    text = "".join(f"facet normal 0 0 0\nouter loop\n{vertices % tuple(one)}endloop\nendfacet\n" for one in corners.tolist())
    (folder / "text.stl").write_text(f"solid text\n{text}endsolid text\n")
    return [*paths, folder / "last.STL", folder / "text.stl"]


def test_cells_class_and_confidence_are_those_of_classify(opened, written, tmp_path):
    model, parent = classifier.load(written), classifier.load(written.parent / "parent")
    for path in meshes(tmp_path):
        found, expected = in_the_page(opened, path.name, path.read_bytes()), classifier.classify(model, path)
        assert found["voxels"] == voxelize(read_mesh(path), GRID).ravel().astype(int).tolist(), path.name
        assert found["class"] == expected["class"]
        assert abs(found["confidence_percent"] - expected["confidence_percent"]) < 1e-3
        assert abs(found["parent"]["confidence_percent"] - classifier.classify(parent, path)["confidence_percent"]) < 1e-3


def test_a_chosen_mesh_is_shown_with_its_times(opened, written, cube):
    words, expected = shown(opened, cube), classifier.classify(classifier.load(written), cube)
    percent = f"{expected['confidence_percent']:.1f} %"
    assert f"cube.off\n\n{expected['class']}\n\n{expected['class']}\n{percent}\n" in words
    assert (
        "The network: experiment trial, method filter, 50 % pruned, seed 3. 90.0 % of its answers are right on 200 test"
        in words
    )
    assert f"{14**3:,} of 16³ cells are occupied" in words
    assert "\nfilter 50 %\n" in words and "\nparent\n" in words and "times as fast as its parent (95 % interval" in words


def test_a_dropped_mesh_is_taken(opened):
    drop = (
        f"const carried = new DataTransfer(); carried.items.add(new File([{json.dumps(CUBE)}], 'dropped.off'));"
        "dispatchEvent(new DragEvent('drop', {dataTransfer: carried, cancelable: true}))"
    )
    opened.evaluate(f"element.compared.textContent = ''; {{ {drop} }}")
    end = time.monotonic() + browser.PATIENCE
    while opened.evaluate("element.name.textContent") != "dropped.off":
        assert time.monotonic() < end


@pytest.fixture
def narrow(opened):
    """The page in the dark, as wide as a telephone."""
    opened.call("Emulation.setDeviceMetricsOverride", width=375, height=800, deviceScaleFactor=1, mobile=True)
    opened.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    yield opened
    opened.call("Emulation.clearDeviceMetricsOverride")
    opened.call("Emulation.setEmulatedMedia", features=[])


def test_nothing_reaches_beyond_a_narrow_window(narrow, cube):
    """Not even a long name of a file or of a class."""
    shown(narrow, cube.rename(cube.parent / f"{'long' * 40}.off"))
    narrow.evaluate("showBars(element.shares, [['long'.repeat(40), 1, '100.0 %']])")
    assert narrow.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [375, 375]
    assert narrow.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 29)"


BAD = {
    "empty.off": (b"", "it is empty"),
    "cut.stl": (b"solid x\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\n", "a facet isn't made of a normal and a loop of three vertices"),
    "point.off": (b"OFF\n3 1 0\n1 1 1\n1 1 1\n1 1 1\n3 0 1 2\n", "all its vertices coincide"),
    "huge.off": (b"OFF\n99999999999 1 0\n0 0 0\n", "it doesn't begin with OFF and the numbers of vertices and faces"),
    "form.obj": (b"v 0 0 0\n", "only .off and .stl can be read here; convert it, or use classify.py"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_can_not_be_read_gives_one_sentence(opened, name, tmp_path):
    content, reason = BAD[name]
    assert in_the_page(opened, name, content) == f"Error: {name}: {reason}"
    (tmp_path / name).write_bytes(content)
    words = shown(opened, tmp_path / name)
    assert f"\n{name}: {reason}\n" in words and "Time in this browser" not in words


# ---- the file --------------------------------------------------------------------------------------------------------


def test_the_same_folders_give_the_same_bytes(written, folders, tmp_path):
    """From another place too; and the page loads nothing, and holds no path and no host."""
    shutil.copytree(folders, tmp_path / "elsewhere")
    page.write_page(tmp_path / "elsewhere/level050", tmp_path / "elsewhere/parent")
    content = (written / "page.html").read_bytes()
    assert (tmp_path / "elsewhere/level050/page.html").read_bytes() == content
    data = json.loads(content.decode().partition('id="data">')[2].partition("</script>")[0])
    everything = content + b"".join(base64.b64decode(one["webassembly"]) for one in data.values())
    host = os.uname().nodename
    for word in (
        str(ROOT),
        str(folders),
        *([host] if len(host) > 4 else []),
        "/home",
        "/tmp",
        "://",
    ):  # shorter ones stand in any bytes
        assert word.encode() not in everything, word
    assert len(base64.b64decode(data["parent"]["webassembly"])) > len(base64.b64decode(data["network"]["webassembly"]))


def test_the_card_names_the_page_once(written, folders):
    page.write_page(written, folders / "parent")
    card, content = (written / "README.md").read_text(), (written / "page.html").read_bytes()
    assert card.count("open `page.html` and drop a mesh on it") == card.count("| `page.html` |") == 1
    assert card.endswith(f"| `page.html` | {len(content):,} | `{hashlib.sha256(content).hexdigest()}` |\n")
    assert "\n\n\n" not in card


def test_exporting_again_leaves_no_page(tmp_path):
    export(pruned(), GRID, CLASSES, tmp_path)
    (tmp_path / "page.html").write_text("of the last time")
    export(pruned(), GRID, CLASSES, tmp_path)
    assert not (tmp_path / "page.html").exists()


# ---- what is refused -------------------------------------------------------------------------------------------------


def test_a_parent_of_other_voxels_is_refused(folders, tmp_path):
    export(nets.build("resnet3d"), Grid(16), CLASSES, tmp_path)
    with pytest.raises(InputError, match="its classes or voxels are not those of"):
        page.write_page(folders / "level050", tmp_path)


def test_without_a_compiler_or_c_code_the_remedy_is_named(folders, tmp_path, monkeypatch):
    export(nets.build("nets:Tokens"), GRID, CLASSES, tmp_path)
    with pytest.raises(InputError, match=r"it holds no model\.c"):
        page.write_page(tmp_path)
    monkeypatch.setattr(page, "compiler", lambda: None)
    with pytest.raises(InputError, match="type pip install ziglang"):
        page.write_page(folders / "level050")
    with pytest.raises(InputError, match=r"it holds no labels\.json"):
        page.write_page(tmp_path / "none")
