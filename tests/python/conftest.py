"""Fixtures shared by the suites: an engine, scripts in processes of their own, waiting with a deadline.

What not: no behaviour is asserted here, and nothing waits by sleeping a guessed time; `until` polls a fact.
"""

import os
import select
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

# The suites of this folder speak of process workers, also where interpreters would do.
os.environ["THEUS_USE_PROCESSES"] = "1"

DEADLINE = 20.0


@pytest.fixture
def engine():
    """An engine with two process workers, shut down at the end."""
    from theus import TheusEngine

    made = TheusEngine(pool_size=2)
    yield made
    made.shutdown()


@pytest.fixture
def until():
    """`until(fact)` calls `fact` until it is true and returns its value; fails after a deadline."""

    def wait(fact, what="", deadline=DEADLINE):
        end = time.monotonic() + deadline
        while True:
            value = fact()
            if value:
                return value
            assert time.monotonic() < end, f"not true within {deadline} s: {what or fact}"
            time.sleep(0.005)

    return wait


class Script:
    """A Python file of its own, run by the interpreter that runs the tests."""

    def __init__(self, folder):
        self.folder = folder
        self.started = []

    def start(self, text, *arguments, path=(), cwd=None):
        """Start it; stdout and stderr are pipes. `path` folders come early on its sys.path."""
        file = self.folder / f"script_{len(self.started)}.py"
        file.write_text(textwrap.dedent(text))
        environment = dict(os.environ)
        folders = [*map(str, path), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, folders))
        process = subprocess.Popen(
            [sys.executable, str(file), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd or self.folder,
            env=environment,
        )
        self.started.append(process)
        return process

    def run(self, text, *arguments, timeout=50, path=(), cwd=None):
        """Run it to its end, which must be a good one; returns its stdout."""
        process = self.start(text, *arguments, path=path, cwd=cwd)
        out, err = process.communicate(timeout=timeout)
        assert process.returncode == 0, f"exit code {process.returncode}\n{out}\n{err}"
        return out

    def kill_all(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def script(tmp_path):
    """Runs a program text as a script file, as a user would."""
    runner = Script(tmp_path)
    yield runner
    runner.kill_all()


class Rendezvous:
    """Meets a task of `tasks.py` in the middle: `pid()` waits until the task is there, `open()` lets it go on.

    The gate is a named pipe: the task blocks in it until somebody opens it for writing, or for ever.
    """

    def __init__(self, folder, until):
        self.folder = Path(folder)
        self.folder.mkdir()
        self._until = until
        os.mkfifo(self.folder / "gate")

    def __str__(self):
        return str(self.folder)

    def pid(self):
        """The process id of the worker that is in the middle of the task now."""
        arrived = self.folder / "pid"
        return int(self._until(lambda: arrived.exists() and arrived.read_text(), "the task arrived"))

    def open(self):
        """Let the waiting task go on."""
        with open(self.folder / "gate", "w"):
            pass


@pytest.fixture
def rendezvous(tmp_path, until):
    """`rendezvous()` makes a new meeting point."""
    count = 0

    def make():
        nonlocal count
        count += 1
        return Rendezvous(tmp_path / f"rendezvous_{count}", until)

    return make


@pytest.fixture
def gone():
    """`gone(pidfds)` waits until the processes behind these descriptors have ended."""

    def wait(pidfds, deadline=DEADLINE):
        end = time.monotonic() + deadline
        for pidfd in pidfds:
            ready, _, _ = select.select([pidfd], [], [], max(0.0, end - time.monotonic()))
            assert ready, "a process is still alive"
            os.close(pidfd)

    return wait


@pytest.fixture
def no_new_shm(until):
    """Checks at the end of the test that no name was left in /dev/shm."""
    before = set(os.listdir("/dev/shm"))
    yield
    until(lambda: set(os.listdir("/dev/shm")) <= before, "/dev/shm holds what it held before")
