"""Worker processes end with the command that started them, whichever room starts them."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import brainage

_POOL = """
import os, time
from pathlib import Path
from joblib import delayed
from brainage.workers import processes
list(processes(2)(delayed(os.getpid)() for _ in range(2)))
print(Path(f"/proc/self/task/{os.getpid()}/children").read_text(), flush=True)
time.sleep(60)
"""


def test_idle_workers_do_not_outlive_a_killed_parent():
    if not Path(f"/proc/self/task/{os.getpid()}/children").exists():
        pytest.skip("no /proc here to find the worker processes in")
    parent = subprocess.Popen([sys.executable, "-c", _POOL], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    children = [int(word) for word in parent.stdout.readline().split()]
    workers = [pid for pid in children if b"popen_loky" in command_of(pid)]
    assert workers
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 30
    while any(b"popen_loky" in command_of(pid) for pid in workers):
        assert time.monotonic() < until, "workers wait although nobody is left to give them work"
        time.sleep(0.05)


def command_of(pid: int) -> bytes:
    """Return a process's command line; empty once it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def test_every_pool_of_processes_of_the_package_is_such_a_pool():
    package = Path(brainage.__file__).parent
    bare = []
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            threads = any(
                word.arg == "prefer" and ast.unparse(word.value) == "'threads'"
                for word in node.keywords
            )
            pools = ("Parallel", "ProcessPoolExecutor", "Pool", "get_reusable_executor")
            if name in pools and not threads:
                bare.append(path.relative_to(package).as_posix())
    assert bare == ["workers.py"]
