"""The model card, README.md of a deployed folder: plain sentences and tables out of a dictionary, and what isn't known said so."""

import hashlib

UNKNOWN = "Not known: it was not given when this folder was made."


def model_card(about):
    """Markdown of a card. about: a dictionary, every key may be missing:

    name, network, how (a sentence: how it was pruned), classes (list), voxels (dictionary of settings),
    data {name, test_objects, terms}, accuracy_percent, accuracy_interval_percent (low, high), per_class_accuracy_percent {class:
    percent}, macs, parameters, latency (list of {engine, precision, threads, batch_size, median_ms, machine}), agreement {file:
    Change}, missing {file: reason}, files {name: {bytes, sha256}}, licence.
    """
    parts = [
        f"# {about.get('name', 'A voxel classifier')}\n\n{_summary(about)}",
        f"## Use\n\n{_use(about)}",
        f"## Input\n\n{_input(about)}",
        f"## Accuracy\n\n{_accuracy(about)}",
        f"## Cost\n\n{_cost(about)}",
        f"## How it was pruned\n\n{about.get('how', UNKNOWN)}",
        f"## What is not known\n\n{_not_known(about)}",
        f"## Licence and terms\n\n{_terms(about)}",
        f"## Files\n\n{_files(about)}",
    ]
    return "\n\n".join(parts) + "\n"


WAYS = {  # of classifying a mesh, by the file that each needs
    "model.onnx": "With Python, after `pip install numpy onnxruntime` (or `openvino`):\n\n```sh\npython classify.py chair.off\n```",
    "model.c": "Without Python, with any C compiler:\n\n```sh\nmake\n./classify chair.off\n```",
}


def _use(about):
    return "\n\n".join(text for file, text in WAYS.items() if file not in about.get("missing", {}))


PAGE = "In a browser, offline: open `page.html` and drop a mesh on it."


def with_page(card, page):
    """A card that names page.html too. page: its bytes."""
    rows = [line for line in card.splitlines() if line != PAGE and not line.startswith("| `page.html` |")]
    before, after = "\n".join(rows).split("\n\n## Input", 1)
    row = f"| `page.html` | {len(page):,} | `{hashlib.sha256(page).hexdigest()}` |"
    return f"{before.rstrip()}\n\n{PAGE}\n\n## Input{after}\n{row}\n"


def _summary(about):
    classes = about.get("classes", [])
    network = f" The network is `{about['network']}`." if "network" in about else ""
    return f"It takes the voxels of one mesh and names one of {len(classes)} classes: {', '.join(classes)}.{network}"


def _input(about):
    settings = about.get("voxels")
    if not settings:
        return UNKNOWN
    rows = [(f"`{name}`", value) for name, value in settings.items()]
    return (
        "The voxels of a mesh, made with these settings; with others, an up axis that is wrong for example, the answer is wrong and "
        f"nothing says so. The programs here read the settings from this folder.\n\n{_table(('setting', 'value'), rows)}"
    )


def _accuracy(about):
    agreement = [f"`{file}`: {_changed(change)}" for file, change in about.get("agreement", {}).items()]
    if "accuracy_percent" not in about:
        return "\n\n".join([UNKNOWN, *agreement])
    data, interval = about.get("data"), about.get("accuracy_interval_percent")
    within = f" (95 % interval {interval[0]:.1f} to {interval[1]:.1f})" if interval else " (its interval was not given)"
    on = f" on {data['test_objects']} test objects of {data['name']}" if data else ""
    text = f"{about['accuracy_percent']:.1f} % of the answers are right{within}{on}, by the network in float32."
    rows = [(name, f"{percent:.1f}") for name, percent in about.get("per_class_accuracy_percent", {}).items()]
    return "\n\n".join([text, *agreement, *([_table(("class", "right, %"), rows)] if rows else [])])


def _changed(change):
    return (
        f"accuracy changes by {change.points:+.2f} points (95 % interval {change.low:+.2f} to {change.high:+.2f}); "
        f"{change.differ} of {change.objects} test objects get another class than from `model.onnx`, both in ONNX Runtime."
    )


def _cost(about):
    lines = [f"{about['macs']:,} multiply-accumulates an object." if "macs" in about else "Multiply-accumulates: not known."]
    lines += [f"{about['parameters']:,} parameters." if "parameters" in about else "Parameters: not known."]
    rows = [
        (one["engine"], one["precision"], one["threads"], one["batch_size"], f"{one['median_ms']:.3g}", one["machine"])
        for one in about.get("latency", [])
    ]
    head = ("engine", "precision", "threads", "batch size", "median, ms", "machine")
    lines += [_table(head, rows) if rows else "Latency: not measured; `./classify --bench` measures it on your machine."]
    if any(file.startswith("model-int8") for file in about.get("files", {})):
        lines += [
            "`model-int8.onnx` is for OpenVINO. ONNX Runtime's integer kernels for 3D convolutions were two to six times slower than "
            "its float32 in our trials; use `model.onnx` there."
        ]
    return "\n\n".join(lines)


def _not_known(about):
    known = {
        "accuracy_percent": "how accurate it is", "accuracy_interval_percent": "how far that accuracy is luck of the test objects",
        "per_class_accuracy_percent": "how accurate it is in each class", "latency": "how fast it is", "how": "how it was pruned",
        "data": "what data it was trained on",
    }  # fmt: skip
    missing = [f"- {words[0].upper()}{words[1:]}." for key, words in known.items() if not about.get(key)]
    missing += [f"- `{file}` was not written: {reason}." for file, reason in about.get("missing", {}).items()]
    return "\n".join([*missing, *ALWAYS_UNKNOWN])


ALWAYS_UNKNOWN = (
    "- How it does on objects of other classes: it always names one of its own.",
    "- How it does on meshes unlike its training data, scans with holes or clutter for example.",
    "- Whether its confidence is calibrated: it is the softmax of the logits, and no probability.",
)


def _terms(about):
    terms = about.get("data", {}).get("terms", "The terms of the training data were not given: ask for them before use.")
    return f"Licence: {about.get('licence', 'not given, so ask before use')}.\n\nTraining data: {terms}"


def _files(about):
    rows = [(f"`{name}`", f"{one['bytes']:,}", f"`{one['sha256']}`") for name, one in about.get("files", {}).items()]
    return _table(("file", "bytes", "SHA-256"), rows) if rows else UNKNOWN


def _table(head, rows):
    cell = lambda value: str(value).replace("|", "\\|").replace("\n", " ")  # noqa: E731
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(cell, row)) + " |" for row in lines)
