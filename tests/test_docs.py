"""The pages in docs/ promise what is there."""

import re

from conftest import ROOT


def test_each_fault_names_a_test_that_exists():
    text = (ROOT / "docs/reliability.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", text)
    assert len(named) == len(rows) > 20
    for file, name in named:
        assert re.search(rf"^def {name}\(", (ROOT / "tests" / file).read_text(), re.MULTILINE), f"{file}::{name}"
