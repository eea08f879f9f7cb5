"""Run a private Slurm on this machine: munge, a controller and two nodes.

All its files lie in one folder, which is removed after the tests. A Slurm that the machine may already have is neither
read nor changed. The jobs run as the user of the tests, who need not be root.
"""

from __future__ import annotations

import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

PACKAGES = "apt-get install slurmctld slurmd slurm-client munge"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "sinfo")
NODES = ("n1", "n2")
# The daemons of Slurm lie in folders that are not on the path of many users.
SEARCHED = f"{os.environ['PATH']}:/usr/sbin:/sbin"

# config_overrides gives the nodes the number of processors that is written here, whatever the machine has. cred_expire
# is the time that Slurm waits before it queues a job again. SlurmdTimeout is the time after which a silent node counts
# as lost.
CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
MpiDefault=none
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdSpoolDir={folder}/%n
SlurmdPidFile={folder}/%n.pid
SlurmdLogFile={folder}/%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobRequeue=1
ReturnToService=2
KillWait=5
SlurmdTimeout=10
MailProg=/bin/true
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory=16000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 RealMemory=16000
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


class Cluster:
    """Two nodes of two processors each, and the partition `all`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.configuration = folder / "slurm.conf"
        user, host = getpass.getuser(), socket.gethostname()
        self.configuration.write_text(
            CONFIGURATION.format(folder=folder, user=user, host=host, ports=_free_ports(1 + len(NODES)))
        )

    def start(self) -> None:
        (self.folder / "state").mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        files = {name: self.folder / f"munge.{name}" for name in ("key", "socket", "pid", "log", "seed")}
        options = [f"--{name}-file={path}" for name, path in files.items() if name != "socket"]
        self._run("munged", "--foreground", "--force", f"--socket={files['socket']}", *options)
        _wait_for(files["socket"].exists)
        self._run("slurmctld", "-D")
        for node in NODES:
            self.start_node(node)
        _wait_for(lambda: self.output("sinfo", "--noheader", "--format=%D %t").strip() == f"{len(NODES)} idle")

    def start_node(self, node: str) -> None:
        self._run("slurmd", "-D", "-N", node, name=node)

    def kill_node(self, node: str) -> None:
        """Kill the node as if its plug were pulled.

        The processes that watch over a job are killed before the job, because they would otherwise report its death.
        """
        jobs = [*self.processes(f"SLURMD_NODENAME={node}")]
        for process in [self._daemons.pop(node).pid, *filter(_is_step, map(_parent, jobs)), *jobs]:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def processes(self, *words: str) -> Iterator[int]:
        """Yield the ids of this cluster's processes that have all these words in their environment or their command.

        The jobs of two clusters that run at the same time have the same numbers.
        """
        return processes(f"SLURM_CONF={self.configuration}", *words)

    def output(self, *command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True).stdout

    def stop(self) -> None:
        self.output("scancel", f"--user={getpass.getuser()}")
        _wait_for(lambda: not self.output("squeue", "--noheader"))
        for daemon in reversed(self._daemons.values()):
            daemon.terminate()
            daemon.wait()

    def _run(self, program: str, *arguments: str, name: str = "") -> None:
        executable = shutil.which(program, path=SEARCHED)
        assert executable
        with open(self.folder / f"{name or program}.out", "ab") as output:
            self._daemons[name or program] = subprocess.Popen([executable, *arguments], stdout=output, stderr=output)


@pytest.fixture(scope="session")
def slurm() -> Iterator[Cluster]:
    """Start the cluster, which Slurm's commands find through SLURM_CONF; skip where Slurm is not installed."""
    missing = [program for program in PROGRAMS if not shutil.which(program, path=SEARCHED)]
    if missing:
        pytest.skip(f"no {', '.join(missing)} here; {PACKAGES}")
    with ExitStack() as stack:
        # The folder does not lie below pytest's folder, whose name may be too long for the sockets.
        cluster = Cluster(Path(stack.enter_context(TemporaryDirectory(prefix="slurm-"))))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("SLURM_CONF", str(cluster.configuration))
        stack.callback(cluster.stop)
        cluster.start()
        yield cluster


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def processes(*words: str) -> Iterator[int]:
    """Yield the ids of processes that have all these words in their environment or their command."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if all(word.encode() in environment for word in words):
            yield int(folder.name)


def _parent(process: int) -> int:
    return int(re.findall(r"^PPid:\s*(\d+)$", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)[0])


def _is_step(process: int) -> bool:
    return Path(f"/proc/{process}/comm").read_text().strip() == "slurmstepd"


def _wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"Slurm did not come to this within {seconds} s"
        time.sleep(0.1)
