"""Trees and archives of meshes: three layouts, seeded splits, junk left out, nothing written where it shouldn't be."""

import os
import random
import shutil
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import CUBE
from voxprune.core.errors import InputError
from voxprune.datasets.archives import choose, extract, find_members
from voxprune.datasets.folders import draw_test, find_classes, find_layout, find_meshes, folder_hash
from voxprune.datasets.source import find_source

FILES = ["a 1.off", "b.obj", "c.STL", "d.ply", "é.glb"]
JUNK = [".DS_Store", "._a 1.off", "README.txt", "texture.png"]
DATASET = {
    "name": "mine",
    "source": "folder",
    "folder": None,
    "archive": None,
    "classes": "all",
    "test_percent": 20,
    "seed": 0,
}


def make_tree(folder, layout):
    for name in ("chair", "night stand"):
        for split in ("train", "test"):
            place = folder / layout.format(name=name, split=split)
            place.mkdir(parents=True, exist_ok=True)
            for file in FILES + JUNK:
                (place / file).write_text(f"{name}/{file}")
    (folder / "__MACOSX" / "chair").mkdir(parents=True)
    (folder / ".git").mkdir()
    return folder


LAYOUTS = ["{name}/{split}", "{split}/{name}", "{name}"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_and_classes_are_recognised_and_junk_is_left_out(tmp_path, layout):
    tree = make_tree(tmp_path / "tree", layout)
    assert find_layout(tree) == layout and find_classes(tree) == ["chair", "night stand"]
    source = find_source(DATASET | {"folder": str(tree)})
    assert source.classes == ["chair", "night stand"] and source.meshes == f"{tree}/{layout}"
    found = find_meshes(source.meshes.format(name="chair", split="train"))
    assert [path.name for path in found] == FILES


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match="absent: no such folder"):
        find_meshes(tmp_path / "absent")
    with pytest.raises(InputError, match="absent: no such folder"):
        find_layout(tmp_path / "absent")
    with pytest.raises(InputError, match="no mesh in it"):
        find_meshes(tmp_path)
    with pytest.raises(InputError, match="0 classes in it"):
        find_classes(tmp_path)
    tree = make_tree(tmp_path / "tree", LAYOUTS[0])
    with pytest.raises(InputError, match="no class 'lamp' in it; choose from chair, night stand"):
        find_source(DATASET | {"folder": str(tree), "classes": ["chair", "lamp"]})
    (tree / "a{b}").mkdir()
    with pytest.raises(InputError, match="a class can't be called 'a{b}'; rename it"):
        find_source(DATASET | {"folder": str(tree)})
    (tree / "a{b}").rmdir()
    shutil.rmtree(tree / "chair/test")
    with pytest.raises(InputError, match="chair/test: no such folder"):
        find_source(DATASET | {"folder": str(tree)})


NAMES = st.lists(st.text("abcdefgh", min_size=1, max_size=4), min_size=2, max_size=30, unique=True)


@given(NAMES, st.floats(0.1, 99.9), st.integers(0, 9))
def test_a_drawn_split_follows_its_seed_and_leaves_no_side_empty(names, percent, seed):
    drawn = draw_test(names, percent, seed, "x")
    assert 0 < len(drawn) < len(names) and drawn < set(names)
    assert abs(len(drawn) - len(names) * percent / 100) <= 1
    assert drawn == draw_test(list(reversed(names)), percent, seed, "x")


@given(NAMES, st.integers(0, 9))
def test_another_mesh_moves_at_most_one(names, seed):
    assert len(draw_test(names[:-1] if len(names) > 2 else names, 30, seed, "x") ^ draw_test(names, 30, seed, "x")) <= 2


def test_a_folder_without_splits_is_split(tmp_path):
    folder = make_tree(tmp_path, "{name}") / "chair"
    train, test = (find_meshes(folder, split, 40, 0) for split in ("train", "test"))
    assert len(test) == 2 and sorted(path.name for path in train + test) == FILES
    for path in train:
        path.unlink()
    test[0].unlink()
    with pytest.raises(InputError, match="chair: one mesh can't be split"):
        find_meshes(folder, "train", 40, 0)


def test_folder_hash_follows_content_not_dates(cube, tmp_path):
    before = folder_hash([cube], tmp_path / "cache")
    cube.touch()
    assert folder_hash([cube], tmp_path / "cache") == before
    cube.write_text(CUBE.replace("1 1 1", "1 1 2"))
    changed = folder_hash([cube], tmp_path / "cache")
    assert changed != before
    (tmp_path / "other.off").write_text(CUBE)
    assert folder_hash([cube, tmp_path / "other.off"], tmp_path / "cache") != changed
    for memory in (tmp_path / "cache").iterdir():
        memory.write_text("{")
    assert folder_hash([cube], tmp_path / "cache") == changed


def test_the_buffer_of_a_gltf_counts(tmp_path):
    (tmp_path / "x.gltf").write_text('{"buffers": [{"uri": "x.bin"}, {"uri": "data:,"}, {}]}')
    (tmp_path / "x.bin").write_bytes(b"1")
    before = folder_hash([tmp_path / "x.gltf"], tmp_path / "cache")
    (tmp_path / "x.bin").write_bytes(b"22")
    assert folder_hash([tmp_path / "x.gltf"], tmp_path / "cache") != before


def test_meshes_that_cannot_be_reached_or_named_are_told(tmp_path):
    tree = make_tree(tmp_path / "tree", "{name}/{split}")
    (tree / "chair/train/folder.off").mkdir()
    assert [path.name for path in find_meshes(tree / "chair/train")] == FILES  # a folder is no mesh
    (tree / "chair/train/link.off").symlink_to(tmp_path / "nowhere.off")
    with pytest.raises(InputError, match="link.off: a link to a file that isn't there; mend or remove it"):
        find_source(DATASET | {"folder": str(tree)})
    (tree / "chair/train/link.off").unlink()
    os.mkfifo(tree / "chair/train/pipe.off")
    with pytest.raises(InputError, match="pipe.off: neither a file nor a folder; remove it"):
        find_source(DATASET | {"folder": str(tree)})
    (tree / "chair/train/pipe.off").unlink()
    try:
        (tree / "chair/train" / os.fsdecode(b"\xff.off")).touch()
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    with pytest.raises(InputError, match="udcff.off': its name is not UTF-8; rename it"):
        find_source(DATASET | {"folder": str(tree)})


@pytest.mark.parametrize("layout", LAYOUTS[:2])
def test_splits_in_capitals_are_refused_in_a_tree(tmp_path, layout):
    tree = make_tree(tmp_path / "tree", layout)
    for folder in sorted(tree.rglob("*"), reverse=True):
        if folder.name in ("train", "test"):
            folder.rename(folder.with_name(folder.name.title()))
    if (tree / "train").exists() or (tree / "chair/train").exists():
        pytest.skip("this file system knows no capitals")
    with pytest.raises(InputError, match="rename its folders Train and Test to train and test"):
        find_source(DATASET | {"folder": str(tree)})


# ---- archives ------------------------------------------------------------------------------------------------------


def zip_tree(tree, archive):
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(tree.rglob("*")):
            file.write(path, f"deep/{path.relative_to(tree)}")
    return archive


def archive_of(path, files, compression=zipfile.ZIP_DEFLATED):
    """An archive of files, {name: content}."""
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return path


def extract_tree(archive, folder, classes, test_percent, seed):
    extract(archive, folder, choose(archive, classes, test_percent, seed))


def files_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_archive_holds_what_its_tree_does(tmp_path, layout):
    tree = make_tree(tmp_path / "tree", layout)
    archive = zip_tree(tree, tmp_path / "tree.zip")
    assert find_source(DATASET | {"archive": str(archive)}) == ("data/meshes/mine/{name}/{split}", ["chair", "night stand"])
    extract_tree(archive, tmp_path / "out", ["chair", "night stand"], 40, 0)
    for name in ("chair", "night stand"):
        for split in ("train", "test"):
            place = tree / layout.format(name=name, split=split)
            expected = find_meshes(place, *((split, 40, 0) if layout == "{name}" else ()))
            found = find_meshes(tmp_path / "out" / name / split)
            assert [path.name for path in found] == [path.name for path in expected]
            assert [path.read_bytes() for path in found] == [path.read_bytes() for path in expected]


def test_nothing_is_written_outside(tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as file:
        for name in ("../chair/train/a.off", "/chair/train/b.off", "x/../../chair/train/c.off", "../../d.off", "/etc/e.off",
                     "chair/train/../../../f.off", "..\\..\\g.off", "chair/train/..\\..\\h.off", "chair/train/ok.off", "chair/test/ok.off"):  # fmt: skip
            file.writestr(name, "mesh")
    extract_tree(tmp_path / "evil.zip", tmp_path / "deep/er/out", ["chair"], 20, 0)
    assert files_of(tmp_path) == ["deep/er/out/chair/test/ok.off", "deep/er/out/chair/train/ok.off", "evil.zip"]


def test_a_link_in_an_archive_becomes_a_plain_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "links.zip", "w") as file:
        link = zipfile.ZipInfo("chair/train/link.off")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
        file.writestr("chair/test/b.off", "mesh")
    extract_tree(tmp_path / "links.zip", tmp_path / "out", ["chair"], 20, 0)
    assert not (tmp_path / "out/chair/train/link.off").is_symlink()


@pytest.mark.parametrize(
    "limit, value, sentence",
    [
        ("MOST_MEMBERS", 3, "4 files in it, more than 3; extract it yourself"),
        ("MOST_BYTES", 3 * 10**6, "4,000,000 bytes when extracted, more than 3,000,000"),
        ("_free_bytes", lambda folder: 3 * 10**6, "4,000,000 bytes when extracted, more than is free on this disk"),
    ],
)
def test_bombs_are_refused_before_anything_is_written(tmp_path, monkeypatch, limit, value, sentence):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("chair/train/a", "chair/test/b", "table/train/a", "table/test/b"):
            file.writestr(f"{name}.off", b"0" * 10**6)
    assert (tmp_path / "bomb.zip").stat().st_size < 10**4
    monkeypatch.setattr(f"voxprune.datasets.archives.{limit}", value)
    with pytest.raises(InputError, match=f"bomb.zip: {sentence}"):
        extract_tree(tmp_path / "bomb.zip", tmp_path / "out", ["chair", "table"], 20, 0)
    assert not (tmp_path / "out").exists()


def test_a_member_that_is_larger_than_it_says_is_refused(tmp_path):
    archive = archive_of(tmp_path / "liar.zip", {"chair/train/a.off": b"0" * 10**6})
    members = find_members(archive)
    members[0].info.file_size = 10
    with pytest.raises(InputError, match="liar.zip: chair/train/a.off is damaged"):
        extract(archive, tmp_path / "out", members)
    assert not files_of(tmp_path / "out")


COMPRESSIONS = {
    "stored": zipfile.ZIP_STORED,
    "deflate": zipfile.ZIP_DEFLATED,
    "bzip2": zipfile.ZIP_BZIP2,
    "lzma": zipfile.ZIP_LZMA,
}


@pytest.mark.parametrize("compression", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_damage_anywhere_in_an_archive_is_a_sentence(tmp_path, compression):
    content = archive_of(tmp_path / "x.zip", {f"chair/{split}/a.off": random.Random(0).randbytes(300).hex() for split in ("train", "test")}, compression).read_bytes()  # fmt: skip
    for place in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        (tmp_path / "x.zip").write_bytes(damaged)
        try:
            extract_tree(tmp_path / "x.zip", tmp_path / "out", ["chair"], 20, 0)
        except InputError as error:
            assert "x.zip: " in str(error) and "no space left" not in str(error)


def test_no_class_and_no_mesh_of_an_archive_disappears(tmp_path):
    """As in a tree: where some classes are split, one that isn't is refused."""
    files = {f"w/{name}/{split}/{name}.off": "" for name in ("chair", "sofa") for split in ("train", "test")}
    archive = str(archive_of(tmp_path / "mixed.zip", files | {"w/table/a.off": "", "w/table/b.off": ""}))
    with pytest.raises(InputError, match="mixed.zip: no train meshes of table; take this class out of"):
        find_source(DATASET | {"archive": archive})
    assert find_source(DATASET | {"archive": archive, "classes": ["chair", "sofa"]}).classes == ["chair", "sofa"]
    archive = str(archive_of(tmp_path / "third.zip", files | {"w/chair/val/a.off": "", "w/sofa/val/a.off": ""}))
    assert find_source(DATASET | {"archive": archive}).classes == ["chair", "sofa"]
    archive = str(archive_of(tmp_path / "one.zip", {"chair/a.off": "", "chair/b.off": ""}))
    with pytest.raises(InputError, match="one.zip: 1 class in it; at least two"):
        find_source(DATASET | {"archive": archive})
    for name in ("train/a.off", "train/chair/old/a.off"):
        archive_of(tmp_path / "deep.zip", files | {name: ""})
        with pytest.raises(InputError, match=f"deep.zip: {name} has a split but no class beside it"):
            find_members(tmp_path / "deep.zip")


@pytest.mark.parametrize("layout", LAYOUTS[:2])
def test_splits_in_capitals_are_taken_from_an_archive(tmp_path, layout):
    names = [layout.format(name=name, split=split) for name in ("chair", "sofa") for split in ("Train", "TEST")]
    archive = archive_of(tmp_path / "capitals.zip", {f"{name}/a.off": "mesh" for name in names})
    assert find_source(DATASET | {"archive": str(archive)}).classes == ["chair", "sofa"]
    extract_tree(archive, tmp_path / "out", ["chair"], 20, 0)
    assert files_of(tmp_path / "out") == ["chair/test/a.off", "chair/train/a.off"]


def test_a_gltf_whose_numbers_lie_in_other_files_is_refused(tmp_path):
    files = {
        "chair/train/a.gltf": '{"buffers": [{"uri": "data:,"}, {}]}',
        "chair/test/b.gltf": '{"buffers": [{"uri": "b.bin"}]}',
    }
    archive = archive_of(tmp_path / "x.zip", files)
    with pytest.raises(InputError, match="x.zip: chair/test/b.gltf keeps its numbers in files beside it; .*as .glb"):
        extract_tree(archive, tmp_path / "out", ["chair"], 20, 0)
    assert not (tmp_path / "out").exists()
    archive_of(archive, files | {"chair/test/b.gltf": "{"})  # damaged: reading it will say so
    extract_tree(archive, tmp_path / "out", ["chair"], 20, 0)
    assert files_of(tmp_path / "out") == ["chair/test/b.gltf", "chair/train/a.gltf"]


def test_archives_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(InputError, match="absent.zip: no such archive"):
        find_members(tmp_path / "absent.zip")
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(InputError, match="text.zip: no archive that can be read"):
        find_members(tmp_path / "text.zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as file:
        file.writestr("README", "nothing here")
    with pytest.raises(InputError, match="empty.zip: no meshes in it"):
        find_members(tmp_path / "empty.zip")
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as file:
        file.writestr("one/chair/train/a.off", "1")
        file.writestr("two/chair/train/a.off", "2")
    with pytest.raises(InputError, match="would be the same"):
        find_members(tmp_path / "twice.zip")
    archive = zip_tree(make_tree(tmp_path / "tree", LAYOUTS[0]), tmp_path / "tree.zip")
    content = bytearray(archive.read_bytes())
    content[content.index(b"chair/a 1.off", 100) + 5] ^= 1
    archive.write_bytes(content)
    with pytest.raises(InputError, match="tree.zip: .* damaged or encrypted"):
        extract_tree(archive, tmp_path / "out", ["chair"], 20, 0)
    with pytest.raises(InputError, match="no train meshes of lamp"):
        extract_tree(archive, tmp_path / "out", ["lamp"], 20, 0)


def test_meshes_that_can_not_be_read_are_told_before_any_job(tmp_path):
    for name in ("chair", "table"):
        for file in ("a.off", "b.off", "c.STEP"):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / file).touch()
    dataset = DATASET | {"folder": str(tmp_path)}
    with pytest.raises(
        InputError, match=r"chair/c.STEP.*table/c.STEP: of a format that can't be read; convert to one of \..*skip"
    ):
        find_source(dataset, "fail")
    assert find_source(dataset, "skip").classes == ["chair", "table"]
