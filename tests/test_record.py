"""Results that were made with another config are never taken for those of this one."""

import pytest

from voxprune.core.errors import InputError
from voxprune.core.record import check_record, write_record

SIX, THIRTY = ({"training": {"epochs": epochs}} for epochs in (6, 30))


@pytest.fixture
def memory(tmp_path):
    """Snakemake's memory, which knows what made some file of another experiment."""
    folder = tmp_path / ".snakemake/metadata"
    folder.mkdir(parents=True)
    (folder / "other").touch()
    return folder


def test_what_ran_here_may_change(tmp_path, memory):
    write_record(tmp_path / "mine/config.yaml", SIX, memory)
    check_record(tmp_path / "mine/config.yaml", THIRTY, memory)


@pytest.mark.parametrize("forgotten", ["voxprune-experiments/mine", "metadata/other"])
def test_what_nobody_remembers_may_not(tmp_path, memory, forgotten):
    """Results copied here beside others, or Snakemake's memory deleted."""
    write_record(tmp_path / "mine/config.yaml", SIX, memory)
    (memory.parent / forgotten).unlink()
    check_record(tmp_path / "mine/config.yaml", SIX, memory)
    with pytest.raises(InputError, match="mine: these results were made with training.epochs 6, now it is 30"):
        check_record(tmp_path / "mine/config.yaml", THIRTY, memory)
