"""Processes that must not outlive us: how to begin one and how to end it. Signals go to our own children alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from datar.state import Account

ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""All that an embedded server is told of ours."""

_LAUNCH = """
import ctypes, os, sys
parent, number, uid, gid, *command = sys.argv[1:]
if int(uid) >= 0:
    os.umask(0o077)
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(number))
if os.getppid() != int(parent):
    sys.exit(1)
os.execv(command[0], command)
"""
"""Gives up root, asks the kernel for a signal when the parent ends, becomes the program. It is a program of its own,
and not code between fork and exec, as that is not safe in a process with threads."""


def spawn(
    command: Sequence[str],
    *,
    end_signal: int,
    environment: Mapping[str, str],
    directory: Path = Path("/"),
    account: Account | None = None,
    log: IO[bytes] | None = None,
) -> "subprocess.Popen[bytes]":
    """Begin a program that gets ``end_signal`` when the calling thread ends (on Linux), even by kill -9.

    It has a session of its own: Ctrl-C in the terminal is ours to pass on, in the right order.
    """
    identity = [str(account.uid), str(account.gid)] if account else ["-1", "-1"]
    launch = [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), str(int(end_signal)), *identity]
    return subprocess.Popen(  # noqa: S603 - a program of ours, no shell
        [*launch, *command],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def end(process: "subprocess.Popen[bytes] | None", steps: Sequence[tuple[int, float]]) -> None:
    """Send each signal in turn and wait so many seconds for it to work; the last resort is SIGKILL."""
    for number, seconds in (*steps, (signal.SIGKILL, 5.0)):
        if process is None or process.poll() is not None:
            return
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)


def what_runs(pid: int, program: str, directory: Path) -> str:
    """Who has that number: ``ours`` (``program``, at work in ``directory``), ``other`` (another program), ``nothing``.

    ``nothing`` also stands for the same program elsewhere, and for a system without /proc: the server has to judge.
    """
    try:
        os.kill(pid, 0)
    except OSError:
        return "nothing"
    try:
        running = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
        if not running.endswith(program.encode()):
            return "other"
        return "ours" if Path(f"/proc/{pid}/cwd").samefile(directory) else "nothing"
    except OSError:
        return "nothing"
