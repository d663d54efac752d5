"""The page on the original study: its figures are the published ones, its sentences come from the two experiments."""

import importlib
import json

import pytest

from made_up import answer, experiment
from voxprune.report import original_study


@pytest.fixture
def results(tmp_path):
    """Two finished experiments, as far as the page reads them; in both, 20 % are lost at `filter` 80 %, none at `weight` 60 %."""
    outcomes, summary, demand = experiment(lost={"filter": {10: 0, 80: 20}, "weight": {60: 0, 80: 3}})
    tables, found = answer(outcomes, summary, demand)
    for name in ("again", "corrected"):
        (tmp_path / name / "statistics").mkdir(parents=True)
        tables["levels"].to_csv(tmp_path / name / "statistics/levels.csv", index=False)
        (tmp_path / name / "answer.json").write_text(json.dumps({**found, "experiment": name}))
    return tmp_path


def test_the_published_noise():
    """Published by the study: ten readings of networks that run the same kernels; one of them made the headline."""
    _, utilization = original_study._published()
    assert (round(utilization.mean(), 3), round(utilization.std(ddof=1), 3)) == (0.605, 0.191)
    assert utilization.min() == original_study.PUBLISHED[60][1] == 0.217 and original_study.PUBLISHED[0][0] == 79.07


def test_the_page_puts_claims_beside_findings(results):
    module = importlib.import_module("compare_with_study")
    options = ["--reproduction", results / "again", "--correction", results / "corrected", "--commands", "snakemake --configfile a.yaml",
               "--page", results / "page.md", "--pictures", results / "pictures"]  # fmt: skip
    module.main(module.parse().parse_args(list(map(str, options))))
    page = (results / "page.md").read_text()
    assert page.count("`weight` at 60 %: accuracy is on average the parent's") == 2
    assert "`filter` is shown up to 10 %, `weight` up to 60 %" in page
    assert "`weight` at 60 %: not told apart (0.98x to 1.02x), `filter` at 80 %: 2.78x (2.72 to 2.83)" in page
    assert "mean 0.605 and standard deviation 0.191" in page
    assert "snakemake --configfile a.yaml" in page and "nan" not in page.replace("non-inferior", "")
    for name in ("accuracy", "demand"):
        assert (results / f"pictures/original_study_{name}.png").read_bytes().startswith(b"\x89PNG")
