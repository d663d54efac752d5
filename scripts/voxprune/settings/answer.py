"""The section `answer`: what counts as a loss, and how sure one must be."""

from typing import Annotated

from msgspec import Meta

from voxprune.settings.section import Section, says


class Answer(Section, frozen=True):
    """What counts as a loss. Fix both before you look at any result; a change reruns only the report."""

    margin_points: Annotated[float, Meta(gt=0, le=100), says(
        "loss of test accuracy that matters to you; a level that is shown to lose less is non-inferior")] = 1.0  # fmt: skip
    confidence_percent: Annotated[float, Meta(ge=50, lt=100), says(
        "of the intervals of accuracy, and of the tests together over all methods and levels; speedups have 95 %")] = 95  # fmt: skip
