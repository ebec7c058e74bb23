"""Kills while arrays are allocated, published, updated, read and freed: nothing is lost, torn or left behind.

THEUS_KILLS sets how many rounds (3 if unset; the long form of the gate uses 200).
"""

import os
import random
import select
import signal

import pytest

import kill_tasks

pytest.importorskip("numpy")

KILLS = int(os.environ.get("THEUS_KILLS", "3"))
FOLDERS = [os.path.dirname(kill_tasks.__file__)]

# It says how far it is, and goes on until it is killed or finds the file that tells it to end. Every element of a
# version has the same value, so a reader of half of each would see two.
SESSION = """
    import os, sys
    import numpy as np
    import kill_tasks
    from theus import TheusEngine

    engine = TheusEngine(pool_size=2)
    number = 0
    while not os.path.exists(sys.argv[1]):
        reading = [engine.submit(kill_tasks.distinct, name="m") for _ in range(2)] if number else []
        number += 1
        size = [1_000, 300_000, 2_000_000][number % 3]
        if number % 5 == 1:
            array = engine.heavy.alloc("m", shape=(size,), dtype="u1")
            array[:] = number % 250 + 1
            engine.heavy.update("m", array)
        else:
            with engine.heavy.update("m") as array:
                array[:] = number % 250 + 1
        del array
        for future in reading:
            seen = future.result()
            assert len(seen) == 1, f"half of each: {seen}"
        if number % 7 == 0:
            engine.heavy.update("other", engine.heavy.adopt("other", np.full(100_000, 9, "u1")))
            assert engine.submit(kill_tasks.distinct, name="other").result() == [9]
            engine.heavy.free("other")
        print(number, flush=True)
    engine.heavy.free("m")
    engine.shutdown()
    print("ended", engine.stats()["heavy_bytes"], flush=True)
"""


class Session:
    """A running SESSION, with folders of its own for temporary and runtime files."""

    def __init__(self, script, folder):
        self.places = [folder / "tmp", folder / "run"]
        for place in self.places:
            place.mkdir(exist_ok=True, mode=0o700)
        self.end = folder / "end"
        self.process = script.start(SESSION, self.end, path=FOLDERS)
        self.pidfd = os.pidfd_open(self.process.pid)
        self.progress()

    def progress(self, rounds=2):
        """Waits until it has done so many rounds more."""
        for _ in range(rounds):
            line = self.process.stdout.readline()
            assert line.strip().isdigit(), f"{line!r} {self.process.stderr.read()}"

    def wait_at_most(self, seconds):
        """Waits a moment; it must not end by itself meanwhile."""
        ended, _, _ = select.select([self.pidfd], [], [], seconds)
        assert not ended, self.process.stderr.read()

    def workers(self):
        """Process ids of its children."""
        found = []
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{task}/children") as file:
                found += map(int, file.read().split())
        return found

    def left(self):
        """The names in its folders."""
        return [name for place in self.places for name in os.listdir(place)]


@pytest.fixture
def session(script, tmp_path, monkeypatch):
    """`session()` starts another one."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    return lambda: Session(script, tmp_path)


@pytest.fixture
def chance(record_property):
    """Moments; a failed test names their seed."""
    seed = random.SystemRandom().randrange(1 << 32)
    record_property("seed", seed)
    print(f"seed {seed}")
    return random.Random(seed)


@pytest.mark.timeout(60 + 5 * KILLS)
def test_killed_main_processes_leave_nothing_and_the_next_one_starts(session, gone, no_new_shm, chance):
    for _ in range(KILLS):
        running = session()
        running.wait_at_most(chance.uniform(0, 0.05))
        workers = [os.pidfd_open(pid) for pid in running.workers()]
        running.process.kill()
        assert running.process.wait() == -signal.SIGKILL
        gone(workers)
        assert running.left() == []


@pytest.mark.timeout(60 + 5 * KILLS)
def test_killed_workers_cost_no_array_and_no_memory(session, gone, no_new_shm, chance):
    running = session()
    for _ in range(KILLS):
        running.wait_at_most(chance.uniform(0, 0.05))
        workers = running.workers()
        if workers:
            victim = os.pidfd_open(chance.choice(workers))
            signal.pidfd_send_signal(victim, signal.SIGKILL)
            gone([victim])
        running.progress()
    running.end.touch()
    *_, last = running.process.stdout.read().splitlines()
    assert (last, running.process.wait()) == ("ended 0", 0), running.process.stderr.read()
    assert running.left() == []
