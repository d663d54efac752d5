"""One run a folder, and jobs that end when they are told to or when their run is gone. Imports nothing heavy."""

import contextlib
import fcntl
import os
import select
import signal
import threading
from pathlib import Path
from typing import IO

RUN = "VOXPRUNE_RUN"  # environment variable: `this_process` of the snakemake whose job this is


def lock_folder(path: str | Path) -> IO | str:
    """Locks a folder for this process: the open lock file, to be kept; where another process has the lock, its id.

    The kernel lets go of it when the process ends, however it ends, so that nothing is left to unlock after a kill.
    Raises OSError where the file can't be written or its file system knows no locks.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    file = open(path, "a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return Path(path).read_text() or "unknown"
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def this_process() -> str:
    """This process's id, and the space of ids that it belongs to: another one in another container; empty where none is told."""
    try:
        return f"{os.getpid()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not Linux
        return f"{os.getpid()} "


def end_when_told() -> None:
    """From here on SIGTERM interrupts this process as Ctrl-C does; and so does the end of the snakemake that began it.

    A killed snakemake would else leave its jobs behind, which would go on writing and holding the GPU.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if RUN in os.environ:
        threading.Thread(target=_end_after, args=[os.environ[RUN]], daemon=True).start()


def _end_after(run):
    process, _, space = run.partition(" ")
    if not space or space != this_process().partition(" ")[2]:  # not Linux; in another container
        return
    with contextlib.suppress(ProcessLookupError):  # it is gone already
        select.select([os.pidfd_open(int(process))], [], [])
    os.kill(os.getpid(), signal.SIGTERM)
