"""The answer in plain sentences, each made from the numbers of `voxprune.answer.findings`."""

from collections.abc import Sequence

import pandas as pd

from voxprune.answer.comparison import BREAK_MARGINS
from voxprune.answer.summary import COSTS, counted
from voxprune.answer.words import (
    NOTHING,
    against_parent,
    at_most,
    at_worst,
    listing,
    percent,
    points_text,
    reach,
    short,
    signed,
    speed_is_told,
    speed_text,
    speed_words,
    speeds_words,
)

ENOUGH_PERCENT = 80  # of experiments that show what is so: a usual aim
SEEDS_ADVISED = 6  # with fewer, few tests decide
TOLD_BUDGETS = (50, 25)  # percent of the parent's cost; the tables have more
# Snakemake's report centres its front page in a narrow column, which cuts off the beginning of a page taller than the window.
STYLE = """.. raw:: html

   <style>.h-screen.items-center {align-items: safe center} .prose.max-w-lg {max-width: 72rem}</style>

"""


def tell(answer: dict, pictures: Sequence[str] = ()) -> list:
    """The answer as blocks for `render`: [(kind, content)], kind one of title, heading, text, list, picture, table.

    In the order a reader needs it: what to take, at what risk, what it rests on, then every method. pictures: the addresses of plots
    that stand below the decision.
    """
    return [
        ("title", f"{answer['experiment']}: how far can the network be pruned?"),
        ("text", decision_text(answer)),
        *[("picture", address) for address in pictures],
        ("table", _overview(answer)),
        ("text", _evidence(answer)),
        *([("heading", "What to know about these figures"), ("list", answer["warnings"])] if answer["warnings"] else []),
        ("heading", "Method by method"),
        ("list", [_method_sentence(name, method) for name, method in answer["methods"].items()]),
        ("text", "Every level stands in `tables/levels.md`, every checkpoint by itself in `tables/seeds.md`."),
        *([("heading", "At equal cost"), ("list", _equal_cost(answer))] if _equal_cost(answer) else []),
        *([("heading", "What the original study claimed, and what was found here"), ("list", _study(answer))]
          if answer["study"] else []),
    ]  # fmt: skip


def render(blocks: list, markup: str) -> str:
    """Blocks as text. markup: markdown | rst, whose bold text must hold no code."""
    parts = []
    for kind, content in blocks:
        if kind == "table":
            parts.append(content.to_markdown(index=False, tablefmt="github" if markup == "markdown" else "rst",
                                             disable_numparse=True))  # fmt: skip
        elif kind == "list":
            parts.append("\n".join(f"- {item}" for item in content))
        elif kind == "picture":
            parts.append(
                f"![]({content})"
                if markup == "markdown"
                else f'.. raw:: html\n\n   <img src="{content}" style="max-width: 100%">'
            )
        elif kind == "text" or markup == "markdown":
            parts.append({"title": "# ", "heading": "## "}.get(kind, "") + content)
        else:
            parts.append(f"{content}\n{('=' if kind == 'title' else '-') * len(content)}")
    text = "\n\n".join(parts) + "\n"
    return text if markup == "markdown" else STYLE + text.replace("`", "``")


def decision_text(answer: dict) -> str:
    """What to take, its cost and its risk; where nothing is shown, the best guess as a guess, and what evidence would do."""
    network, margin = answer["decision"]["network"], counted(answer["margin_points"], "point")
    if network is None and all(method["control"] for method in answer["methods"].values()):
        return "**Only controls were tested here, and a control is never what to take:** others must beat it. Add a method with another `criterion` than random."
    if network is None:
        return (
            f"**Nothing tested here can be taken: no network that saves anything is shown or likely to lose less than {margin} of accuracy.** "
            "Try lower levels, or train longer after pruning (`retrain`)."
        )
    name, at = network["method"], f"{network['level_percent']:g} %"
    if answer["decision"]["kind"] == "shown":
        text = f"**Take {name} at {at}: {_gains(network, answer)}, on average at most {at_most(network['at_worst_points'])} less accurate than the parent** "
        text += f"(estimate {signed(network['difference_points']['mean'])}; {_basis(answer)}; you allowed {margin}). {_breaks(network, answer)}"
    else:
        text = (
            f"**No network that saves anything is shown to lose less than {margin}; the best guess is {name} at {at}** ({_gains(network, answer)}; "
            f"estimate {signed(network['difference_points']['mean'])} points, at worst {at_worst(network['at_worst_points'])}; {_basis(answer)}). "
            + _power(answer)
        )
    after = answer["decision"]["next"]
    if after and answer["decision"]["kind"] == "shown":
        text += f" {_next_level(after)}"
    controls = [f"`{control}`" for control in answer["decision"]["controls"]]
    if controls:
        word = "control" if len(controls) == 1 else "controls"
        text += f" The {word} {listing(controls)} did as well at no more MACs, so nothing shows that ranking filters matters here."
    return text


def _gains(network, answer):
    """`1.90 times as fast, 75 % fewer MACs and 50 % fewer parameters`."""
    saved = [
        f"{value:.0f} % fewer {short(cost)}"
        for cost in ("macs", "parameters", "compressed_bytes")
        if (value := network["saved_percent"][cost]) and round(value) > 0
    ]
    if answer["invalid_times"] is not None:
        return f"{listing(saved) or 'nothing saved'}, at a speed that isn't known, because the times are INVALID (see below)"
    return f"{speeds_words(network['speedup'], network['speedup_one'], answer['measured_in']['batch_size'])}, {listing(saved) or 'nothing saved'}"


def _basis(answer):
    return f"{counted(len(answer['seeds']), 'seed')}, {answer['n_samples']} objects"


def _breaks(network, answer):
    """What is known of seeds that break, and of the checkpoint that one would ship."""
    seeds, checkpoint = len(answer["seeds"]), network["checkpoint"]
    beyond = -checkpoint["at_worst_points"] > answer["margin_points"]
    alone = (
        f"the checkpoint of seed {checkpoint['seed']}, which is the one that is exported, is by itself at most {at_most(checkpoint['at_worst_points'])} less accurate than its "
        f"parent on new objects{', more than you allow, since one network shows less than the mean of all seeds' * beyond}"
    )
    if seeds == 1:
        return f"That speaks of this one parent: another seed's may lose more, and {SEEDS_ADVISED} seeds or more would tell."
    broken = f"{network['broken_seeds'] or 'None'} of {seeds} seeds broke (lost {counted(BREAK_MARGINS * answer['margin_points'], 'point')} or more)"
    return f"{broken}; so few can't rule out, at 95 %, that {network['breaks_at_most_percent']:.0f} % of new ones do, so test the one you ship: {alone}."


def _next_level(network):
    at = f"{network['level_percent']:g} %"
    if network["collapsed"]:
        return f"At {at} a layer keeps nothing, and the network answers the same for every object."
    figures = f"estimate {signed(network['difference_points']['mean'])}, at worst {at_worst(network['at_worst_points'])}"
    return f"{at} {'loses too much' if network['verdict'] == 'inferior' else 'is not safe to assume'}: {figures}."


def _power(answer):
    """What evidence would do."""
    rows = [row for row in answer["power"] if row["seeds"] >= len(answer["seeds"])]
    enough = next((row for row in rows if row["percent"] >= ENOUGH_PERCENT), None)
    last = enough or rows[-1]
    more = [rows[0], last] if last is not rows[0] else [last]
    shown = listing([f"{row['percent']:.0f} with {counted(row['seeds'], 'seed')}" for row in more])
    if enough is rows[0]:
        remedy = "try lower levels, or longer training after pruning (`retrain`)"
    else:
        remedy = "more seeds (`seeds`) decide more than more methods" if enough else "more test objects are needed"
    return (
        f"Until more is known, keep the parent. Of 100 such experiments, so many would show a method's first level if it lost nothing: "
        f"{shown}; {remedy}."
    )


def _evidence(answer):
    parent, cell, one = answer["parent"], answer["measured_in"], answer["measured_one"]
    real = sum(not method["control"] for method in answer["methods"].values())
    methods, controls = real or len(answer["methods"]), 0 < real < len(answer["methods"])
    share = "" if methods == 1 else f" of the {methods} methods{' that are no controls' if controls else ''} together"
    seeds = f"mean of {len(answer['seeds'])} seeds" if len(answer["seeds"]) > 1 else "one seed"
    text = (
        f"The parent, `{answer['network']}` trained on `{answer['dataset']}` at {answer['resolution']}^3 for {counted(answer['epochs'], 'epoch')}, "
        f"reaches {parent['mean']:.1f} % ({parent['low']:.1f} to {parent['high']:.1f}) of {answer['n_samples']} test objects, "
        f"{seeds}. Levels are percent of the filters or weights, or of a method's `budget`{_unpruned(answer)}. 'At worst' is the bound of a one-sided paired test at "
        f"{100 - answer['confidence_percent']:g} % error{share}, rounded down, each method's levels tested in ascending order until one fails; a level is non-inferior when "
        f"at worst it loses less than {counted(answer['margin_points'], 'point')}. The test takes seeds to vary at least as much as chance alone makes them, "
        f"so that 'at worst' can lie well below the interval. 'Inferior' is judged level by level. Intervals are of "
        f"{answer['confidence_percent']:g} %. Speed is of a batch of {cell['batch_size']} in {cell['engine']}, the engine in which the parent is fastest, on "
        f"{cell['hardware']}{_threads(cell)}"
    )
    text += f"; of one object in {one['engine']}{_threads(one)}." if one != cell and one["batch_size"] == 1 else "."
    if answer["recipes_tested"] > len(answer["methods"]):
        text += f" {answer['recipes_tested']} recipes have been tested on these test objects so far: the best of many flatters itself."
    for change in answer["plan_changes"]:
        text += f" {listing(change['keys']).capitalize()} changed after {counted(change['networks_tested'], 'network')} had been tested."
    return text


def _unpruned(answer):
    """What level 0 is, where it was tested."""
    found = [method[key] for method in answer["methods"].values() for key in ("largest", "limited_by")]
    return "; 0 % is the parent itself, trained on for as long" * any(one and one["level_percent"] == 0 for one in found)


def _threads(cell):
    return "" if cell["device"] != "cpu" else f", {counted(cell['threads'], 'thread')}"


def _overview(answer):
    rows, decision, valid = [], answer["decision"], answer["invalid_times"] is None
    guess = decision["network"] if decision["kind"] == "guess" else None
    for name, method in answer["methods"].items():
        guessed = guess is not None and guess["method"] == name
        found = guess if guessed else method["largest"]
        saved = found["saved_percent"] if found else dict.fromkeys(COSTS)
        rows.append(
            {
                "method": name + (" (control)" if method["control"] else ""),
                "largest level": f"{'none; best guess ' * guessed}{found['level_percent']:g} %" if found else "none",
                "difference, points": points_text(found["difference_points"]) if found else NOTHING,
                "at worst": at_worst(found["at_worst_points"]) if found else NOTHING,
                "MACs saved": percent(saved["macs"]),
                "parameters saved": percent(saved["parameters"]),
                "stored bytes saved": percent(saved["compressed_bytes"]),
                "speed": speed_text(found["speedup"], valid) if found else NOTHING,
                **(
                    {"speed, one object": speed_text(found["speedup_one"], valid) if found else NOTHING}
                    if _one_object(answer)
                    else {}
                ),
                **({"energy saved": percent(saved["energy_mj"])} if _any_energy(answer) else {}),
                **({"epochs in all": f"{method['total_epochs']:g}"} if _epochs_differ(answer) else {}),
                **(
                    {"training, of the parent's (teachers apart)": percent(found and found["training_percent"])}
                    if _trained_on(answer)
                    else {}
                ),
                "next level": _limit(method["limited_by"]),
            }
        )
    return pd.DataFrame(rows)


def _one_object(answer):
    return answer["measured_one"]["batch_size"] != answer["measured_in"]["batch_size"]


def _epochs_differ(answer):
    epochs = {method["total_epochs"] for method in answer["methods"].values()}
    return len(epochs) > 1 and None not in epochs


def _trained_on(answer):
    """Whether networks were trained for more or less than their parent."""
    found = [answer["decision"]["network"], *(method["largest"] for method in answer["methods"].values())]
    shares = [one["training_percent"] for one in found if one]
    return any(share is not None and abs(share - 100) >= 1 for share in shares)


def _any_energy(answer):
    found = [method["largest"] for method in answer["methods"].values() if method["largest"]]
    return any(one["saved_percent"]["energy_mj"] is not None for one in found)


def _limit(network):
    if network is None:
        return "none tested"
    if network["collapsed"]:
        return f"{network['level_percent']:g} %: collapsed"
    return f"{network['level_percent']:g} %: {network['verdict']}, {signed(network['difference_points']['mean'])}"


def _method_sentence(name, method):
    found, after = method["largest"], method["limited_by"]
    if found is None:
        return f"`{name}`: no level is shown to keep accuracy. {_why_not(after)}"
    if found["level_percent"] == 0:
        text = f"`{name}`: unpruned, trained on for as long: {against_parent(found['difference_points'])}."
    else:
        verb = "set to zero" if method["apply"] == "mask" else "removed"
        text = (
            f"`{name}`: {method['unit']}s can be {verb} up to level {found['level_percent']:g} %: {against_parent(found['difference_points'])}, "
            f"at worst {at_worst(found['at_worst_points'])}. {_saving_sentence(found)}"
        )
    return f"{text} {_why_not(after) if after else 'No higher level was tested.'}"


def _saving_sentence(found):
    saved = [f"{value:.0f} % of the {short(cost)}" for cost, value in found["saved_percent"].items()
             if cost != "latency_ms" and value and round(value) > 0]  # fmt: skip
    costs_more = [short(cost) for cost, value in found["saved_percent"].items() if value and round(value) < 0]
    text = "That saves " + (listing(saved) if saved else "nothing counted")
    text += f"; it {'runs' if speed_is_told(found['speedup']) else 'is'} {speed_words(found['speedup'])}."
    return text + (f" It costs more {listing(costs_more)}." if costs_more else "")


def _why_not(network):
    """Why this level is not taken."""
    at = f"{network['level_percent']:g} %"
    if network["collapsed"]:
        return f"At {at} a layer has no filters or weights left, and the network gives the same answer for every object."
    if network["verdict"] == "inferior":
        return f"At {at} {against_parent(network['difference_points'])}: more than the margin is lost."
    return f"At {at} the evidence doesn't decide: {against_parent(network['difference_points'])}, at worst {at_worst(network['at_worst_points'])}."


def _equal_cost(answer):
    """One line a budget; costs of which the same is said share a line. Of a single method there is nothing to compare."""
    told: dict = {}
    if len(answer["methods"]) == 1:
        return []
    for row in answer["at_equal_cost"]:
        if row["budget_percent"] in TOLD_BUDGETS:
            figures = {key: value for key, value in row.items() if key != "cost" and key != "difference_points"}
            key = (str(figures), against_parent(row["difference_points"]))
            told.setdefault(key, (row, []))[1].append(short(row["cost"]))
    lines = []
    for row, costs in told.values():
        budget = f"{row['budget_percent']} % of the parent's {listing(costs)}"
        if row["methods"] == 1:
            who = f"Only `{row['best']}` was tested around {budget}"
        elif row["equal_training"]:
            who = f"At {budget} `{row['best']}` is the most accurate"
        else:
            who = (
                f"At {budget} `{row['best']}` is the most accurate, but the methods were not trained for equally many epochs"
            )
        text = f"{who}: {against_parent(row['difference_points'])}{', interpolated between its levels' if row['interpolated'] else ''}"
        others = row["not_told_apart"]
        lines.append(text + (f"; not told apart from it: {listing([f'`{one}`' for one in others])}." if others else "."))
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
    text = f"`{row['method']}` is shown to be non-inferior {reach(row['largest_level_percent'])}"
    if row["verdict"] is None:
        return text + f", {row['level_percent']} % wasn't tested"
    return text + f", and at {row['level_percent']} % {against_parent(row['difference_points'])}, {row['verdict']}"
