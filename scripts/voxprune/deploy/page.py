"""One HTML page that classifies meshes in a browser: the C code of a deployed folder as WebAssembly, inlined.

The same folders and compiler give the same bytes, and the page holds no path, date or name of a machine and loads nothing.
"""

import base64
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from voxprune.core.errors import InputError
from voxprune.core.files import atomic_write
from voxprune.deploy.card import with_page
from voxprune.deploy.classifier import read_labels

HERE = Path(__file__).parent
TEMPLATE, PLACE = HERE / "browser" / "page.html", "<!-- NETWORKS -->"
SOURCES = [HERE / "browser" / "page.c", *(HERE / "c" / name for name in ("mesh.c", "off.c", "stl.c", "voxels.c"))]
# -s leaves out names and paths; without a fused multiply-add in the voxelizer no cell moves.
COMPILE = "-target wasm32-wasi -mexec-model=reactor -std=c99 -O3 -msimd128 -ffp-contract=off -s"
RUN = ("page_voxels", "page_logits", "page_run")
CLASSIFY = ("page_memory", "page_read", "page_voxelize", *RUN)


def write_page(folder, parent=None):
    """Writes page.html into a deployed folder and names it in the model card; returns its size in bytes.

    parent: the deployed folder of a network that latency is compared with. Raises InputError where a folder isn't one that export
    made, where the two take other voxels or name other classes, or where no compiler for WebAssembly is installed.
    """
    folders = {"network": Path(folder)} | ({"parent": Path(parent)} if parent else {})
    about = {name: read_labels(one) for name, one in folders.items()}
    if parent and about["parent"].get("origin", {"method": "parent"})["method"] != "parent":
        raise InputError(f"{parent}: it is a pruned network; name the parent of {folder}")
    if parent and any(about["network"][key] != about["parent"][key] for key in ("labels", "voxels")):
        raise InputError(f"{parent}: its classes or voxels are not those of {folder}; name the parent of this very network")
    networks = {name: _network(one, about[name], CLASSIFY if name == "network" else RUN) for name, one in folders.items()}
    inlined = json.dumps(networks).replace("<", "\\u003c")  # nothing in it may end the script that it stands in
    page = TEMPLATE.read_text().replace(PLACE, inlined).encode()
    with atomic_write(folders["network"] / "page.html") as temporary:
        temporary.write_bytes(page)
    card = folders["network"] / "README.md"
    if card.is_file():
        text = with_page(card.read_text(), page)
        with atomic_write(card) as temporary:
            temporary.write_text(text)
    return len(page)


def compiler():
    """The command of zig, whose C compiler knows WebAssembly; None where it isn't installed."""
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang"]
    found = shutil.which("zig") or shutil.which("python-zig")
    return [found] if found else None


def _network(folder, about, exports):
    """What the page knows of a network, its WebAssembly included. about: what labels.json says."""
    return {
        "name": _name(about), "about": _sentences(about), "labels": about["labels"], "voxels": about["voxels"],
        "webassembly": base64.b64encode(_webassembly(folder, exports)).decode(),
    }  # fmt: skip


def _webassembly(folder, exports):
    """Bytes of the network in a deployed folder, with the functions and arrays of page.c that the page may use."""
    if not (folder / "model.c").is_file():
        raise InputError(f"{folder}: it holds no model.c, and the page is made of it; the folder's README.md says why")
    zig = compiler()
    if zig is None:
        raise InputError("page.html: no compiler for WebAssembly is installed; type pip install ziglang")
    with tempfile.TemporaryDirectory() as place:
        output = Path(place) / "network.wasm"
        chosen = [f"-Wl,--export={name}" for name in exports]
        command = [
            *zig,
            "cc",
            *COMPILE.split(),
            *chosen,
            "-I",
            HERE / "c",
            "-I",
            folder,
            "-o",
            output,
            *SOURCES,
            folder / "model.c",
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise InputError(f"{folder / 'model.c'}: zig doesn't compile it ({done.stderr.strip()[:200]}); export it again")
        return output.read_bytes()


def _name(about):
    origin = about.get("origin")
    if not origin:
        return "network"
    return origin["method"] if origin["method"] == "parent" else f"{origin['method']} {origin['level_percent']} %"


def _sentences(about):
    """Which network it is and how accurate, as far as its folder says."""
    origin, accuracy = about.get("origin"), about.get("accuracy")
    words = [f"experiment {about['experiment']}"] if "experiment" in about else []
    if origin:
        level = [] if origin["method"] == "parent" else [f"{origin['level_percent']} % pruned"]
        words += [f"method {origin['method']}", *level, f"seed {origin['seed']}"]
    which = ", ".join(words) or "its folder doesn't say from which experiment"
    if not accuracy:
        return f"The network: {which}. How accurate it is, its folder doesn't say."
    low, high = accuracy["interval_percent"]
    return (
        f"The network: {which}. {accuracy['percent']:.1f} % of its answers are right on {accuracy['test_objects']} test objects of "
        f"{accuracy['data']} (95 % interval {low:.1f} to {high:.1f})."
    )
