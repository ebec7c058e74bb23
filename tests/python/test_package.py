"""The package itself: what importing it costs, which names it has, that it works without NumPy."""

import importlib
import importlib.metadata
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import theus

NAMES = {
    "theus": [
        "TheusEngine", "process", "StateUpdate", "CORE_AVAILABLE", "__version__", "TheusError",
        "ContractViolationError", "GuardError", "ContextError", "ImmutableError", "VersionMismatchError",
        "UnsupportedValueError", "TransferError", "WorkerCrashedError", "EngineClosedError",
    ],
    "theus.engine": ["TheusEngine"],
    "theus.contracts": ["process", "ContractViolationError"],
    "theus.structures": ["StateUpdate", "ShmArray", "VersionMismatchError", "ContextError"],
    "theus.audit": [
        "AuditSystem", "AuditRecipe", "AuditLevel", "AuditLogEntry", "AuditStopError", "AuditAbortError",
        "AuditBlockError", "AuditWarning",
    ],
    "theus.config": ["ConfigFactory", "ConfigLoader", "AuditRecipe", "AuditRecipeBook", "SchemaViolationError"],
    "theus.validator": ["AuditValidator"],
    "theus_core": ["VersionMismatchError", "ContextError", "SchemaViolationError", "AuditSystem", "AuditRecipe", "AuditLevel"],
}  # fmt: skip

BASES = [
    ("GuardError", "ContractViolationError"),
    ("GuardError", PermissionError),
    ("ImmutableError", "ContextError"),
    ("ImmutableError", TypeError),
    ("VersionMismatchError", "ContextError"),
    ("UnsupportedValueError", TypeError),
    ("TransferError", __import__("pickle").PicklingError),
    ("WorkerCrashedError", __import__("concurrent.futures").futures.BrokenExecutor),
    ("EngineClosedError", RuntimeError),
    ("AuditStopError", RuntimeError),
    ("AuditAbortError", RuntimeError),
    ("AuditBlockError", RuntimeError),
    ("AuditBlockError", "TheusError"),
    ("SchemaViolationError", "TheusError"),
]

# What a user's program may import and say; the last line is wrong, to show that the classes are known and not just Any.
TYPED = """
import theus.context
from theus import ShmArray, TheusEngine
from theus.context import HeavyZoneAllocator, SafeSharedMemory
from theus.context import ShmArray as SameArray
from theus.structures import ManagedAllocator, scratch
from theus.structures import ShmArray as TheArray


def memory(array: ShmArray) -> SafeSharedMemory:
    same: SameArray = array
    found: SafeSharedMemory = TheArray.scratch(same).shm
    return found


def size(engine: TheusEngine, allocator: HeavyZoneAllocator) -> int:
    allocator.cleanup()
    return memory(scratch(engine.heavy.get("m"))).size + allocator.capacity_mb


wrong: theus.context.ShmArray = ManagedAllocator(8)
"""

NO_NUMPY = 'raise ImportError("numpy is not here")\n'


@pytest.mark.parametrize("module", NAMES)
def test_names_that_exist_so_far(module):
    found = importlib.import_module(module)
    assert [name for name in NAMES[module] if not hasattr(found, name)] == []


def test_a_name_is_one_object_wherever_imported_from():
    for module, names in NAMES.items():
        for name in names:
            if hasattr(theus, name):
                assert getattr(importlib.import_module(module), name) is getattr(theus, name), (module, name)


@pytest.mark.parametrize(("name", "base"), BASES)
def test_exceptions_have_their_bases(name, base):
    found = getattr(theus, name)
    assert issubclass(found, theus.TheusError)
    assert issubclass(found, getattr(theus, base) if isinstance(base, str) else base)


def test_the_core_is_there():
    assert theus.CORE_AVAILABLE is True


def test_versions_agree():
    assert theus.__version__ == importlib.metadata.version("theus")


def test_the_package_is_typed():
    folder = Path(theus.__file__).parent
    assert (folder / "py.typed").is_file()
    assert list(folder.glob("*.pyi")), "stubs lie beside the modules"


@pytest.mark.timeout(300)  # mypy reads the stubs of NumPy
@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")
def test_a_strict_type_checker_knows_the_public_classes(tmp_path):
    (tmp_path / "program.py").write_text(TYPED)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--config-file=", "program.py"]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=280)
    wrong = TYPED.splitlines().index("wrong: theus.context.ShmArray = ManagedAllocator(8)") + 1
    found = [line for line in checked.stdout.splitlines() if ": error:" in line]
    assert len(found) == 1 and found[0].startswith(f"program.py:{wrong}: ") and "[assignment]" in found[0], checked


def test_import_needs_the_standard_library_only(script):
    loaded = script.run(
        """
        import sys
        before = set(sys.modules)
        import theus
        print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
        """
    ).split()
    ours = {"theus", "theus_core"}
    assert [name for name in loaded if name not in sys.stdlib_module_names and name not in ours] == []
    assert "asyncio" not in loaded


def test_everything_but_arrays_works_without_numpy(script, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "numpy.py").write_text(NO_NUMPY)
    out = script.run(
        """
        import heavy_tasks
        from theus import TheusEngine

        engine = TheusEngine(pool_size=1)
        view = engine.heavy.alloc("m", shape=(2, 3), dtype="float32")
        assert isinstance(view, memoryview), type(view)
        assert view.shape == (2, 3) and view.format == "f" and not view.readonly
        assert view.tolist() == [[0.0] * 3] * 2
        view[1, 2] = 3.5
        engine.compare_and_swap(engine.state.version, heavy={"m": view})
        assert engine.submit(heavy_tasks.has_numpy).result() is False
        print(engine.submit(heavy_tasks.first_item, name="m", position=(1, 2)).result())
        engine.shutdown()
        """,
        path=(blocked, Path(__file__).parent),
    )
    assert out.strip() == str({"item": 3.5, "readonly": True, "shape": (2, 3), "format": "f"})


def test_without_numpy_a_struct_code_names_the_type(script, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "numpy.py").write_text(NO_NUMPY)
    script.run(
        """
        from theus import TheusEngine

        with TheusEngine() as engine:
            assert engine.heavy.alloc("m", shape=(4,), dtype="i").format == "i"
        """,
        path=(blocked,),
    )


def test_every_public_name_can_be_had():
    # Without NumPy there is no ShmArray, so it is no name that a star import may ask for.
    assert sorted(theus.__all__) == sorted({*theus._HOME_OF, "CORE_AVAILABLE", "__version__"} - {"ShmArray"})
    assert [name for name in theus.__all__ if not hasattr(theus, name)] == []
    assert dir(theus) == theus.__all__


def test_a_crash_error_is_a_class_of_its_own():
    assert theus.WorkerCrashedError.__name__ == "WorkerCrashedError"
    assert theus.WorkerCrashedError is theus.errors.WorkerCrashedError
