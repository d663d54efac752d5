"""Pictures of voxels: near cells hide far ones, all that is seen is drawn."""

import numpy as np

from voxprune.report import preview


def test_a_cube_shows_its_three_near_faces():
    occupancy = np.zeros((8, 8, 8), dtype=bool)
    occupancy[2:6, 2:6, 2:6] = True
    picture = preview.isometric(occupancy)
    assert picture.shape == (33, 32)
    found = {grey: (picture == grey).sum() for grey in np.unique(picture)}
    assert found == {0.4: 16 * 4, 0.6: 16 * 4, 0.85: 16 * 4, 1.0: 33 * 32 - 3 * 64}
    occupancy[3:5, 3:5, 3:5] = False  # inside, unseen
    assert np.array_equal(picture, preview.isometric(occupancy))
    assert (preview.isometric(np.ones((8, 8, 8), dtype=bool)) < 1).sum() == 3 * 64 * 4
    assert (preview.isometric(np.zeros((8, 8, 8), dtype=bool)) == 1).all()


def test_any_name_of_a_class_is_drawn_as_it_is(tmp_path):
    preview.draw({"a $x^ b$ \\frac": np.full((2, 8, 8, 1), 255, np.uint8)}, tmp_path / "preview.png", 2)
    assert (tmp_path / "preview.png").read_bytes().startswith(b"\x89PNG")
