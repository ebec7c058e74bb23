"""Arrays of the heavy zone in the hands of others: buffers, DLPack, and how long the memory lives."""

import gc
import signal

import numpy as np
import pytest

from theus import EngineClosedError, TheusEngine
from theus.structures import ShmArray

NUMPY_2_1 = tuple(map(int, np.__version__.split(".")[:2])) >= (2, 1)
DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "F", "D"]


@pytest.fixture
def array(engine):
    """A read-only array, published as `heavy.m`."""
    engine.heavy.update("m", np.arange(12, dtype="f4").reshape(3, 4))
    return engine.heavy.get("m")


def used(engine):
    """Bytes of the heavy zone in use."""
    gc.collect()
    return engine.stats()["heavy_bytes"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (2, 0, 3)])
def test_the_buffer_protocol(engine, dtype, shape):
    array = engine.heavy.alloc("m", shape=shape, dtype=dtype)
    view = memoryview(array)
    assert (view.shape, view.itemsize, view.readonly) == (shape, array.itemsize, False)
    assert view.format == memoryview(np.zeros(1, dtype)).format
    native = memoryview(array.block)
    assert (native.shape, native.itemsize, native.c_contiguous) == (view.shape, view.itemsize, True)
    assert native.strides == view.strides or 0 in shape


def test_a_read_only_buffer(array):
    view = memoryview(array)
    assert view.readonly and view.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    with pytest.raises(TypeError):
        view[0, 0] = 1
    with pytest.raises((BufferError, ValueError)):
        np.frombuffer(array, dtype="u1").flags.writeable = True


@pytest.mark.parametrize("dtype", DTYPES)
def test_dlpack_of_a_writable_array(engine, dtype):
    array = engine.heavy.alloc("m", shape=(2, 3), dtype=dtype)
    taken = np.from_dlpack(array)
    assert np.shares_memory(taken, array) and taken.dtype == array.dtype and taken.shape == (2, 3)
    assert array.__dlpack_device__() == (1, 0)


@pytest.mark.skipif(not NUMPY_2_1, reason="before NumPy 2.1 DLPack cannot say read-only, and NumPy refuses to export")
def test_dlpack_of_a_read_only_array_says_so(array):
    taken = np.from_dlpack(array)
    assert np.shares_memory(taken, array) and not taken.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        taken[0] = 1


def test_dlpack_to_a_consumer_that_knows_no_read_only_is_refused(array):
    with pytest.raises((BufferError, RuntimeError), match="(?i)read-?only"):
        array.__dlpack__()


@pytest.mark.skipif(not NUMPY_2_1, reason="a copy can be asked for since NumPy 2.1")
def test_dlpack_of_a_copy_is_writable(array):
    taken = np.from_dlpack(array, copy=True)
    taken[0] = 99
    assert array[0, 0] == 0


def test_dlpack_of_a_part(engine, array):
    taken = np.from_dlpack(array.scratch()[1:, ::2])
    assert taken.tolist() == [[4, 6], [8, 10]]


HOLDERS = {
    "array": lambda a: a,
    "slice": lambda a: a[:1, :1],
    "plain view": lambda a: np.asarray(a)[1:],
    "transposed": lambda a: a.T,
    "memoryview": lambda a: memoryview(a),
    "part of a memoryview": lambda a: memoryview(a)[0:1],
    "DLPack capsule": lambda a: a.__dlpack__(),
    "DLPack array": lambda a: np.from_dlpack(a),
    "frombuffer": lambda a: np.frombuffer(a, dtype="u1"),
    "shm.buf": lambda a: a.shm.buf,
    "iterator": lambda a: iter(a),
}


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
def test_what_is_made_from_an_array_keeps_its_memory(engine, hold):
    array = engine.heavy.alloc("m", shape=(1000, 100), dtype="f8")
    holder = hold(array)
    del array
    assert used(engine) >= 800_000
    del holder
    assert used(engine) == 0


def test_a_published_array_lives_as_long_as_a_snapshot(engine):
    engine.heavy.update("m", np.ones(100_000))
    state = engine.state
    engine.heavy.free("m")
    assert used(engine) >= 800_000 and (state.heavy["m"] == 1).all()
    del state
    assert used(engine) == 0


def test_a_replaced_array_is_freed(engine):
    engine.heavy.update("m", np.ones(100_000))
    engine.heavy.update("m", np.ones(10))
    assert used(engine) < 10_000


def test_a_result_of_arithmetic_does_not_keep_the_memory(engine):
    array = engine.heavy.alloc("m", shape=(100_000,))
    result = array + 1
    del array
    assert used(engine) == 0 and result.shape == (100_000,)


def test_an_array_outlives_the_engine_that_made_it():
    engine = TheusEngine()
    array = engine.heavy.alloc("m", shape=(1000,))
    engine.heavy.update("n", np.ones(1000))
    published, part = engine.heavy.get("n"), engine.heavy.get("n")[10:20]
    engine.shutdown()
    array[...] = 7
    del engine
    gc.collect()
    assert (array == 7).all() and (published == 1).all() and (part == 1).all()
    assert isinstance(published, ShmArray) and (published.scratch() == 1).all()


def test_after_shutdown_nothing_is_reached_through_the_engine():
    engine = TheusEngine()
    engine.heavy.update("m", np.ones(3))
    before = engine.state
    update = engine.heavy.update("m")
    engine.shutdown()
    calls = [
        lambda: engine.heavy.get("m"),
        lambda: engine.heavy.alloc("n", shape=(3,)),
        lambda: engine.heavy.adopt("n", np.ones(3)),
        lambda: engine.heavy.update("m", np.ones(3)),
        lambda: engine.heavy.free("m"),
        lambda: engine.state.heavy,
        update.__enter__,
    ]
    for call in calls:
        with pytest.raises(EngineClosedError):
            call()
    assert before.heavy["m"].tolist() == [1, 1, 1], "what is held stays valid"


def test_an_update_that_outlives_the_engine_is_dropped():
    engine = TheusEngine()
    engine.heavy.update("m", np.ones(3))
    with pytest.raises(EngineClosedError), engine.heavy.update("m") as array:
        array[...] = 2
        engine.shutdown()


def test_the_memory_goes_with_the_engine_and_its_arrays(script):
    out = script.run(
        """
        import gc, re
        import numpy as np
        from theus import TheusEngine

        def mapped():
            gc.collect()
            with open("/proc/self/maps") as file:
                return sum(1 for line in file if "/memfd:" in line)

        before = mapped()
        engine = TheusEngine()
        engine.heavy.update("m", np.ones(1_000_000))
        held = engine.heavy.get("m")
        engine.shutdown()
        del engine
        print(mapped() > before, held.sum())
        del held
        print(mapped() == before)
        """
    )
    assert out.split() == ["True", "1000000.0", "True"]


def test_in_a_forked_child_the_engine_refuses(script):
    out = script.run(
        """
        import os, warnings
        import numpy as np
        from theus import TheusEngine

        warnings.simplefilter("ignore")
        engine = TheusEngine()
        engine.heavy.update("m", np.ones(3))
        array, state = engine.heavy.get("m"), engine.state
        calls = {
            "get": lambda: engine.heavy.get("m"),
            "alloc": lambda: engine.heavy.alloc("n", shape=(3,)),
            "adopt": lambda: engine.heavy.adopt("n", np.ones(3)),
            "update": lambda: engine.heavy.update("m", np.ones(3)),
            "free": lambda: engine.heavy.free("m"),
            "state": lambda: engine.state.heavy,
            "held state": lambda: state.heavy,
            "unlink": lambda: array.shm.unlink(),
        }
        if os.fork() == 0:
            for name, call in calls.items():
                try:
                    call()
                    print(name, "went through", flush=True)
                except PermissionError as error:
                    print(name, "PermissionError", flush=True)
                except RuntimeError as error:
                    assert "forked child" in str(error), error
                    print(name, "RuntimeError", flush=True)
            engine.heavy.cleanup()
            os._exit(0)
        assert os.wait()[1] == 0
        print(engine.heavy.get("m").tolist())
        """
    )
    assert out.splitlines() == [
        "get RuntimeError", "alloc RuntimeError", "adopt RuntimeError", "update RuntimeError", "free RuntimeError",
        "state RuntimeError", "held state RuntimeError", "unlink PermissionError", "[1.0, 1.0, 1.0]",
    ]  # fmt: skip


def test_in_a_forked_child_touching_a_held_array_ends_the_child(script):
    out = script.run(
        """
        import os, resource, warnings
        import numpy as np
        from theus import TheusEngine

        warnings.simplefilter("ignore")
        engine = TheusEngine()
        engine.heavy.update("m", np.ones(3))
        array = engine.heavy.get("m")
        mine = array.scratch()
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            mine[0] = 5
            if mine.tolist() != [5, 1, 1]:
                os._exit(1)
            array.sum()
            os._exit(0)
        print(os.WTERMSIG(os.waitpid(child, 0)[1]), array.tolist(), mine.tolist())
        """
    )
    assert out.strip() == f"{int(signal.SIGSEGV)} [1.0, 1.0, 1.0] [1.0, 1.0, 1.0]"


@pytest.mark.parametrize(
    ("shape", "error"),
    [
        ((2**40,), MemoryError),
        ((2**62,), (MemoryError, ValueError)),
        ((2**63,), ValueError),
        ((-1,), ValueError),
        ((1,) * 33, ValueError),
        ("3", TypeError),
        (3.0, TypeError),
    ],
)
def test_a_shape_that_cannot_be_leaves_everything_as_it_was(engine, shape, error):
    with pytest.raises(error, match="m"):
        engine.heavy.alloc("m", shape=shape, dtype="u1")
    assert used(engine) == 0 and engine.state.version == 0
    with pytest.raises(KeyError):
        engine.heavy.get("m")
