"""Files that are whole or absent, and errors that a user can act on."""

import errno
import glob
import hashlib
import json
import os
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from voxprune.interruption import end_when_told

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)
LEFT_OVER_SECONDS = 3600  # a temporary file that nobody wrote to for so long is what a killed process left


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
        _remove_left_overs(path)
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
    except InputError:  # said already, whatever is behind it
        raise
    except Exception as error:
        number = _error_number(error)
        if number in DISK_FULL:
            raise InputError(f"{path}: no space left on this disk; free some and run the same command again") from error
        if number in NOT_WRITABLE:
            raise InputError(f"{path}: this folder can't be written; change its permissions or run elsewhere") from error
        raise
    finally:
        with suppress(OSError):  # nothing there; or a folder that can't be written, which is said already
            temporary.unlink()


def _error_number(error):
    """errno of the OSError behind an error: torch raises a kind of its own on top, NumPy gives none when a disk is full."""
    while error and not isinstance(error, OSError):
        error = error.__context__
    return error and (error.errno or errno.ENOSPC)


def _flush(path):
    """Waits until a file is on the disk: else its new name could be there after a power loss, but not its content."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _remove_left_overs(path):
    for temporary in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(FileNotFoundError):  # another process was faster
            if time.time() - temporary.stat().st_mtime > LEFT_OVER_SECONDS:
                temporary.unlink()


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
    """A stage's command line: parses, runs, and turns what a user can mend and interruptions into one sentence and status 1."""
    options = parser.parse_args(arguments)
    end_when_told()
    try:
        main(options)
    except InputError as error:
        sys.exit(f"{parser.prog}: {error}")
    except OSError as error:
        sys.exit(f"{parser.prog}: {error}; mend this and run the same command again")
    except KeyboardInterrupt:
        sys.exit(f"{parser.prog}: interrupted; the same command goes on from here")
