"""What all plots share: one style, one colour and marker a method everywhere, intervals always drawn."""

import math
import textwrap
from contextlib import contextmanager

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator, ScalarFormatter

from voxprune.answer.summary import counted, named
from voxprune.core.files import atomic_write

STYLE = {
    "figure.figsize": (6.4, 4.2), "figure.dpi": 150, "font.size": 10, "axes.grid": True, "grid.alpha": 0.3,
    "axes.spines.top": False, "axes.spines.right": False, "legend.edgecolor": "none", "legend.framealpha": 0.85, "svg.hashsalt": "voxprune",
    "axes.titlesize": 11, "lines.markersize": 5, "text.parse_math": False,  # names may hold $
}  # fmt: skip


# Okabe and Ito's colours, told apart by colour-blind readers; markers and dashes tell them apart in grey.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*"]
DASHES = ["-", "--", ":", "-."]
NOTE_LETTERS_AN_INCH = 17  # of the line below each plot
PARENT_LOOK = {"color": "0.35", "marker": "*", "markersize": 9, "linestyle": ""}


def captioned(text):
    """Gives a function that draws its caption, as it stands in the report. No docstring, because these rerun nothing."""

    def mark(draw):
        draw.caption = text
        return draw

    return mark


def write_plot(stem, draw, *data):
    """Writes `<stem>.png` and `.svg`, and as `.rst` its caption and the line below it."""
    with figure_drawn_by(draw, *data) as figure:
        with atomic_write(stem.with_name(f"{stem.name}.png")) as temporary:
            FigureCanvasAgg(figure).print_png(temporary)  # savefig would draw everything twice
        figure.set_layout_engine("none")  # what the first file has placed stays; placing takes most of the time
        with atomic_write(stem.with_name(f"{stem.name}.svg")) as temporary:
            FigureCanvasSVG(figure).print_svg(temporary, metadata={"Date": None})
        with atomic_write(stem.with_name(f"{stem.name}.rst")) as temporary:
            temporary.write_text(f"{draw.caption}\n\n{figure.get_supxlabel()}\n")


@contextmanager
def figure_drawn_by(draw, *data):
    """A figure into whose axes `draw` has drawn, in the one style; closed at the end."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(layout="constrained")
        draw(axes, *data)
        yield figure
        plt.close(figure)


ACCURACY_INTERVAL = ("accuracy_percent_low", "accuracy_percent_high")


def evidence(answer, bars="bars: {confidence:g} % intervals over seeds and objects"):
    """What accuracies rest on, in one line."""
    return (
        f"{answer['experiment']}: {answer['n_samples']} test objects, {named(answer['seeds'], 'seed')}; "
        f"{bars.format(confidence=answer['confidence_percent'])}; margin {counted(answer['margin_points'], 'point')}"
    )


def invalid(answer):
    """What must stand on every plot of times that can't be trusted; empty where all can."""
    return f"\n{answer['invalid_times']}" if answer["invalid_times"] else ""


def make_panels(axes, count, columns=4, share_x=True, share_y=True):
    """Replaces one pair of axes by `count` that share their scales, at most `columns` side by side; y of a row alone: share_y="row"."""
    figure, rows, columns = axes.figure, math.ceil(count / columns), min(count, columns)
    axes.remove()
    width, height = figure.get_size_inches()
    figure.set_size_inches(width * (1 + 0.45 * (columns - 1)), height * (1 + 0.6 * (rows - 1)))
    panels = figure.subplots(rows, columns, sharex=share_x, sharey=share_y, squeeze=False).flatten()
    for spare in panels[count:]:
        spare.remove()
    return list(panels[:count])


def least_band(axes, rows):
    """A band round 1: ratios of times within it don't count."""
    least = rows["speedup.least_percent"].max() / 100
    axes.axhspan(1 / (1 + least), 1 + least, color="0.88", zorder=0, label="not told apart")


def lines(axes, table, x, y, low=None, high=None, parent=True, looks=None, down_to=None):
    """One line a method with its interval (columns low to high), the parent as a reference line.

    looks: of all methods, where the table may lack some. down_to: no interval is drawn of a mark below, which can't be seen.
    """
    if parent:
        level = table.loc[table["method"] == "parent", y].mean()
        axes.axhline(level, color="0.35", linewidth=1, linestyle=(0, (6, 3)), label="parent", zorder=1)
    looks = {
        name: look for name, look in (looks or method_looks(table["method"])).items() if (table["method"] == name).any()
    }
    beside = places_beside(table, looks)
    for method, look in looks.items():
        levels = table[table["method"] == method].groupby("level_percent")
        centre, at = levels[y].mean(), levels[x].mean()
        if x == "level_percent":
            at += beside[method]
        bounds = pd.DataFrame({"low": levels[low or y].min(), "high": levels[high or y].max()})
        if down_to is not None:
            bounds = bounds.where(centre >= down_to, centre, axis=0)
        axes.errorbar(
            at, centre, yerr=[(centre - bounds["low"]).clip(lower=0), (bounds["high"] - centre).clip(lower=0)], capsize=2,
            elinewidth=0.8, linewidth=1.4, label=method, alpha=0.9, **look,
        )  # fmt: skip


def places_beside(table, looks):
    """{method: how far right of the level its marks stand}, side by side, so that bars don't hide each other."""
    step = min(0.9, 0.5 * table["level_percent"].drop_duplicates().sort_values().diff().min() / max(1, len(looks)))
    return {method: step * (number - (len(looks) - 1) / 2) for number, method in enumerate(looks)}


def method_looks(names):
    """{name: colour, marker and dashes}, the parent left out; in the order of first mention, the same in every plot."""
    kept = [name for name in dict.fromkeys(names) if name != "parent"]
    return {
        name: {
            "color": COLOURS[number % len(COLOURS)],
            "marker": MARKERS[number % len(MARKERS)],
            "linestyle": DASHES[number % len(DASHES)],
        }
        for number, name in enumerate(kept)
    }


def log_scale(axes, *names):
    for name in names:
        axes.set(**{f"{name}scale": "log"})
        axis, (low, high) = getattr(axes, f"{name}axis"), getattr(axes, f"get_{name}lim")()
        if high < 10 * low:  # too narrow for the steps of a logarithmic axis to hold more than a number or two
            axis.set_major_locator(MaxNLocator(5))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(ScalarFormatter())
            continue
        axis.set_major_formatter(FuncFormatter(_plain_number))
        axis.set_minor_formatter(FuncFormatter(_plain_number))


def _plain_number(value, position):
    """20 for 2e1, on a logarithmic axis; only 1, 2 and 5 of each decade, because more would crowd."""
    return f"{value:g}" if f"{value:e}"[0] in "125" else ""


def legend(axes):
    """Inside where few, beside the figure where many or where there are several panels."""
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 4 or len(axes.figure.axes) > 1:
        axes.figure.legend(handles, labels, loc="outside right center", fontsize=8)
    else:
        axes.legend(loc="best", fontsize=9)


def write_note(axes, text):
    """The line below a figure, broken where it would be wider."""
    width = int(NOTE_LETTERS_AN_INCH * axes.figure.get_figwidth())
    text = "\n".join(textwrap.fill(line, width) for line in text.splitlines())
    axes.figure.supxlabel(text, x=0.01, ha="left", fontsize=7.5, color="0.35")
