"""A figure that was counted, or the reason why there is none."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """A counted figure, or None and why."""

    value: float | dict | None
    reason: str | None = None
