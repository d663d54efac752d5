"""The answer in plain sentences, each made from the numbers of `voxprune.answer.findings`."""

import pandas as pd

from voxprune.answer.comparison import MOST_SEEDS
from voxprune.answer.summary import COSTS, counted

SEEDS_ADVISED = 6  # five can't reach p < 0.05 in a sign-flip test, six can
TOLD_BUDGETS = (50, 25)  # percent of the parent's cost; the tables have more
NOTHING = "–"  # in a table; a hyphen would begin a list in reStructuredText
# Snakemake's report centres its front page in a narrow column, which cuts off the beginning of a page taller than the window.
STYLE = """.. raw:: html

   <style>.h-screen.items-center {align-items: safe center} .prose.max-w-lg {max-width: 60rem}</style>

"""
UNITS = {"filter": "filters", "weight": "weights of the convolutions"}


def tell(answer: dict) -> list:
    """The answer as blocks for `render`: [(kind, content)], kind one of title, heading, text, list, table."""
    return [
        ("title", f"{answer['experiment']}: how far can the network be pruned?"),
        ("text", _headline(answer)),
        ("text", _evidence(answer)),
        *([("text", "Warning: " + answer["warnings"])] if answer["warnings"] else []),
        ("table", _overview(answer)),
        ("heading", "Method by method"),
        ("list", [_method_sentence(name, method, answer) for name, method in answer["methods"].items()]),
        ("heading", "Filters or weights?"),
        ("text", _trade_off(answer)),
        *([("heading", "At equal cost"), ("list", _equal_cost(answer))] if answer["at_equal_cost"] else []),
        ("heading", "What the original study claimed, and what was found here"),
        ("list", _study(answer)),
    ]


def render(blocks: list, markup: str) -> str:
    """Blocks as text. markup: markdown | rst, whose bold text must hold no code."""
    parts = []
    for kind, content in blocks:
        if kind == "table":
            parts.append(content.to_markdown(index=False, tablefmt="github" if markup == "markdown" else "rst",
                                             disable_numparse=True))  # fmt: skip
        elif kind == "list":
            parts.append("\n".join(f"- {item}" for item in content))
        elif kind == "text" or markup == "markdown":
            parts.append({"title": "# ", "heading": "## "}.get(kind, "") + content)
        else:
            parts.append(f"{content}\n{('=' if kind == 'title' else '-') * len(content)}")
    text = "\n\n".join(parts) + "\n"
    return text if markup == "markdown" else STYLE + text.replace("`", "``")


def _headline(answer):
    margin = counted(answer["margin_points"], "point")
    useful = {name: method for name, method in answer["methods"].items() if method["largest"]}
    if not useful:
        return (
            f"**No method and level tested here is shown to keep the parent's accuracy to within {margin}.** "
            "For each method, the list below says whether accuracy is lost or the evidence is too thin."
        )
    most = {}
    for cost in ("macs", "compressed_bytes"):
        saved = {name: method["largest_saving"][cost]["percent"] for name, method in useful.items()}
        name = max(saved, key=saved.get)
        if round(saved[name]) > 0:
            most[cost] = f"{name} saves most {_short(cost)}, {saved[name]:.0f} %"
    said = "; ".join(most.values()) or "no network tested here is shown to save anything on the device"
    return f"**Without losing {margin} of accuracy, {said}.**"


def _evidence(answer):
    seeds, parent, cell = answer["seeds"], answer["parent"], answer["measured_in"]
    text = (
        f"The parent reaches {parent['mean']:.1f} % ({parent['low']:.1f} to {parent['high']:.1f}) of {answer['n_samples']} test "
        f"objects, {f'mean of {len(seeds)} seeds' if len(seeds) > 1 else 'one seed'}. A level counts as non-inferior when a one-sided paired test "
        f"at {answer['confidence_percent']:g} %, corrected for {_all_tests(answer['tests'])} (Holm), excludes a loss of "
        f"{counted(answer['margin_points'], 'point')} or more. All intervals are of {answer['confidence_percent']:g} %. "
    )
    if answer["detectable_drop_points"] is not None:
        text += (
            f"At the levels that limit the methods, a true drop of {_range(answer['detectable_drop_points'])} points would be "
            "noticed in 80 of 100 such experiments; undecided does not mean equal. "
        )
    if len(seeds) == 1:
        text += f"One seed says nothing about other parents, which may lose accuracy at other levels; use {SEEDS_ADVISED} or more. "
    elif len(seeds) < SEEDS_ADVISED:
        text += f"{len(seeds)} seeds are few; {SEEDS_ADVISED} or more narrow the intervals. "
    where = "" if cell["device"] != "cpu" else f", {counted(cell['threads'], 'thread')}"
    return text + (
        f"Time is of a batch of {cell['batch_size']} in {cell['engine']}, where the parent is fastest, on {cell['hardware']}{where}."
    )


def _all_tests(tests):
    return f"all {tests} tests" if tests > 1 else counted(tests, "test")


def _range(found):
    low, high = f"{found['low']:.1f}", f"{found['high']:.1f}"
    return low if low == high else f"{low} to {high}"


def _overview(answer):
    rows = []
    for name, method in answer["methods"].items():
        found = method["largest"]
        saved = found["saved_percent"] if found else dict.fromkeys(COSTS)
        rows.append(
            {
                "method": name,
                "largest level": f"{found['level_percent']:g} %" if found else "none",
                "difference, points": points_text(found["difference_points"]) if found else NOTHING,
                "MACs saved": _percent(saved["macs"]),
                "parameters saved": _percent(saved["parameters"]),
                "stored bytes saved": _percent(saved["compressed_bytes"]),
                "speed": speed_text(found["speedup"]) if found else NOTHING,
                **({"energy saved": _percent(saved["energy_mj"])} if _any_energy(answer) else {}),
                "next level": _limit(method["limited_by"]),
            }
        )
    return pd.DataFrame(rows)


def _any_energy(answer):
    found = [method["largest"] for method in answer["methods"].values() if method["largest"]]
    return any(one["saved_percent"]["energy_mj"] is not None for one in found)


def _limit(network):
    return "none tested" if network is None else f"{network['level_percent']:g} %: {network['verdict']}"


def _method_sentence(name, method, answer):
    found, unit = method["largest"], UNITS[method["unit"]]
    if found is None:
        return f"`{name}`: no level is shown to keep accuracy. {_why_not(method['limited_by'], answer)}"
    verb = "removed" if method["apply"] == "remove" else "set to zero"
    what = (
        f"{found['level_percent']:g} % of the {unit} can be {verb}"
        if found["level_percent"]
        else "unpruned, trained on for as long"
    )
    text = f"`{name}`: {what}: {against_parent(found['difference_points'])}. {_saving_sentence(found)} "
    if method["not_shown_below"]:
        text += f"The lower level {_levels(method['not_shown_below'])} is not shown to keep accuracy. "
    worst = found["worst_class"]
    if worst["difference_points"]["high"] < 0:
        text += f"The class hurt most is {worst['name']}: {points_text(worst['difference_points'])} points. "
    return text + (_why_not(method["limited_by"], answer) if method["limited_by"] else "No higher level was tested.")


def _saving_sentence(found):
    saved = [f"{value:.0f} % of the {_short(cost)}" for cost, value in found["saved_percent"].items()
             if cost != "latency_ms" and value and round(value) > 0]  # fmt: skip
    costs_more = [_short(cost) for cost, value in found["saved_percent"].items() if value and round(value) < 0]
    text = "That saves " + (_listing(saved) if saved else "nothing") + "; " + _time_sentence(found["speedup"])
    return text + (f" It costs more {_listing(costs_more)}." if costs_more else "")


def _time_sentence(speedup):
    if speedup is None:
        return "its time wasn't measured."
    if speedup["verdict"] == "no difference":
        return "it runs no faster: the difference is smaller than the noise of measuring the parent twice."
    return f"it runs at {speed_text(speedup)} the parent's speed."


def _why_not(network, answer):
    """Why this level is not taken."""
    at, seeds = f"{network['level_percent']:g} %", len(answer["seeds"])
    if network["collapsed"]:
        return f"At {at} a layer has no filters or weights left, and the network gives the same answer for every object."
    if network["verdict"] == "inferior":
        return f"At {at} {against_parent(network['difference_points'])}: more than the margin is lost."
    text = f"At {at} the evidence is inconclusive: {against_parent(network['difference_points'])}"
    if network["difference_points"]["mean"] <= -answer["margin_points"]:
        return text + ", a loss of the margin or more if it stays so."
    if seeds == 1:
        return text + ". One seed is too few to decide this, or to say how many would be enough."
    if network["seeds_needed"]:
        return (
            text
            + f". This is inconclusive with {seeds} seeds; about {network['seeds_needed']} would suffice at this mean and variance."
        )
    return text + f". This is inconclusive with {seeds} seeds, and would be with {MOST_SEEDS} at this mean and variance."


def against_parent(points: dict) -> str:
    side = "equals the parent's" if round(points["mean"], 1) == 0 else f"is {abs(points['mean']):.1f} points " + (
        "higher" if points["mean"] > 0 else "lower") + " than the parent's"  # fmt: skip
    return f"accuracy {side} ({signed(points['low'])} to {signed(points['high'])})"


def _trade_off(answer):
    said = []
    for unit, verb in (("filter", "remove"), ("filter", "mask"), ("weight", "mask")):
        found = {
            name: method["largest"]
            for name, method in answer["methods"].items()
            if (method["unit"], method["apply"]) == (unit, verb) and method["largest"]
        }
        what = f"{'Removing' if verb == 'remove' else 'Zeroing'} {UNITS[unit]}"
        if found:
            name = max(found, key=lambda name: found[name]["saved_percent"]["compressed_bytes"])
            said.append(f"{what} (`{name}`, {found[name]['level_percent']:g} %): {_lower(_saving_sentence(found[name]))}")
        elif any((method["unit"], method["apply"]) == (unit, verb) for method in answer["methods"].values()):
            said.append(f"{what}: no level is shown to keep accuracy.")
    return " ".join(said)


def _equal_cost(answer):
    lines = []
    for row in answer["at_equal_cost"]:
        if row["budget_percent"] not in TOLD_BUDGETS:
            continue
        budget = f"{row['budget_percent']} % of the parent's {_short(row['cost'])}"
        who = f"At {budget} `{row['best']}` is best" if row["methods"] > 1 else f"Only `{row['best']}` gets to {budget}"
        text = f"{who}: {against_parent(row['difference_points'])}"
        others = row["not_told_apart"]
        lines.append(text + (f"; not told apart from it: {_listing([f'`{one}`' for one in others])}." if others else "."))
    return lines


def _study(answer):
    lines = []
    for claim in dict.fromkeys(row["claim"] for row in answer["study"]):
        rows = [row for row in answer["study"] if row["claim"] == claim]
        lines.append(f"Claimed: {claim}. Found: {'; '.join(map(_found_sentence, rows))}.")
    found = [
        f"`{row['method']}` at {row['level_percent']} %: {speed_text(row['speedup'])}"
        for row in answer["study"]
        if row["speedup"]
    ]
    return [
        *lines,
        "Claimed: weight pruning at 60 % uses about half the GPU that filter pruning uses at 80 %. Found: "
        + (f"speed against the parent's, {'; '.join(found)}." if found else "not tested here."),
    ]


def _found_sentence(row):
    kept = row["largest_level_percent"]
    text = f"`{row['method']}` is non-inferior {reach(kept, row['not_shown_below'])}"
    if row["verdict"] is None:
        return text + f", {row['level_percent']} % wasn't tested"
    return text + f", and at {row['level_percent']} % {against_parent(row['difference_points'])}, {row['verdict']}"


def reach(largest: float | None, not_shown_below: list) -> str:
    """`up to 50 %`, `at 50 %, but not shown at 10 %`, `at no level`."""
    if largest is None:
        return "at no level"
    return f"at {largest:g} %, but not shown at {_levels(not_shown_below)}" if not_shown_below else f"up to {largest:g} %"


def _levels(percents):
    return f"{_listing([f'{level:g}' for level in percents])} %"


def _short(cost):
    return {"compressed_bytes": "stored bytes"}.get(cost, COSTS[cost])


def speed_text(speedup: dict | None) -> str:
    if speedup is None:
        return NOTHING
    if speedup["verdict"] == "no difference":
        return "no difference"
    return f"{speedup['mean']:.2f}x ({speedup['low']:.2f} to {speedup['high']:.2f})"


def points_text(points: dict) -> str:
    """`+0.3 (-0.5 to +1.1)` of an interval in points."""
    return f"{signed(points['mean'])} ({signed(points['low'])} to {signed(points['high'])})"


def signed(value: float) -> str:
    """`+0.3`, `-1.2`, `+0.0`."""
    return f"{round(value, 1) + 0:+.1f}"  # + 0 makes -0.0 positive


def _percent(value):
    return NOTHING if value is None else f"{value:.0f} %"


def _listing(words):
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _lower(sentence):
    return sentence[0].lower() + sentence[1:]
