"""Files that are whole or absent, and errors that a user can act on."""

import errno
import hashlib
import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path


class InputError(Exception):
    """Something the user can mend: one sentence with the file, the fact and the remedy."""


@contextmanager
def whole(path):
    """Yields a temporary path beside `path` and renames it when the block ends well: no half-written file counts.

    Raises InputError when the disk is full or the folder can't be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise InputError(f"{path}: no space left on this disk; free some and run the same command again") from error
        if error.errno in (errno.EACCES, errno.EROFS):
            raise InputError(f"{path}: this folder can't be written; change its permissions or run elsewhere") from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path, content):
    with whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path):
    """Raises InputError where the file isn't JSON."""
    try:
        return json.loads(Path(path).read_text())
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({error}); delete it and run the same command again") from error


def network_folder(results, seed, method, level):
    """Where a network's files lie: `<results>/seed<k>/<method>/level<ppp>`, or `<results>/seed<k>/parent`."""
    folder = Path(results) / f"seed{seed}" / method
    return folder if method == "parent" else folder / f"level{level:03d}"


def content_hash(paths):
    """SHA-256 (16 hexadecimal digits) over the contents of files, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def run_command(main, parser, arguments=None):
    """A stage's command line: parses, runs, and turns an InputError into one sentence and exit status 1."""
    try:
        main(parser.parse_args(arguments))
    except InputError as error:
        sys.exit(f"{parser.prog}: {error}")
