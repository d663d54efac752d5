"""ModelNet: downloads go on where they stopped, archives and trees that aren't the published ones are refused."""

import hashlib
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from voxprune.core.errors import InputError
from voxprune.datasets.modelnet import MODELNET, Published, download, extract_modelnet
from voxprune.datasets.source import find_source

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


server_settings = SimpleNamespace(cut=None)  # how the connection is cut: "length" announced, in "chunks", not at all


@pytest.fixture
def server(archive):
    """Serves the archive with ranges; `asked` lists the Range header of each request."""
    content, asked = archive.read_bytes(), []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        close_connection = True

        def do_GET(self):
            asked.append(self.headers["Range"])
            start = int(asked[-1].removeprefix("bytes=").removesuffix("-")) if asked[-1] else 0
            self.send_response(206 if asked[-1] else 200)
            if server_settings.cut == "chunks":
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"64\r\n" + content[:100] + b"\r\n64\r\n" + content[100:120])
                return
            self.send_header("Content-Length", len(content) - start)
            self.end_headers()
            self.wfile.write(content[start : 100 if server_settings.cut else None])

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{running.server_port}/"
        yield Published(url, len(content), hashlib.sha256(content).hexdigest(), COUNTS), asked
        running.shutdown()


def test_a_download_goes_on_where_it_stopped(tmp_path, archive, server):
    published, asked = server
    (tmp_path / "got.zip.part").write_bytes(archive.read_bytes()[:100])
    download(tmp_path / "got.zip", published)
    assert asked == ["bytes=100-"]
    assert (tmp_path / "got.zip").read_bytes() == archive.read_bytes()
    download(tmp_path / "got.zip", published)
    assert len(asked) == 1


@pytest.mark.parametrize("cut", ["length", "chunks"])
def test_a_connection_that_is_cut_goes_on_with_the_same_command(tmp_path, archive, server, cut, monkeypatch):
    published, asked = server
    monkeypatch.setattr(server_settings, "cut", cut)
    with pytest.raises(InputError, match="the download failed .*; run the same command again to go on"):
        download(tmp_path / "got.zip", published)
    assert (tmp_path / "got.zip.part").stat().st_size < published.size
    monkeypatch.setattr(server_settings, "cut", None)
    download(tmp_path / "got.zip", published)
    assert asked == [None, "bytes=100-" if cut == "length" else None]
    assert (tmp_path / "got.zip").read_bytes() == archive.read_bytes()


def test_a_wrong_archive_is_refused(tmp_path, server):
    (tmp_path / "got.zip").write_bytes(b"something else")
    with pytest.raises(InputError, match="got.zip: 14 bytes.*delete it"):
        download(tmp_path / "got.zip", server[0])


def test_an_unreachable_server_is_told_with_the_other_ways(tmp_path):
    nowhere = MODELNET["modelnet10"]._replace(url="http://127.0.0.1:1/")
    with pytest.raises(InputError, match="download failed.*dataset: folder"):
        download(tmp_path / "got.zip", nowhere)


def test_only_its_meshes_are_extracted(tmp_path, archive):
    extract_modelnet(archive, tmp_path / "out", ["chair", "table"], COUNTS)
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    assert found == sorted(member.removeprefix("ModelNet10/") for member in MEMBERS)


def test_wrong_counts_are_refused(tmp_path, archive):
    with pytest.raises(InputError, match="2 train meshes of chair, but 3 were published"):
        extract_modelnet(archive, tmp_path / "out", ["chair"], {"chair": (3, 1)})
    assert not (tmp_path / "out").exists()


def test_an_extracted_tree_must_have_the_published_counts(tmp_path):
    for name, counts in MODELNET["modelnet10"].counts.items():
        for split, count in zip(("train", "test"), counts):
            (tmp_path / name / split).mkdir(parents=True)
            for number in range(count):
                (tmp_path / name / split / f"{name}_{number:04}.off").touch()
    dataset = {"name": "x", "source": "modelnet10", "folder": str(tmp_path), "archive": None, "classes": "all"}
    assert find_source(dataset).classes == list(MODELNET["modelnet10"].counts)
    for file in ("train/chair_0001 copy.off", "test/evil.obj"):
        (tmp_path / "chair" / file).touch()
        with pytest.raises(InputError, match=f"chair/{file}: not among the published meshes; remove it"):
            find_source(dataset)
        (tmp_path / "chair" / file).unlink()
    (tmp_path / "chair/train/chair_0000.off").unlink()
    with pytest.raises(InputError, match="888 train meshes of chair, but 889 were published; .*source: folder"):
        find_source(dataset)


def test_an_unknown_class_is_refused():
    dataset = {"name": "x", "source": "modelnet10", "folder": None, "archive": None, "classes": ["chair", "lamp"]}
    with pytest.raises(InputError, match="modelnet10: no class 'lamp' in it"):
        find_source(dataset)
    assert find_source(dataset | {"source": "modelnet40"}).classes == ["chair", "lamp"]


@pytest.mark.parametrize("name, classes, train, test", [("modelnet10", 10, 3991, 908), ("modelnet40", 40, 9843, 2468)])
def test_the_published_counts(name, classes, train, test):
    counts = MODELNET[name].counts
    assert (len(counts), *map(sum, zip(*counts.values()))) == (classes, train, test)
    assert list(counts) == sorted(counts)
    assert MODELNET["modelnet10"].counts.items() <= MODELNET["modelnet40"].counts.items()
