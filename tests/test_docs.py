"""The pages say what is there: every link, picture, command, rule and test that they name exists."""

import importlib
import re
import shlex

import pytest
import yaml
from snakemake.cli import get_argument_parser
from snakemake.utils import update_config

from conftest import ROOT, snakemake
from voxprune.core.registry import choices
from voxprune.settings.config import check_config, without_removed_methods

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def page_name(path):
    return str(path.relative_to(ROOT))


def test_the_readme_takes_one_screen_and_a_half():
    assert len((ROOT / "README.md").read_bytes()) <= 7168


# ---- links ---------------------------------------------------------------------------------------------------------


def anchors(page):
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower())) for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_link_and_picture_leads_somewhere(page):
    text = re.sub(r"`[^`\n]*`", "", FENCED.sub("", page.read_text()))
    for link in LINK.findall(text):
        path, _, anchor = link.partition("#")
        if "://" not in link:
            target = (page.parent / path).resolve() if path else page
            assert target.is_relative_to(ROOT) and target.is_file(), link
            assert not anchor or anchor in anchors(target), link


def test_every_page_of_the_docs_is_reached_from_their_index():
    pages, reached, waiting = {page for page in PAGES if page.parent != ROOT}, set(), [ROOT / "docs/index.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            links = [link.partition("#")[0] for link in LINK.findall(page.read_text())]
            waiting += [(page.parent / link).resolve() for link in links if link.endswith(".md") and "://" not in link]
    assert pages <= reached


def test_every_page_stands_in_the_sites_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text().partition("nav:")[2]
    assert not [page for page in PAGES if page.parent != ROOT and f" {page.relative_to(ROOT / 'docs')}\n" not in navigation]


# ---- commands ------------------------------------------------------------------------------------------------------


def commands(page):
    """The commands in a page's `sh` blocks, each as a list of words."""
    blocks = [content for _, language, content in FENCED.findall(page.read_text()) if language.split(" ")[0] == "sh"]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line.partition(" | ")[0], comments=True))]


COMMANDS = [(page_name(page), words) for page in PAGES for words in commands(page)]


@pytest.mark.parametrize("page, words", COMMANDS, ids=lambda value: value if isinstance(value, str) else " ".join(value))
def test_every_command_names_what_exists(page, words):
    program, *arguments = words
    if program == "snakemake":
        check_snakemake(arguments)
    elif program == "make":
        check_make(arguments)
    elif program == "python":
        check_python(arguments)
    else:
        assert program in OTHERS, f"{page}: {program}"
        OTHERS[program](arguments)


def check_snakemake(arguments):
    """Its options are Snakemake's, and its config files are there."""
    options = get_argument_parser().parse_args(arguments)
    for path in options.configfile or ():
        assert (ROOT / path).is_file(), path


def check_make(arguments):
    """Its targets and variables are in the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    for word in arguments:
        name, given, _ = word.partition("=")
        known = rf"\b{name}\b *\??=|\$\({name}\)" if given else rf"^{name}:"
        assert re.search(known, makefile, re.MULTILINE), word


def check_python(arguments):
    """A stage's own parser takes its options; of other scripts, the options stand in them."""
    script, *options = arguments
    if script == "-m":
        return OTHERS[options[0]](options[1:])
    if script == "-c":
        return compile(options[0], "-c", "exec")
    assert (ROOT / script).is_file(), script
    if script.startswith("scripts/"):
        return takes(importlib.import_module(script.removeprefix("scripts/").removesuffix(".py")).parse(), options)
    for option in options:
        assert not option.startswith("--") or option in (ROOT / script).read_text(), option


def takes(parser, options):
    if "--help" not in options:
        parser.parse_args(options)


def check_files(arguments):
    """Files, folders and tests (`file::test`) that a tool is given exist."""
    for word in arguments:
        if not word.startswith("-"):
            path, _, test = word.partition("::")
            assert (ROOT / path).exists(), word
            assert not test or f"def {test}(" in (ROOT / path).read_text(), word


def check_pip(arguments):
    """A requirements file exists."""
    for option, path in zip(arguments, arguments[1:]):
        assert option not in ("-r", "-c") or (ROOT / path).is_file(), path


def anything(arguments):
    """A program that isn't ours, with nothing of ours in its arguments."""


OTHERS = {
    "ruff": lambda arguments: check_files(arguments[1:]),
    "snakefmt": check_files,
    "pytest": lambda arguments: check_files(arguments[: arguments.index("-m")] if "-m" in arguments else arguments),
    "pip": check_pip,
    ".": anything,  # of `. .venv/bin/activate`, which `make run` makes
    **dict.fromkeys(["git", "sinfo", "nano", "tmux", "less", "docker", "apptainer"], anything),
    "mkdocs": lambda arguments: check_files(["mkdocs.yml"]),
    "pre-commit": lambda arguments: check_files([".pre-commit-config.yaml"]),
}


def test_the_pages_hold_commands():
    assert {"README.md", "CONTRIBUTING.md", "docs/results.md"} <= {page for page, _ in COMMANDS} and len(COMMANDS) > 25


@pytest.mark.parametrize("words", [
    ["snakemake", "--configfile", "experiments/none.yaml"],
    ["make", "nothing"],
    ["make", "refine", "EXPERIMNT=quick"],
    ["python", "scripts/train.py", "--epoch-count", "3"],
    ["python", "scripts/none.py"],
    ["python", "benchmarks/sampling.py", "--turns", "3"],
    ["python", "-m", "pytest", "tests/test_docs.py::test_nothing"],
    ["unknown"],
])  # fmt: skip
def test_a_command_that_names_nothing_is_found(words):
    with pytest.raises((AssertionError, SystemExit, ModuleNotFoundError)):
        test_every_command_names_what_exists("this page", words)


YAML = [(page_name(page), content) for page in PAGES for _, language, content in FENCED.findall(page.read_text())
        if language == "yaml"]  # fmt: skip


@pytest.mark.parametrize("page, content", YAML, ids=lambda value: value if value.endswith(".md") else "config")
def test_every_config_in_the_pages_is_valid(page, content):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(config, yaml.safe_load(content))
    check_config(without_removed_methods(config))


# ---- tables and graphs ---------------------------------------------------------------------------------------------


def test_each_fault_names_a_test_that_exists():
    text = (ROOT / "docs/reliability.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", text)
    assert len(named) == len(rows) > 20
    for file, name in named:
        assert re.search(rf"^def {name}\(", (ROOT / "tests" / file).read_text(), re.MULTILINE), f"{file}::{name}"


def test_each_line_on_reruns_names_a_test_that_exists():
    rows = [line for line in (ROOT / "docs/reruns.md").read_text().splitlines() if line.startswith("| ")][1:]
    tests = "".join(path.read_text() for path in (ROOT / "tests").glob("test_*.py"))
    named = [re.search(r"`(test_\w+)` \|$", row)[1] for row in rows]
    assert len(named) > 10 and not [name for name in named if f"def {name}(" not in tests]


def edges(graph):
    """{(rule, rule that needs it)} of a graph in Mermaid's words."""
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", graph))
    return {(names[one], names[other]) for one, other in re.findall(r"(id\d+) --> (id\d+)", graph)}


def test_the_graph_of_the_docs_is_that_of_the_workflow():
    page = (ROOT / "docs/workflow.md").read_text()
    found = edges(page[page.index("```mermaid") :])
    assert len(found) > 20 and found == edges(snakemake(ROOT, "--rulegraph", "mermaid-js"))


def test_every_rule_and_experiment_stands_in_the_docs():
    page = (ROOT / "docs/workflow.md").read_text()
    rules = {rule for path in (ROOT / "rules").glob("*.smk") for rule in re.findall(r"rule (\w+):", path.read_text())}
    assert len(rules) > 15 and not [rule for rule in rules if f"`{rule}`" not in page]
    experiments = [page_name(path) for path in (ROOT / "experiments").glob("*.yaml")]
    assert len(experiments) >= 5 and not [path for path in experiments if f"`{path}`" not in page]


@pytest.mark.parametrize("section, folders", [
    ("criterion", ["pruning/criteria/filter", "pruning/criteria/weight"]),
    ("retrain", ["training/retraining"]),
])  # fmt: skip
def test_the_choices_that_the_docs_explain_exist(section, folders):
    """The list of all is in docs/settings.md, which is generated; so adding a choice takes no line here."""
    text = (ROOT / "docs/methods.md").read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE))
    assert len(named) > 4 and named <= {name for folder in folders for name in choices(folder)}


def test_every_place_in_the_code_that_the_docs_name_exists():
    """Such as `scripts/voxprune/networks/cost.py`, or, in the table of the index, `networks/cost.py`, with a function behind it."""
    for page in PAGES:
        for path in re.findall(
            r"`((?:scripts|tests|benchmarks|rules|experiments|envs|schemas|profiles)/[\w/.-]+)`", page.read_text()
        ):
            assert (ROOT / path).exists(), f"{page_name(page)}: {path}"
    index = (ROOT / "docs/index.md").read_text().partition("| what | where |")[2]
    for path, name in re.findall(r"`(\w+/\w+\.py)`(?:, `(\w+)`)?", index):
        assert not name or f"def {name}(" in (ROOT / "scripts/voxprune" / path).read_text(), path
