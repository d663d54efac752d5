"""Folders whose files are the choices of a setting: each file is one choice and has its name.

A folder is read without running its files, so that names and facts are known before PyTorch is loaded (which takes seconds),
and so that a choice which isn't used reruns nothing when it changes.
"""

import ast
import functools
import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

PACKAGE = Path(__file__).resolve().parents[1]  # scripts/voxprune
FIRST_FUNCTION = re.compile(r"^(?:def |class |@)", re.MULTILINE)


@dataclass(frozen=True)
class Choice:
    """name: as in the config, that of the file, unless the file sets NAME. summary: the first paragraph of its docstring.
    facts: the constants in capitals that the file sets to plain values above its first function or class, such as
    {"BATCHNORM": True}.
    """

    name: str
    path: Path
    summary: str
    facts: dict


@functools.cache
def choices(folder: str) -> dict[str, Choice]:
    """{name: Choice} of a folder below scripts/voxprune, such as `pruning/criteria/filter`, sorted by name."""
    paths = sorted(path for path in (PACKAGE / folder).glob("*.py") if path.name != "__init__.py")
    return {choice.name: choice for choice in map(_read, paths)}


def load(folder: str, name: str) -> ModuleType:
    """Imports the module behind a choice."""
    return importlib.import_module(".".join(["voxprune", *folder.split("/"), choices(folder)[name].path.stem]))


def _read(path):
    text = path.read_text()
    try:
        tree = ast.parse(FIRST_FUNCTION.split(text, maxsplit=1)[0])  # the rest would take ten times as long
    except SyntaxError:  # a line of the docstring begins with such a word
        tree = ast.parse(text)
    summary = (ast.get_docstring(tree) or "").partition("\n\n")[0].replace("\n", " ")
    facts = dict(filter(None, map(_fact, tree.body)))
    return Choice(facts.get("NAME", path.stem), path, summary, facts)


def _fact(node):
    """(name, value) of a statement such as `BATCHNORM = True`, None for any other."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
        try:
            return node.targets[0].id, ast.literal_eval(node.value)
        except ValueError:  # computed, so nothing to know beforehand
            return None
    return None
