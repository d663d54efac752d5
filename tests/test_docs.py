"""The pages in docs/ promise what is there."""

import re

from conftest import ROOT, snakemake


def test_each_fault_names_a_test_that_exists():
    text = (ROOT / "docs/reliability.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", text)
    assert len(named) == len(rows) > 20
    for file, name in named:
        assert re.search(rf"^def {name}\(", (ROOT / "tests" / file).read_text(), re.MULTILINE), f"{file}::{name}"


def edges(graph):
    """{(rule, rule that needs it)} of a graph in Mermaid's words."""
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", graph))
    return {(names[one], names[other]) for one, other in re.findall(r"(id\d+) --> (id\d+)", graph)}


def test_the_graph_of_the_readme_is_that_of_the_workflow():
    readme = (ROOT / "README.md").read_text()
    found = edges(readme[readme.index("```mermaid") :])
    assert len(found) > 20 and found == edges(snakemake(ROOT, "--rulegraph", "mermaid-js"))


def test_every_rule_stands_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    rules = {rule for path in (ROOT / "rules").glob("*.smk") for rule in re.findall(r"rule (\w+):", path.read_text())}
    assert len(rules) > 15 and not [rule for rule in rules if f"`{rule}`" not in readme]
