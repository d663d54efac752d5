import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

CUBE = """OFF
8 6 0
0 0 0
1 0 0
1 1 0
0 1 0
0 0 1
1 0 1
1 1 1
0 1 1
4 0 3 2 1
4 4 5 6 7
4 0 1 5 4
4 1 2 6 5
4 2 3 7 6
4 3 0 4 7
"""


@pytest.fixture
def cube(tmp_path):
    """A folder with one `.off` file, the unit cube out of quads."""
    (tmp_path / "cube.off").write_text(CUBE)
    return tmp_path / "cube.off"


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
