"""How a network was made."""

from msgspec import Struct

from voxprune.settings.method import Method
from voxprune.settings.training import Recipe
from voxprune.settings.voxels import Grid


class Origin(Struct, frozen=True):
    """How a network was made; it is part of the network's checkpoint.

    seed: of its parent. recipe: how its parent was trained. grid: how the voxels that it takes are made. data_hash: of the
    voxels it was trained on. total_epochs: that its weights were trained for, the parent's among them unless it was trained from
    new weights. training_macs, retraining_macs: multiply-accumulates of all these epochs, and of those after pruning, see
    `cost.training_macs`. teacher_epochs: that its teacher was trained for and that aren't among the total. method, level_percent: by which it was pruned; the parent's are `parent` and 0. pruning: the
    method's settings, None for a parent. finetune_epochs: trained after pruning. equality_max_abs_difference: between the
    logits of the removed and of the masked network, None for masks.
    """

    seed: int
    recipe: Recipe
    grid: Grid
    data_hash: str
    total_epochs: int
    training_macs: int
    retraining_macs: int = 0
    teacher_epochs: int = 0
    method: str = "parent"
    level_percent: int = 0
    pruning: Method | None = None
    finetune_epochs: int = 0
    equality_max_abs_difference: float | None = None
