"""A SLURM cluster of this one machine, with one generic GPU that is none: its daemons, its configuration, their end.

No systemd, no accounting database, no control groups. Everything lies in one folder but two links in /etc/slurm.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil

ETC = Path("/etc/slurm")  # the executor plugin takes SLURM_CONF out of its jobs' environment
FILES = ("slurm.conf", "gres.conf")
DAEMONS = ("slurmd", "slurmctld", "munged")
CPUS = 4  # that SLURM believes in, so that jobs do run beside each other on a small machine

SLURM_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.sock
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
GresTypes=gpu
SlurmdParameters=config_overrides
# Without accounting, squeue must know of finished jobs for longer than Snakemake takes between two looks.
AccountingStorageType=accounting_storage/none
MinJobAge=3600
InactiveLimit=0
KillWait=3
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
GRES_CONF = "AutoDetect=off\nNodeName={host} Name=gpu Count=1 File=/dev/null\n"


def why_not() -> str | None:
    """Why no cluster can be started here, in a sentence; None where it can."""
    if os.geteuid() != 0:
        return "SLURM's daemons need root: run `make test-slurm` as root, for instance in a container"
    if not all(shutil.which(name) for name in DAEMONS):
        return "SLURM isn't installed: `make test-slurm` installs it with Debian's or Ubuntu's apt-get"
    if any(os.path.lexists(ETC / file) for file in FILES):
        return f"{ETC}: this machine has a SLURM configuration of its own, which the test leaves alone"
    return None


def start(folder: Path) -> None:
    """Starts the daemons; returns once the node takes jobs. folder: an absolute path with nothing in it."""
    host, memory = socket.gethostname().split(".")[0], int(psutil.virtual_memory().total * 0.9 / 2**20)
    for file, text in zip(FILES, (SLURM_CONF, GRES_CONF)):
        (folder / file).write_text(text.format(host=host, folder=folder, cpus=CPUS, memory=memory))
        ETC.mkdir(exist_ok=True)
        (ETC / file).symlink_to(folder / file)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    (folder / "state").mkdir()
    run(
        "munged", "--force", f"--key-file={key}", f"--socket={folder}/munge.sock", f"--pid-file={folder}/munged.pid",
        f"--log-file={folder}/munged.log", f"--seed-file={folder}/munged.seed",
    )  # fmt: skip
    run("slurmctld", "-i")
    run("slurmd", "-N", host)
    until = time.monotonic() + 60
    while subprocess.run(["sinfo", "--noheader", "--format=%T"], capture_output=True, text=True).stdout.strip() != "idle":
        logs = "".join((folder / f"{name}.log").read_text()[-2000:] for name in DAEMONS if (folder / f"{name}.log").exists())
        assert time.monotonic() < until, f"SLURM didn't start:\n{logs}"
        time.sleep(0.2)


def stop(folder: Path) -> None:
    """Ends every job, then what `start` began, by the process ids that the daemons wrote, and takes the links away."""
    subprocess.run(["scancel", "--user=root"])  # without a check, like the next: the cluster may not have come up
    until = time.monotonic() + 60
    while subprocess.run(["squeue", "--noheader"], capture_output=True).stdout and time.monotonic() < until:
        time.sleep(0.5)
    for name in DAEMONS:
        file = folder / f"{name}.pid"
        if file.exists() and runs(process := int(file.read_text())):
            os.kill(process, signal.SIGTERM)
            until = time.monotonic() + 30
            while runs(process):
                assert time.monotonic() < until, f"{name} (process {process}) doesn't end"
                time.sleep(0.1)
    for file in FILES:
        if (ETC / file).resolve() == (folder / file).resolve():
            (ETC / file).unlink()
    if ETC.exists() and not any(ETC.iterdir()):
        ETC.rmdir()


def runs(process: int) -> bool:
    """Whether a process is there and at work; one that ended and is still to be collected by its parent isn't."""
    return psutil.pid_exists(process) and psutil.Process(process).status() != psutil.STATUS_ZOMBIE


def jobs() -> list[dict]:
    """Every job that the cluster has seen: {field: value} as scontrol names them."""
    lines = run("scontrol", "show", "jobs", "--oneliner").splitlines()
    return [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines if line.startswith("JobId")]


def run(*command: str) -> str:
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, timeout=60).stdout
