"""Commands that start with PyTorch loaded: to whoever runs one, a fork is the same as a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from conftest import ROOT, wait_for

PROGRAM = ROOT / "scripts/voxprune/core/preloaded.py"
TELLS = """
import os, sys
import helper
print(sys.argv[1:], os.getcwd(), os.environ["MINE"], sys.stdin.read(), helper.VALUE, __name__)
print("in between", file=sys.stderr)
sys.exit(int(sys.argv[1]) if sys.argv[1].isdigit() else sys.argv[1])
"""
THREADS = "import sys; loaded = 'torch' in sys.modules; import torch; print(loaded, torch.get_num_threads())"
WAITS = "import time, pathlib, sys; pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
FAILS = "raise ValueError('no such thing')"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A folder with a socket that is served, and the process behind it."""
    folder = tmp_path_factory.mktemp("served")
    for name, text in (("tells", TELLS), ("threads", THREADS), ("waits", WAITS), ("fails", FAILS), ("helper", "VALUE = 7")):
        (folder / f"{name}.py").write_text(text)
    process = serve(folder)
    yield folder, process
    process.communicate(timeout=60)


def serve(folder):
    process = subprocess.Popen([sys.executable, "-P", PROGRAM, "--serve", "socket"], stdin=subprocess.PIPE, cwd=folder)
    wait_for((folder / "socket").is_socket)
    return process


def start(folder, *command, socket="socket", **options):
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1", "MINE": "my value"}
    return subprocess.Popen(
        [sys.executable, "-IS", PROGRAM, socket, *map(str, command)], cwd=folder, text=True,
        env=environment | options, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(*arguments, **options):
    """(status, stdout, stderr) of a command that gets one line of input."""
    process = start(*arguments, **options)
    output = process.communicate("a line", timeout=60)
    return process.returncode, *output


@pytest.mark.parametrize("argument, status", [("0", 0), ("3", 3), ("a sentence", 1)])
def test_a_fork_has_the_arguments_folder_environment_streams_and_status_of_a_process_of_its_own(served, argument, status):
    folder, _ = served
    forked, alone = (run(folder, "tells.py", argument, "two words", socket=name) for name in ("socket", "no socket"))
    assert forked == alone and forked[0] == status
    assert f"two words'] {folder} my value a line 7 __main__" in forked[1]


def test_an_error_has_its_traceback_and_status(served):
    status, _, errors = run(served[0], "fails.py")
    assert status == 1 and errors.startswith("Traceback") and errors.endswith("ValueError: no such thing\n")


def test_torch_is_loaded_and_computes_with_the_threads_that_the_job_was_given(served):
    for threads in ("1", "2"):
        assert run(served[0], "threads.py", OMP_NUM_THREADS=threads)[1] == f"True {threads}\n"


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_a_command_ends_with_the_process_that_waits_for_it(served, tmp_path, by):
    folder, server = served
    waiting = start(folder, "waits.py", tmp_path / "began")
    wait_for((tmp_path / "began").exists)
    forks = psutil.Process(server.pid).children(recursive=True)
    waiting.send_signal(by)
    assert not psutil.wait_procs(forks, timeout=10)[1]


def test_a_killed_command_has_the_status_of_one_and_the_next_goes_on(served, tmp_path):
    folder, server = served
    waiting = start(folder, "waits.py", tmp_path / "began")
    wait_for((tmp_path / "began").exists)
    psutil.Process(server.pid).children(recursive=True)[-1].kill()
    assert waiting.wait(timeout=10) == 128 + signal.SIGKILL
    assert run(folder, "tells.py", "0")[0] == 0


def test_where_what_it_was_forked_from_is_killed_too_the_command_says_so(served, tmp_path):
    folder, server = served
    waiting = start(folder, "waits.py", tmp_path / "began")
    wait_for((tmp_path / "began").exists)
    between, command = psutil.Process(server.pid).children(recursive=True)
    between.kill()
    assert not psutil.wait_procs([between, command], timeout=10)[1]
    assert (
        waiting.communicate(timeout=10)[1]
        == "waits.py: the process that it was forked from was killed; run the same again\n"
    )


def test_once_it_is_killed_commands_start_by_themselves(tmp_path):
    (tmp_path / "threads.py").write_text(THREADS)
    process = serve(tmp_path)
    process.kill()
    process.communicate()
    assert (tmp_path / "socket").is_socket()
    assert run(tmp_path, "threads.py")[:2] == (0, "False 1\n")


def test_it_ends_with_what_started_it_and_takes_the_socket_with_it(tmp_path):
    (tmp_path / "socket").touch()  # left behind by a run that was killed
    process = serve(tmp_path)
    assert (tmp_path / "socket").stat().st_mode & 0o077 == 0  # nobody else may run commands as this user
    process.communicate(timeout=60)
    assert process.returncode == 0 and not (tmp_path / "socket").exists()


def test_where_no_socket_can_be_it_ends_without_a_word(tmp_path):
    done = subprocess.run([sys.executable, "-P", PROGRAM, "--serve", "no folder/socket"], cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
