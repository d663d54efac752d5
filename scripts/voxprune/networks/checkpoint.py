"""Checkpoints that rebuild their network: tensors, and in the metadata all that describes them."""

import hashlib
import json

import msgspec
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes

from voxprune.core.errors import InputError
from voxprune.core.files import atomic_write
from voxprune.networks.build import build_network, resize
from voxprune.networks.origin import Origin


def save_checkpoint(network, path, origin):
    """Writes a checkpoint: the tensors, and in the metadata the network's description and its `Origin`."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict(keep_vars=True).items()}
    for name in _repeated(network):  # safetensors refuses tensors that share memory
        tensors[name] = tensors[name].clone()
    # One metadata key: safetensors writes several in random order, and equal checkpoints shall be equal files.
    about = {"description": network.description, "origin": msgspec.to_builtins(origin)}
    metadata = json.dumps({**about, "sha256": _digest(about, tensors)}, sort_keys=True)
    with atomic_write(path) as temporary:
        temporary.write_bytes(to_bytes(tensors, {"voxprune": metadata}))


def load_checkpoint(path):
    """Reads a checkpoint: (network in eval mode on the CPU, its `Origin`).

    Raises InputError where the file isn't a voxprune checkpoint, is damaged, or its tensors don't fit its description.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = json.loads(file.metadata()["voxprune"])
        # At addresses of torch's own choice: in a file they lie anywhere, and some kernels then round otherwise.
        tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
        if metadata.pop("sha256") != _digest(metadata, tensors):
            raise ValueError("its content has changed since it was written")
        description = metadata["description"]
        if not isinstance(description["resolution"], int):  # it is handed to the code that makes the network
            raise ValueError("its resolution is no number")
        network = build_network(description["network"], description["resolution"], description["classes"])
        resize(network, tensors)
        origin = msgspec.convert(metadata["origin"], Origin)
        if network.description != description:
            raise ValueError("its tensors don't fit its description")
    except FileNotFoundError:
        raise InputError(f"{path}: no such checkpoint; run the job that makes it first") from None
    except InputError:
        raise
    except Exception as error:  # safetensors, JSON and torch each raise their own kinds
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not a voxprune checkpoint ({reason}); delete it and run again") from error
    return network.eval(), origin


def _repeated(network):
    """Names under which a tensor is held again: of tied weights, and of modules under two names."""
    seen, found = set(), []
    for name, tensor in network.state_dict(keep_vars=True).items():
        if tensor.untyped_storage().data_ptr() in seen and tensor.numel():
            found.append(name)
        seen.add(tensor.untyped_storage().data_ptr())
    return found


def _digest(about, tensors):
    """SHA-256 over what a checkpoint says and holds: safetensors itself notices no changed byte in a tensor."""
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
