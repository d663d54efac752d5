"""The sections `training` and `augmentation`: how a network is trained. Both together are a recipe."""

from typing import Annotated, Literal

from msgspec import Meta

from voxprune.settings.section import Count, Natural, NotNegative, Positive, Section, Share, says


class Training(Section, frozen=True):
    """How networks are trained; also the from-scratch control and, but for what a method says, retraining."""

    epochs: Annotated[Count, says("raise until the validation accuracy in training.csv stops rising; fewer are faster")] = 6
    batch_size: Annotated[Count, says(
        "objects per step; many make an epoch faster, few make it learn more; lower it when memory runs out")] = 16  # fmt: skip
    optimiser: Annotated[Literal["sgd", "adam"], says("sgd | adam (AdamW, which needs less tuning)")] = "adam"
    learning_rate: Annotated[Positive, says(
        "lower it when the loss jumps or becomes nan; write 0.001, not 1e-3, which YAML reads as text")] = 0.002  # fmt: skip
    momentum: Annotated[Share, says("of sgd")] = 0.9
    weight_decay: Annotated[NotNegative, says(
        "pulls weights towards zero; raise it when training accuracy is far above validation accuracy")] = 0.01  # fmt: skip
    schedule: Annotated[Literal["constant", "cosine", "onecycle"], says(
        "constant | cosine (down to 0 at the last step) | onecycle (up for 30 % of the steps, then down)")] = "cosine"  # fmt: skip
    label_smoothing: Annotated[Share, says("share of the target spread over all classes; 0.1 helps large networks")] = 0.0
    average_decay: Annotated[Share, says(
        "keep a moving average of the weights over steps instead of the last: 0.998 helps long trainings; 0: none")] = 0.0  # fmt: skip
    logit_adjustment: Annotated[NotNegative, says(
        "0.5 to 1 where rare classes must be recognised as well as frequent ones; 0: none")] = 0.0  # fmt: skip
    precision: Annotated[Literal["float32", "bfloat16"], says(
        "bfloat16: mixed precision, 2 to 3 times faster on CPUs with AMX, slow on others; on an H100 no faster for `resnet3d`")] = "float32"  # fmt: skip
    validation_share: Annotated[float, Meta(ge=0, le=0.9), says(
        "of each class's training objects, held out to choose the best epoch; 0: the last epoch is used")] = 0.1  # fmt: skip

    def contradictions(self, config):
        if self.optimiser != "sgd" and self.momentum != Training().momentum:
            yield f".momentum {self.momentum} is of sgd; leave it out or use `optimiser: sgd`"


class Augmentation(Section, frozen=True):
    """How training objects vary; drawn anew every epoch. Each usually needs more epochs, and may raise accuracy."""

    rotation_degrees: Annotated[float, Meta(ge=0, le=180), says(
        "turned about the up axis by up to this; 180 for objects without a common front")] = 0  # fmt: skip
    flip_probability: Annotated[float, Meta(ge=0, le=1), says(
        "of mirroring x, and of mirroring y; 0.5 where a mirrored object is as likely")] = 0.0  # fmt: skip
    scale_percent: Annotated[float, Meta(ge=0, lt=100), says("stretched or squeezed by up to this on each axis; try 15")] = 0
    shift_cells: Annotated[Natural, says("moved by up to this many cells on each axis; try 1 or 2")] = 0
    mixup_alpha: Annotated[NotNegative, says(
        "objects and labels are mixed in pairs by shares from Beta(alpha, alpha); 0.2 helps long trainings, rare classes most"
    )] = 0.0  # fmt: skip


class Recipe(Training, frozen=True):
    """How a network is trained, augmentation included."""

    augmentation: Augmentation = Augmentation()
