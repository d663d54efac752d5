"""Files that are complete or absent, and hashes of their contents."""

import csv
import errno
import glob
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from voxprune.core.errors import InputError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)
LEFT_OVER_SECONDS = 3600  # a temporary file that nobody wrote to for so long is what a killed process left


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
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


def write_csv(path: str | Path, rows: Sequence[dict[str, Any]], columns: Iterable[str] | None = None) -> None:
    """Writes a table; columns: those of the first row, where they aren't given, as a table without rows needs them."""
    with atomic_write(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, list(columns or rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_json(path: str | Path, content: Any) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Raises InputError where the file isn't JSON."""
    try:
        return json.loads(Path(path).read_text())
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({error}); delete it and run the same command again") from error


def content_hash(paths: Iterable[str | Path]) -> str:
    """SHA-256 (16 hexadecimal digits) over the contents of files, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
