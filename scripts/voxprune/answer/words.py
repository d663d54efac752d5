"""Figures as one says them: differences in points, bounds, speeds, lists."""

import math

from voxprune.answer.summary import COSTS, counted

UNCLEAR = 1.25  # a speedup whose interval reaches beyond this and holds no difference too says nothing
NOTHING = "–"  # in a table; a hyphen would begin a list in reStructuredText


def against_parent(points: dict) -> str:
    """`accuracy is 1.2 points lower than the parent's (-2.0 to -0.4)`."""
    side = "is on average the parent's" if round(points["mean"], 1) == 0 else f"is {abs(points['mean']):.1f} points " + (
        "higher" if points["mean"] > 0 else "lower") + " than the parent's"  # fmt: skip
    return f"accuracy {side} ({signed(points['low'])} to {signed(points['high'])})"


def speed_is_told(speedup: dict | None) -> bool:
    """Whether a measurement tells the speed from the parent's, or that both are alike."""
    if speedup is None or speedup["verdict"] != "no difference":
        return speedup is not None
    return speedup["high"] is not None and speedup["high"] <= UNCLEAR


def speed_words(speedup: dict | None) -> str:
    """`1.9 times as fast`, `0.97 to 1.02 times as fast`."""
    if speedup is None:
        return "of a speed that wasn't measured"
    if not speed_is_told(speedup):
        return "not measured well enough to tell its speed from the parent's"
    if speedup["verdict"] == "no difference":
        return f"{speedup['low']:.2f} to {speedup['high']:.2f} times as fast"
    return (
        f"{speedup['mean']:.2g} times as fast" if speedup["mean"] >= 1 else f"slower ({speedup['mean']:.2g} times as fast)"
    )


def speeds_words(batch: dict | None, one: dict | None, size: int) -> str:
    """`1.9 times as fast in batches of 16 and 1.5 times as fast with one object at a time`; the speeds of a batch, and of one object."""
    if one is None or one == batch:
        return speed_words(batch)
    again = "" if speed_words(one) == speed_words(batch) else f"{speed_words(one)} "
    return f"{speed_words(batch)} in batches of {size} and {again}with one object at a time"


def speed_text(speedup: dict | None, valid: bool = True) -> str:
    """`1.90x (1.80 to 2.00)`, `not told apart (0.97x to 1.02x)`; valid: whether the times can be trusted."""
    if speedup is None:
        return NOTHING
    if not valid:
        return f"INVALID: {speed_text(speedup)}"
    if speedup["verdict"] == "no difference":
        return f"not told apart ({speedup['low']:.2f}x to {speedup['high']:.2f}x)"
    return f"{speedup['mean']:.2f}x ({speedup['low']:.2f} to {speedup['high']:.2f})"


def points_text(points: dict) -> str:
    """`+0.3 (-0.5 to +1.1)` of an interval in points."""
    return f"{signed(points['mean'])} ({signed(points['low'])} to {signed(points['high'])})"


def signed(value: float) -> str:
    """`+0.3`, `-1.2`, `+0.0`."""
    return f"{round(value, 1) + 0:+.1f}"  # + 0 makes -0.0 positive


def at_worst(value: float) -> str:
    """A bound as `signed`, rounded down: it must stay true."""
    return signed(_rounded_down(value))


def at_most(value: float) -> str:
    """The loss that a bound allows: `0.8 points`; `0 points` of one above no loss."""
    return counted(max(0.0, -_rounded_down(value)), "point")


def _rounded_down(value):
    return math.floor(10 * value + 1e-9) / 10


def percent(value: float | None) -> str:
    """`75 %`, of what isn't known a dash."""
    return NOTHING if value is None else f"{value:.0f} %"


def listing(words: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def reach(largest: float | None) -> str:
    """`up to 50 %`, `at no level`."""
    return "at no level" if largest is None else f"up to {largest:g} %"


def short(cost: str) -> str:
    """A cost in a word or two."""
    return {"compressed_bytes": "stored bytes"}.get(cost, COSTS[cost])
