"""AuditSystem: counters, thresholds, levels, the log and the latch, as SPEC's table has them."""

import pickle
import subprocess
import sys
import threading
import warnings

import pytest

import theus
import theus_core
from theus.audit import (
    AuditAbortError,
    AuditBlockError,
    AuditLevel,
    AuditLogEntry,
    AuditRecipe,
    AuditStopError,
    AuditSystem,
    AuditWarning,
)


def course(recipe, fails):
    """What comes of so many failures, a letter for each: . passes, w warns, x is refused."""
    audit = AuditSystem(recipe)
    letters = ""
    for _ in range(fails):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                audit.log_fail("key")
            except (AuditStopError, AuditAbortError, AuditBlockError):
                letters += "x"
                continue
        letters += "w" if caught else "."
        assert all(warning.category is AuditWarning for warning in caught)
    return letters


@pytest.mark.parametrize(
    ("level", "threshold_max", "threshold_min", "expected"),
    [
        ("S", 3, 0, "xxx"),
        ("A", 3, 2, "xxx"),
        ("B", 3, 0, "...xx"),
        ("B", 3, 1, "wwwxx"),
        ("B", 3, 2, ".wwxx"),
        ("B", 0, 0, "xx"),
        ("C", 3, 0, "....."),
        ("C", 3, 2, ".ww.."),
        ("I", 0, 1, "..."),
    ],
)
def test_each_level_takes_its_course(level, threshold_max, threshold_min, expected):
    recipe = AuditRecipe(level=level, threshold_max=threshold_max, threshold_min=threshold_min)
    assert course(recipe, len(expected)) == expected


def test_a_level_raises_its_own_error_with_its_own_words():
    audit = AuditSystem(AuditRecipe(threshold_max=1))
    for level, error, text in [
        (AuditLevel.Stop, AuditStopError, "Audit Stopped: greet failed"),
        ("A", AuditAbortError, "Audit Aborted: greet failed"),
        (2, AuditBlockError, "Audit Blocked: greet exceeded threshold 1 with failure 3"),
    ]:
        with pytest.raises(error) as caught:
            audit.log_fail("greet", level=level)
        assert str(caught.value) == text
        assert isinstance(caught.value, theus.TheusError) and isinstance(caught.value, RuntimeError)
    audit.log_fail("greet", AuditLevel.Count)
    audit.log_fail("other", threshold_max=5)
    with pytest.raises(AuditBlockError):
        audit.log_fail("other", None, 1)


def test_a_warning_has_its_text_and_can_be_made_an_error():
    audit = AuditSystem(AuditRecipe(threshold_min=1))
    with pytest.warns(AuditWarning, match=r"Audit Warning: greet failed \(count 1, threshold 3\)") as caught:
        audit.log_fail("greet")
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AuditWarning):
            audit.log_fail("greet")
    assert audit.get_count("greet") == 2
    assert issubclass(AuditWarning, UserWarning) and not issubclass(AuditWarning, theus.TheusError)


def test_a_success_resets_its_key_if_the_recipe_says_so():
    audit = AuditSystem()
    audit.log_fail("a")
    audit.log_fail("b")
    audit.log_success("a")
    assert (audit.get_count("a"), audit.get_count("b"), audit.get_count("never")) == (0, 1, 0)
    audit = AuditSystem(AuditRecipe(reset_on_success=False))
    audit.log_fail("a")
    audit.log_success("a")
    assert audit.get_count("a") == 1


def test_the_log_keeps_the_newest_entries_and_counts_all():
    audit = AuditSystem(capacity=2)
    for message in ("one", "two", "three"):
        audit.log("greet", message)
    assert [(entry.key, entry.message) for entry in audit.get_logs()] == [("greet", "two"), ("greet", "three")]
    assert (audit.ring_buffer_len, audit.get_count_all(), audit.capacity) == (2, 3, 2)
    assert audit.get_logs()[0].timestamp <= audit.get_logs()[1].timestamp
    audit.log_fail("greet")
    assert audit.get_count_all() == 3, "a failure is no entry"
    assert AuditSystem().capacity == 1000


def test_an_entry_is_immutable_equal_by_content_and_picklable():
    entry = AuditLogEntry(1.5, "greet", "it's")
    assert (entry.timestamp, entry.key, entry.message) == (1.5, "greet", "it's")
    assert entry == AuditLogEntry(timestamp=1.5, key="greet", message="it's")
    assert entry != AuditLogEntry(2.5, "greet", "it's")
    assert pickle.loads(pickle.dumps(entry)) == entry
    with pytest.raises(AttributeError):
        entry.message = "other"
    with pytest.raises(AttributeError):
        entry.other = 1


def test_a_stop_latches_until_it_is_reset():
    audit = AuditSystem(AuditRecipe(stop_latch=True))
    with pytest.raises(AuditAbortError):
        audit.log_fail("a", "A")
    assert audit.stopped is None
    with pytest.raises(AuditStopError):
        audit.log_fail("b", "S")
    with pytest.raises(AuditStopError):
        audit.log_fail("c", "S")
    assert audit.stopped == "Audit Stopped: b failed"
    audit.reset()
    assert (audit.stopped, audit.get_count("b")) == (None, 0)
    audit = AuditSystem()
    with pytest.raises(AuditStopError):
        audit.log_fail("a", "S")
    assert audit.stopped is None


def test_systems_share_nothing_but_the_shared_one():
    one, other = AuditSystem(), AuditSystem()
    one.log_fail("a")
    assert other.get_count("a") == 0
    AuditSystem.shared().log_fail("test of the shared system", level="C")
    assert AuditSystem.shared().get_count("test of the shared system") == 1


def test_no_failure_is_lost_between_threads():
    audit = AuditSystem(AuditRecipe(level="C"))
    start = threading.Barrier(4)

    def fail():
        start.wait()
        for _ in range(1000):
            audit.log_fail("key")
            audit.log("key", "entry")

    threads = [threading.Thread(target=fail) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (audit.get_count("key"), audit.get_count_all()) == (4000, 4000)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda audit: audit.log_fail("a", level="X"), ValueError),
        (lambda audit: audit.log_fail("a", level=5), ValueError),
        (lambda audit: audit.log_fail("a", level=-1), ValueError),
        (lambda audit: audit.log_fail("a", level=True), TypeError),
        (lambda audit: audit.log_fail("a", level=1.0), TypeError),
        (lambda audit: audit.log_fail("a", threshold_max=-1), ValueError),
        (lambda audit: audit.log_fail("a", threshold_max=True), ValueError),
        (lambda audit: audit.log_fail(1), TypeError),
        (lambda audit: AuditSystem({"level": "S"}), TypeError),
        (lambda audit: AuditSystem(capacity=-1), OverflowError),
    ],
)
def test_wrong_arguments_are_refused_and_count_nothing(call, error):
    audit = AuditSystem()
    with pytest.raises(error):
        call(audit)
    assert audit.get_count("a") == 0


def test_the_old_names_are_the_same_objects():
    for name in ("AuditSystem", "AuditRecipe", "AuditLevel", "AuditLogEntry"):
        assert getattr(theus_core, name) is globals()[name]
    for error in (AuditBlockError, AuditAbortError, AuditStopError, AuditWarning):
        assert getattr(theus_core, error.__name__) is getattr(theus, error.__name__) is error


def test_importing_theus_does_not_load_the_audit():
    code = "import sys, theus; print([name for name in sys.modules if name.startswith('theus')])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=True)
    assert out.stdout.strip() == "['theus._native', 'theus']"
