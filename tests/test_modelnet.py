"""ModelNet10: downloads go on where they stopped, wrong archives are refused, nothing is written outside the folder."""

import hashlib
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from voxprune import modelnet
from voxprune.files import InputError

COUNTS = {"chair": (2, 1), "table": (1, 1)}
MEMBERS = ["ModelNet10/chair/train/chair_0001.off", "ModelNet10/chair/train/chair_0002.off",
           "ModelNet10/chair/test/chair_0003.off", "ModelNet10/table/train/table_0001.off",
           "ModelNet10/table/test/table_0002.off"]  # fmt: skip
JUNK = ["__MACOSX/ModelNet10/chair/train/._chair_0001.off", "ModelNet10/chair/.DS_Store", "ModelNet10/README.txt",
        "__MACOSX/ModelNet10/chair/train/chair_0009.off", "../../chair/train/../../evil_0001.off"]  # fmt: skip


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "served.zip"
    with zipfile.ZipFile(path, "w") as file:
        for member in MEMBERS + JUNK:
            file.writestr(member, member)
    return path


@pytest.fixture
def server(archive):
    """Serves the archive with ranges; `asked` lists the Range header of each request."""
    content, asked = archive.read_bytes(), []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers["Range"])
            start = int(asked[-1].removeprefix("bytes=").removesuffix("-")) if asked[-1] else 0
            self.send_response(206 if asked[-1] else 200)
            self.end_headers()
            self.wfile.write(content[start:])

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        facts = {"url": f"http://127.0.0.1:{running.server_port}/", "size": len(content),
                 "sha256": hashlib.sha256(content).hexdigest()}  # fmt: skip
        yield facts, asked
        running.shutdown()


def test_a_download_goes_on_where_it_stopped(tmp_path, archive, server):
    facts, asked = server
    (tmp_path / "got.zip.part").write_bytes(archive.read_bytes()[:100])
    modelnet.download(tmp_path / "got.zip", **facts)
    assert asked == ["bytes=100-"]
    assert (tmp_path / "got.zip").read_bytes() == archive.read_bytes()
    modelnet.download(tmp_path / "got.zip", **facts)
    assert len(asked) == 1


def test_a_wrong_archive_is_refused(tmp_path, server):
    facts, _ = server
    (tmp_path / "got.zip").write_bytes(b"something else")
    with pytest.raises(InputError, match="got.zip: 14 bytes.*delete it"):
        modelnet.download(tmp_path / "got.zip", **facts)


def test_an_unreachable_server_is_told_with_the_other_ways(tmp_path):
    with pytest.raises(InputError, match="download failed.*source: folder"):
        modelnet.download(tmp_path / "got.zip", url="http://127.0.0.1:1/")


def test_only_meshes_are_extracted_and_only_into_the_folder(tmp_path, archive):
    modelnet.extract(archive, tmp_path / "deep/er/out", ["chair", "table"], COUNTS)
    found = sorted(str(path.relative_to(tmp_path / "deep/er/out")) for path in (tmp_path / "deep").rglob("*.*"))
    assert found == sorted(member.removeprefix("ModelNet10/") for member in MEMBERS)
    assert not list(tmp_path.rglob("evil*"))


def test_wrong_counts_are_refused(tmp_path, archive):
    with pytest.raises(InputError, match="2 train meshes of chair, 3 expected"):
        modelnet.extract(archive, tmp_path / "out", ["chair"], {"chair": (3, 1)})


def test_an_unknown_class_is_refused(tmp_path, archive):
    with pytest.raises(InputError, match="'lamp' is not in ModelNet10"):
        modelnet.extract(archive, tmp_path / "out", ["lamp"])


def test_the_published_counts():
    assert sum(train for train, _ in modelnet.COUNTS.values()) == 3991
    assert sum(test for _, test in modelnet.COUNTS.values()) == 908
