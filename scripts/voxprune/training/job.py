"""What a training works on, and what it can be resumed from."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from voxprune.core import provenance
from voxprune.training.distillation import Teacher
from voxprune.voxels import dataset, shards
from voxprune.voxels.dataset import Voxels


@dataclass(frozen=True)
class Job:
    """voxels: the objects that a network is fitted to. validation: objects held out, which may be none. seed: of the order of
    objects and of augmentation. state_path: where the state of an interrupted training lies. fingerprint: what that state
    must share with this job, see `fingerprint`. report: takes each line of progress.
    teacher: whom the network learns from besides the labels, None for nobody.
    """

    voxels: Voxels
    validation: Voxels
    seed: int
    state_path: Path
    fingerprint: str
    report: Callable = print
    teacher: Teacher | None = None


def continued(network, origin, folder, state_path, code, settings, **more):
    """The job of training a network on: with the objects and the seed of its origin, on the device that it is on.

    folder: of the voxels. code, settings: as in `fingerprint`, besides the voxels. more: further fields of the job.
    """
    classes, device = network.description["classes"], next(network.parameters()).device
    fitted, validation = dataset.load_training(folder, classes, origin.recipe.validation_share, origin.seed)
    mark = fingerprint(code, network, device, [settings, shards.data_hash(folder, classes)])
    return Job(fitted.to(device), validation.to(device), origin.seed, state_path, mark, **more)


def fingerprint(code, network, device, settings):
    """Hash of everything that a training depends on. code: hash of the code. settings: plain data."""
    return provenance.settings_hash([settings, network.description, device.type, code, provenance.versions()["torch"]])
