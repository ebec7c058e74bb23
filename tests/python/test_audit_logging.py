"""Audit records in Python's logging, and through it in OpenTelemetry."""

import importlib.util
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from theus import TheusEngine, process

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "audit_opentelemetry.py"


@process(outputs=["domain.n"])
def put(ctx, n):
    return n


@process(outputs=["domain.n"])
def fail(ctx):
    raise ValueError("boom")


@process(parallel=True, outputs=["domain.n"])
def put_on_worker(ctx, n):
    return n


class Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


@pytest.fixture
def logger():
    """The logger as a program configures it, and as it was afterwards."""
    logger = logging.getLogger("theus.audit")
    kept, level, before = Kept(), logger.level, list(logger.handlers)
    logger.addHandler(kept)
    yield logger, kept
    logger.setLevel(level)
    logger.handlers[:] = before


def test_each_record_is_logged_once_the_logger_is_configured(logger):
    audit, kept = logger
    audit.setLevel(logging.INFO)
    with TheusEngine() as engine:
        engine.call(put, n=1)
        with pytest.raises(ValueError):
            engine.call(fail)
        engine.submit(put_on_worker, n=3).result()
        wanted = engine.audit.records()
    assert [record.getMessage().split(" (")[0] for record in kept.records] == [
        "put committed version 1",
        "fail failed",
        "put_on_worker committed version 2",
    ]
    assert [record.levelname for record in kept.records] == ["INFO", "WARNING", "INFO"]
    for logged, record in zip(kept.records, wanted):
        assert logged.created == record.time
        fields = vars(logged)
        assert (fields["theus.number"], fields["theus.process"]) == (record.number, record.process)
        assert (fields["theus.outcome"], fields["theus.task"]) == (record.outcome, record.task)
        assert fields.get("theus.version") == record.version
        assert fields.get("theus.worker") == record.worker
    assert "boom" in kept.records[1].getMessage()


def test_nothing_is_logged_before_and_an_engine_that_runs_begins_when_it_is_configured(logger):
    audit, kept = logger
    with TheusEngine() as engine:
        engine.call(put, n=1)
        audit.setLevel(logging.INFO)
        engine.call(put, n=2)
    assert [record.getMessage().split(" (")[0] for record in kept.records] == ["put committed version 2"]


def test_a_level_above_info_takes_what_went_wrong_only(logger):
    audit, kept = logger
    audit.setLevel(logging.INFO)
    with TheusEngine() as engine:
        engine.call(put, n=1)
        audit.setLevel(logging.WARNING)
        engine.call(put, n=2)
        with pytest.raises(ValueError):
            engine.call(fail)
    assert kept.records[-1].getMessage().startswith("fail failed")


def test_a_handler_that_raises_does_not_end_the_logging(logger):
    audit, kept = logger
    audit.setLevel(logging.INFO)

    class Refusing(logging.Filter):
        def filter(self, record):
            raise RuntimeError("no")

    refusing = Refusing()
    audit.addFilter(refusing)
    with TheusEngine() as engine:
        engine.call(put, n=1)
    audit.removeFilter(refusing)
    with TheusEngine() as engine:
        engine.call(put, n=2)
    assert [record.getMessage().split(" (")[0] for record in kept.records] == ["put committed version 1"]


SILENT = """
import {imports}
from theus import TheusEngine, process

@process(outputs=["domain.n"])
def fail(ctx):
    raise ValueError("boom")

with TheusEngine() as engine:
    try:
        engine.call(fail)
    except ValueError:
        pass
assert ("logging" in sys.modules) == {loaded}, "logging was imported"
"""


@pytest.mark.parametrize(("imports", "loaded"), [("sys", False), ("sys, logging", True)])
def test_nothing_is_printed_or_imported_unasked(imports, loaded, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(SILENT.format(imports=imports, loaded=loaded))
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_example_gives_opentelemetry_what_the_trail_says(logger):
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter

    spec = importlib.util.spec_from_file_location("audit_opentelemetry", EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    exporter = InMemoryLogRecordExporter()
    example.main(exporter)
    found = [data.log_record for data in exporter.get_finished_logs()]
    assert [record.severity_text for record in found] == ["INFO", "WARN"]
    assert [record.attributes["theus.outcome"] for record in found] == ["committed", "failed"]
    assert found[0].attributes["theus.version"] == 2
    assert "an amount is at least 0" in found[1].body


def test_what_is_not_logged_yet_when_the_program_ends_is_logged_then():
    program = """
import logging
logging.basicConfig(level="INFO")
from theus import TheusEngine, process

@process(outputs=["domain.n"])
def put(ctx):
    return 1

engine = TheusEngine({"domain": {}})
for _ in range(100):
    engine.call(put)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.stderr.count("put committed") == 100, ended


def test_a_handler_may_end_the_engine():
    ended = []

    class Ends(logging.Handler):
        def emit(self, record):
            engine.shutdown()
            ended.append(engine)

    logger = logging.getLogger("theus.audit")
    handler = Ends()
    logger.addHandler(handler)
    logger.setLevel("INFO")
    try:
        engine = TheusEngine({"domain": {}})
        engine.call(put, 1)
        engine._logged._thread.join(30)
        assert ended == [engine]
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
