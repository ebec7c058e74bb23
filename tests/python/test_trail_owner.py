"""Who may write to a trail on disk: the process that opened it, one at a time, and what it is told meanwhile."""

import os
import subprocess
import sys

import pytest

from theus import TheusEngine
from theus.audit import AuditTrail
from theus.errors import AuditStopError


def opened(path, **how):
    return TheusEngine(pool_size=1, audit_path=AuditTrail(path, checkpoint_every=1e6, **how))


def in_a_child(do):
    """The exit code of a forked child that does this: 0 when it returned."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            do()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_does_not_write_to_the_trail(tmp_path):
    path = tmp_path / "trail.theus"
    engine = opened(path)
    try:
        engine.compare_and_swap(0, data={"domain": {"count": 1}})

        def write():
            for call in (engine.audit.checkpoint, engine.audit.sync):
                with pytest.raises(AuditStopError, match="forked"):
                    call()
            for _ in range(5):
                engine.audit.reset("x" * 100)
            assert engine.audit.verify().ok
            engine.shutdown()

        before = path.read_bytes()
        assert in_a_child(write) == 0
        assert path.read_bytes() == before
    finally:
        engine.shutdown()
    assert AuditTrail.verify(path).ok


def test_a_forked_child_does_not_keep_a_closed_trail_from_others(tmp_path):
    path = tmp_path / "trail.theus"
    engine = opened(path, checkpoints=tmp_path / "kept")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    try:
        engine.shutdown()
        opened(path, checkpoints=tmp_path / "kept").shutdown()
    finally:
        os.close(writer)
        os.close(reader)
        os.waitpid(child, 0)


@pytest.mark.timeout(60)
def test_what_takes_the_checkpoints_may_use_the_engine(tmp_path):
    told = []

    def take(text):
        told.append(engine.audit.checkpoint())
        engine.audit.sync()
        assert engine.audit.verify().ok
        engine.shutdown()

    engine = opened(tmp_path / "trail.theus", on_checkpoint=take)
    engine.compare_and_swap(0, data={"domain": {"count": 1}})
    assert engine.audit.checkpoint()
    engine.shutdown()
    assert told == [None]
    opened(tmp_path / "trail.theus").shutdown()


FULL = """
import resource, signal, sys, warnings
from theus import TheusEngine
from theus.audit import AuditTrail, AuditWarning

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
engine = TheusEngine(audit_path=AuditTrail(sys.argv[1], on_full="pass", checkpoint_every=1e6))
for version in range(100):
    engine.compare_and_swap(version, data={"domain": {"n": version}})
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    engine.shutdown()
assert [warning.category for warning in caught] == [AuditWarning], caught
assert "waited in memory" in str(caught[0].message), caught[0].message
"""


def test_a_shutdown_warns_of_records_that_a_full_disk_never_took(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(FULL)
    path = tmp_path / "trail.theus"
    done = subprocess.run([sys.executable, program, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    # What is there is whole, and says no more than it holds.
    report = AuditTrail.verify(path)
    assert report.ok and 0 < report.count < 100
