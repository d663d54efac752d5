"""The section `measurement`: what networks demand while they run, and how long that is measured."""

from typing import Annotated, Literal

from msgspec import Meta

from voxprune.core.registry import choices
from voxprune.settings.section import EACH_ONCE, Count, Natural, NotNegative, Positive, Section, one_of, says

ENGINES = "measurement/engines"


class Windows(Section, frozen=True):
    """How long everything is measured."""

    threads: Annotated[tuple[Count | Literal["all"], ...], EACH_ONCE, says(
        "CPU threads of the measured network; all: every core that this process may use")] = (1,)  # fmt: skip
    repetitions: Annotated[int, Meta(ge=2), says(
        "latency: rounds over all networks in random order; differences are paired by round, and of ten the least and the "
        "greatest are left out")] = 10  # fmt: skip
    seconds: Annotated[Positive, says(
        "latency: at least this long a network, cell (engine, threads, batch size) and round")] = 0.02  # fmt: skip
    calls: Annotated[Count, says("latency: at least this many calls a network, cell and round")] = 1
    warmup_calls: Annotated[Natural, says("before each round and window, not counted")] = 1
    warmup_seconds: Annotated[NotNegative, says("and on a GPU at least this long, until its clocks are up")] = 0
    windows: Annotated[Count, says("throughput, utilization, energy: windows per network and cell")] = 1
    window_seconds: Annotated[Positive, says("each at least this long; energy needs 10")] = 0.05


FULL = Windows(
    threads=(1, "all"), repetitions=10, seconds=2, calls=200, warmup_calls=50, warmup_seconds=3, windows=5, window_seconds=10
)


class Conditions(Section, frozen=True):
    """What is measured; for how long is set by the windows."""

    detail: Annotated[Literal["brief", "full"], says(
        "brief: minutes, shows large differences | full: hours, for a publication")] = "brief"  # fmt: skip
    engines: Annotated[tuple[Annotated[str, one_of(choices(ENGINES))], ...], EACH_ONCE, says(
        "runtimes; add torch-compile where minutes for each network don't matter")] = ("torch", "onnxruntime", "openvino")  # fmt: skip
    batch_sizes: Annotated[tuple[Count, ...], EACH_ONCE, says(
        "objects per call: 1 for the latency of one object, many for throughput; 64 keeps a GPU busier")] = (1, 16)  # fmt: skip
    least_percent: Annotated[NotNegative, says(
        "the least difference in time or energy that counts, fixed before measuring; a smaller one is 'no difference'")] = 1.0  # fmt: skip


class Measurement(Conditions, frozen=True):
    """What networks demand while they run, measured alone on the machine; a change reruns measuring, the report and methods with `budget: latency`."""

    brief: Windows = Windows()
    full: Windows = FULL
