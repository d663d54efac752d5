"""The container of glTF 2.0: its JSON, the files beside it, and what it may require of a reader. Imports nothing heavy.

Khronos' description: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html (sections 3.2, 3.6.1 and 4).
"""

import base64
import json
import os
from urllib.parse import unquote, unquote_to_bytes

from voxprune.meshes.polygons import BadMesh

GLTF = (".gltf", ".glb")
JSON_CHUNK, BINARY_CHUNK = b"JSON", b"BIN\0"
MOST_JSON, MOST_BYTES = 1 << 28, 1 << 30  # of a .glb's JSON, of a buffer
# What a file may require without a change of its shape, and what is read: extensions whose names begin so.
KNOWN = ("KHR_materials_", "KHR_texture_", "EXT_texture_", "MSFT_texture_", "KHR_lights_", "EXT_lights_", "KHR_technique", "KHR_xmp",
         "KHR_animation_pointer", "KHR_node_", "KHR_mesh_quantization")  # fmt: skip


def read_model(path):
    """(the JSON of a .gltf or .glb as a dict, its binary chunk as bytes or None).

    Raises BadMesh where it is empty or cut short, of another version, or requires an extension that would be misread;
    ValueError, KeyError and the like where it is damaged.
    """
    content = path.read_bytes()
    if not content.strip():
        raise BadMesh("it is empty")
    text, chunk = _chunks(memoryview(content)) if content.startswith(b"glTF") else (content, None)
    model = json.loads(text)
    if not isinstance(model, dict):
        raise BadMesh("its JSON is not that of a glTF")
    asset = model.get("asset", {})
    _check_version(str(asset.get("version", "2.0")), str(asset.get("minVersion", "2.0")))
    for name in model.get("extensionsRequired", []):
        if not name.startswith(KNOWN):
            raise unread(name)
    return model, chunk


def unread(extension):
    """What to raise where a shape needs an extension that can't be read."""
    return BadMesh(f"it needs the extension {ascii(extension)[1:-1][:40]}, which can't be read; export it without")


def buffer_files(path):
    """The files beside a .gltf or .glb that hold its numbers and are there; none for other meshes and damaged ones."""
    if path.suffix.lower() not in GLTF:
        return []
    with open(path, "rb") as file:
        return [buffer for buffer in (_beside(path.parent, uri) for uri in outer_uris(file)) if os.path.isfile(buffer)]


def outer_uris(file):
    """The URIs of the files that hold the numbers of an open .gltf or .glb; none if it is damaged: reading it will say so."""
    try:
        head = file.read(20)
        length = min(int.from_bytes(head[12:16], "little"), MOST_JSON)
        model = json.loads(file.read(length) if head.startswith(b"glTF") else head + file.read())
        uris = [buffer["uri"] for buffer in model.get("buffers", []) if "uri" in buffer]
        return [uri for uri in uris if not uri.startswith("data:")]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def read_buffer(model, chunk, folder, number):
    """The bytes of a buffer: those of the binary chunk, of a data URI, or of a regular file in `folder`.

    No more than `byteLength` is read. Raises BadMesh where there are less or none.
    """
    buffer = entry(model, "buffers", number)
    uri, length = buffer.get("uri"), natural(buffer["byteLength"])
    if length > MOST_BYTES:
        raise BadMesh(
            f"a buffer of it holds {length:,} bytes, more than the {MOST_BYTES:,} that are read; export it coarser"
        )
    if uri is None:
        content = chunk if number == 0 else None
    else:
        content = _data(uri) if uri.startswith("data:") else _file(_beside(folder, uri), length)
    if content is None:
        raise BadMesh(f"its buffer {ascii(uri or number)[:60]} is missing: no such regular file, or no such chunk")
    if len(content) < length:
        raise BadMesh(f"it is cut short: a buffer should hold {length:,} bytes, but holds {len(content):,}")
    return memoryview(content)[:length]


def entry(model, kind, number):
    """Entry of a list of the model, as `accessors`. Raises BadMesh where it holds fewer."""
    entries = model.get(kind, [])
    if natural(number) >= len(entries):
        raise BadMesh(f"it names number {number} of its {kind}, counted from 0, but holds {len(entries)}")
    return entries[natural(number)]


def natural(value):
    """A whole number from 0, also where JSON gives it as 3.0. Raises ValueError or TypeError for anything else."""
    if int(value) != value or value < 0:
        raise ValueError(f"{value} is no number of things")
    return int(value)


def _chunks(content):
    """(text, binary chunk or None) of a .glb."""
    if len(content) < 12:
        raise BadMesh("it is cut short: a .glb begins with 12 bytes")
    version, length = (int.from_bytes(content[at : at + 4], "little") for at in (4, 8))
    _check_version(f"{version}.0", "2.0")
    at, found = 12, {}
    while at + 8 <= len(content):
        end = at + 8 + int.from_bytes(content[at : at + 4], "little")
        length = max(length, end)
        found.setdefault(bytes(content[at + 4 : at + 8]), content[at + 8 : end])
        at = end
    if length > len(content):
        raise BadMesh(f"it is cut short: it announces {length:,} bytes, but holds {len(content):,}")
    return bytes(found[JSON_CHUNK]), found.get(BINARY_CHUNK)


def _check_version(version, least):
    if version.split(".")[0] != "2" or least not in ("2.0", "2"):
        raise BadMesh(f"it is glTF {ascii(version)[1:-1][:20]}, and only 2.0 can be read; export it as glTF 2.0")


def _beside(folder, uri):
    """The file that a URI means: of that name, or percent-encoded as it should be."""
    return folder / uri if os.path.isfile(folder / uri) else folder / unquote(uri)


def _file(path, length):
    if not os.path.isfile(path):  # nor a device or a pipe, which would never end
        return None
    with open(path, "rb") as file:
        return file.read(min(length, os.path.getsize(path)))


def _data(uri):
    head, _, text = uri.partition(",")
    content = unquote_to_bytes(text)
    return base64.b64decode(content + b"=" * (-len(content) % 4), validate=True) if head.endswith(";base64") else content
