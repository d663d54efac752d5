"""The OFF format as it is met in the wild: text to vertices and triangles, or the reason why not.

Geomview's description: http://www.geomview.org/docs/html/OFF.html. Read here: OFF, COFF, NOFF, STOFF and their
combinations in text, one vertex or face a line; without colours and normals also several a line or one on several lines, and
without the word OFF. Anything that would have to be guessed is refused.
"""

import re

import numpy as np

from voxprune.meshes.polygons import BadMesh, check_corners, triangulate

ENDINGS = [".off"]
SINGLE = True  # whether Open3D reads its coordinates in single precision

KEYWORD, COUNT = rb"\s*((?:ST|C|N)*OFF)?\s*", rb"(\d{1,18})"  # OFF3514 3546 0 too
HEADERS = [  # the number of edges may be missing where a line ends behind the others
    re.compile(KEYWORD + COUNT + rb"[ \t]+" + COUNT + rb"(?:[ \t]+\d+)?[ \t]*(?:\n|\Z)"),
    re.compile(KEYWORD + COUNT + rb"\s+" + COUNT + rb"\s+\d+(?:\s|\Z)"),
]


def parse(path):
    """`parse_off` of a file."""
    return parse_off(path.read_bytes())


def parse_off(content):
    """Content of an `.off` file, bytes, to (vertices float64 (n, 3), triangles int64 (m, 3)).

    Larger polygons become triangles, colours and normals are dropped, faces of one or two vertices too (they have no
    surface). Raises BadMesh where the counts, a line, a number or an index is wrong.
    """
    text = plain(content)
    header = HEADERS[0].match(text) or HEADERS[1].match(text)
    if not header or b"\0" in text:
        raise BadMesh(_header_fault(text))
    n_vertices, n_faces = int(header[2]), int(header[3])
    if not n_vertices or not n_faces:
        raise BadMesh(f"its header says {n_vertices} vertices and {n_faces} faces, so there is no surface")
    body = text[header.end() :].strip()
    if b"_" in body:  # Python would read 1_0 as ten
        raise BadMesh("a number holds an underscore")
    plain_vertices = header[1] in (b"OFF", None)
    found = _all_triangles(body, n_vertices, n_faces) or plain_vertices and _free_lines(body, n_vertices, n_faces)
    vertices, sizes, corners = found or _line_by_line(body, n_vertices, n_faces)
    check_corners(corners, n_vertices)
    return vertices, triangulate(vertices, sizes, corners)


def plain(content):
    """Without byte-order mark, comments and the line ends of other systems."""
    text = content.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return re.sub(rb"#[^\n]*", b"", text) if b"#" in text else text


def _header_fault(text):
    if not text.strip():
        return "it is empty"
    if b"\0" in text or re.match(rb"\s*\w*OFF\s+BINARY", text):
        return "it holds bytes that no text has; only OFF in text can be read"
    if re.match(rb"\s*(ST|C|N)*(4|n|4n)OFF", text):
        return "its vertices don't have three coordinates"
    if re.match(rb"\s*(ST|C|N)*OFF", text):
        return "the numbers of vertices and faces don't follow OFF"
    return "it doesn't begin with OFF"


def _all_triangles(body, n_vertices, n_faces):
    """(vertices, sizes, corners) where all is plain: a vertex or triangle a line, nothing else. Otherwise None."""
    letters = np.frombuffer(body, dtype=np.uint8)
    line_ends = np.flatnonzero(letters == ord("\n"))
    if len(line_ends) + 1 != n_vertices + n_faces:
        return None
    words_a_line = _words_a_line(letters, line_ends)
    if (words_a_line[:n_vertices] != 3).any() or (words_a_line[n_vertices:] != 4).any():
        return None
    cut = line_ends[n_vertices - 1]
    try:
        vertices, faces = np.fromstring(body[:cut], sep=" "), np.fromstring(body[cut:], sep=" ", dtype=np.int64)
    except ValueError:
        return None
    if len(vertices) != 3 * n_vertices or len(faces) != 4 * n_faces or (faces[::4] != 3).any():
        return None
    return vertices.reshape(-1, 3), np.full(n_faces, 3), faces.reshape(-1, 4)[:, 1:].ravel()


def _words_a_line(letters, line_ends):
    """How many words each line holds, int (lines,). letters: uint8, none of them blank at either end."""
    blank = letters <= ord(" ")
    begins = np.flatnonzero(blank[:-1] > blank[1:])  # of all words but the first, the blank before each
    place = np.searchsorted(begins, line_ends)
    return np.diff(place, prepend=-1, append=len(begins))


def _free_lines(body, n_vertices, n_faces):
    """(vertices, sizes, corners) where lines break elsewhere than behind each vertex and face. Otherwise None.

    The words must be used up. Where a line holds the end of one vertex or face and the beginning of another that goes on
    behind it, but most lines look like a whole one, the numbers of vertices and faces are wrong, more likely than the lines.
    """
    lines = [line.split() for line in body.split(b"\n")]
    words, ends = [word for line in lines for word in line], np.cumsum([len(line) for line in lines])
    if np.count_nonzero(np.diff(ends, prepend=0)) == n_vertices + n_faces or len(words) < 3 * n_vertices + 2 * n_faces:
        return None
    begins, faces = [*range(0, 3 * n_vertices + 1, 3)], []
    try:
        for _ in range(n_faces):
            faces.append(_face(words[begins[-1] : begins[-1] + 1 + max(0, int(words[begins[-1]]))]))
            begins.append(begins[-1] + 1 + len(faces[-1]))
        vertices = np.array(words[: 3 * n_vertices]).astype(float).reshape(-1, 3)
    except (IndexError, ValueError, BadMesh):
        return None
    if begins[-1] != len(words) or _cross(np.array(begins), ends) and _are_mostly_whole(lines):
        return None
    return vertices, *_polygons(faces)


def _cross(begins, ends):
    """Whether a vertex or face, from one of begins to the next, lies on several lines and shares one of them with another.

    ends: how many words stand before the end of each line.
    """
    first, last = (np.searchsorted(ends, place, side="right") for place in (begins[:-1], begins[1:] - 1))
    alone = np.isin(begins[:-1], [0, *ends]) & np.isin(begins[1:], ends)
    return not ((first == last) | alone).all()


def _are_mostly_whole(lines):
    """Whether most lines look like a vertex or a face: three words, or a number and so many others."""
    lines = [line for line in lines if line]
    return 2 * sum(len(line) == 3 or line[0] == b"%d" % (len(line) - 1) for line in lines) > len(lines)


def _line_by_line(body, n_vertices, n_faces):
    lines = [words for words in (line.split() for line in body.split(b"\n")) if words]
    if len(lines) != n_vertices + n_faces:
        fault = "is cut short" if len(lines) < n_vertices + n_faces else "goes on"
        raise BadMesh(
            f"its header says {n_vertices} vertices and {n_faces} faces, but {len(lines)} lines follow: it {fault}"
        )
    width = len(lines[0])
    if width < 3 or any(len(words) != width for words in lines[:n_vertices]):
        raise BadMesh("its vertices don't all have as many numbers, three or more")
    try:
        vertices = np.array([words[:3] for words in lines[:n_vertices]]).astype(float)
    except ValueError as error:
        raise BadMesh("a coordinate is not a number") from error
    return vertices, *_polygons(map(_face, lines[n_vertices:]))


def _polygons(faces):
    """(sizes, corners) of the faces of three or more corners."""
    sizes, corners = [], []
    for face in faces:
        if len(face) > 2:
            sizes.append(len(face))
            corners += face
    return np.array(sizes, dtype=np.int64), np.array(corners, dtype=np.int64)


def _face(words):
    """The vertex numbers of a face's line; what follows them is its colour."""
    try:
        size = int(words[0])
        face = [int(word) for word in words[1 : size + 1]]
    except ValueError as error:
        raise BadMesh(f"a face's line is not of whole numbers: {b' '.join(words)[:40].decode(errors='replace')}") from error
    if size < 1 or len(face) != size or max(map(abs, face)) > 2**62:
        raise BadMesh(f"a face's line doesn't hold what it says: {b' '.join(words)[:40].decode(errors='replace')}")
    return face
