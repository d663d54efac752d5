"""Commands that start with PyTorch loaded: one process loads it for a whole run and forks for each, which saves each two seconds.

usage: python -IS preloaded.py SOCKET SCRIPT ARGUMENT ...    run the script in a fork, or by itself where SOCKET isn't served
       python -P preloaded.py --serve SOCKET                 be that process, until stdin ends
Imports nothing of voxprune, since it runs before anything else. It needs Linux.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys

THREADS = "OMP_NUM_THREADS"  # environment variable that PyTorch reads while it is loaded; Snakemake sets it for each job
PR_SET_PDEATHSIG = 1  # of prctl(2): the signal that this process gets when its parent ends


def main(arguments: list[str]) -> None:
    if arguments[0] == "--serve":
        serve(arguments[1])
    else:
        run(*arguments)


def run(path: str, *command: str) -> None:
    """Runs a command in a fork of the process behind the socket, or becomes it; exits with its status."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(path)
        except OSError:
            os.execvp("python", ["python", *command])
        request = {"command": command, "folder": os.getcwd(), "environment": dict(os.environ)}
        socket.send_fds(connection, [b"\n"], [0, 1, 2])
        connection.sendall(json.dumps(request).encode() + b"\n")
        status = connection.recv(1)
    sys.exit(status[0] if status else f"{command[0]}: the process that it was forked from was killed; run the same again")


def serve(path: str) -> None:
    """Forks for each command that comes through the socket, and returns when stdin ends; and in the forks, when they are done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the commands
    signal.signal(signal.SIGCHLD, lambda *_: reap(os.WNOHANG))
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # of a run that was killed
    with socket.socket(socket.AF_UNIX) as listener:
        mask = os.umask(0o077)  # nobody else may run commands as this user
        try:
            listener.bind(path)
        except OSError:  # a file system without sockets: then every command starts by itself
            return
        os.umask(mask)
        listener.listen()
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            import scipy.special  # noqa: F401, only once they are needed; the forks have them
            import torch  # noqa: F401

            if os.fork() == 0:
                listener.close()
                return attend(connection)
            connection.close()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    reap(0)


def attend(connection: socket.socket) -> None:
    """Forks once more for the command, tells its status, and ends it when nobody waits for it any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, *_ = socket.recv_fds(connection, 1, 3)
    request = json.loads(connection.makefile().readline())
    process = os.fork()
    if process == 0:
        connection.close()
        return become(streams, **request)
    for stream in streams:
        os.close(stream)
    if connection.fileno() in select.select([connection.fileno(), os.pidfd_open(process)], [], [])[0]:
        os.kill(process, signal.SIGTERM)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with contextlib.suppress(OSError):
        connection.send(bytes([status if status >= 0 else 128 - status]))
    os._exit(0)


def become(streams: list[int], command: list[str], folder: str, environment: dict[str, str]) -> None:
    """Goes on as `python COMMAND` would, with these three streams."""
    import ctypes
    import runpy

    import torch

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # also where what waits for it is killed
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if THREADS in environment:
        torch.set_num_threads(int(environment[THREADS]))
    sys.argv = command
    sys.path.insert(0, os.path.dirname(os.path.abspath(command[0])))
    runpy.run_path(command[0], run_name="__main__")


def reap(options: int) -> None:
    """Takes note of forks that have ended: those that have already, or with options 0 all, waiting for them."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, options)[0]:
            pass


if __name__ == "__main__":
    main(sys.argv[1:])
