"""Arrays that may not be written: what says so, and the private way out (`.scratch()`)."""

import numpy as np
import pytest

import heavy_tasks
from theus import process
from theus.structures import ShmArray, scratch

WRITES = {
    "item": lambda a: a.__setitem__(0, 1),
    "slice": lambda a: a.__setitem__(slice(1, 3), 1),
    "mask": lambda a: a.__setitem__(a > 3, 1),
    "fill": lambda a: a.fill(1),
    "sort": lambda a: a.sort(),
    "put": lambda a: a.put(0, 1),
    "np.put": lambda a: np.put(a, 0, 1),
    "partition": lambda a: a.partition(1),
    "byteswap": lambda a: a.byteswap(inplace=True),
    "setflags": lambda a: a.setflags(write=True),
    "+=": lambda a: a.__iadd__(1),
    "-=": lambda a: a.__isub__(1),
    "*=": lambda a: a.__imul__(2),
    "//=": lambda a: a.__ifloordiv__(2),
    "%=": lambda a: a.__imod__(2),
    "**=": lambda a: a.__ipow__(2),
    "<<=": lambda a: a.__ilshift__(1),
    ">>=": lambda a: a.__irshift__(1),
    "&=": lambda a: a.__iand__(1),
    "|=": lambda a: a.__ior__(1),
    "^=": lambda a: a.__ixor__(1),
}


@pytest.fixture
def array(engine):
    """A read-only array, published as `heavy.m`: 0 to 11 in three rows."""
    engine.heavy.update("m", np.arange(12).reshape(3, 4))
    return engine.heavy.get("m")


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_refused_write_tells_the_ways_out(engine, array, write):
    for view in (array, engine.state.heavy["m"], array[1], array.T, array[::-1, 1::2]):
        before = view.copy()
        with pytest.raises(ValueError, match=r"'m'.*read-only.*\.scratch\(\).*engine\.heavy\.update\('m'\)"):
            write(view)
        assert (view == before).all()


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_the_same_writes_work_where_they_may(engine, array, write):
    mine, plain = array.scratch(), np.array(array)
    write(mine)
    write(plain)
    assert (mine == plain).all()


def test_division_in_place(engine):
    engine.heavy.update("m", np.ones(3))
    with pytest.raises(ValueError, match="scratch"):
        engine.heavy.get("m").__itruediv__(2)
    mine = engine.heavy.get("m").scratch()
    mine /= 2
    assert mine.tolist() == [0.5, 0.5, 0.5]


def test_a_product_in_place(engine):
    engine.heavy.update("m", np.eye(2))
    with pytest.raises(ValueError, match="scratch"):
        engine.heavy.get("m").__imatmul__(np.eye(2))


def test_an_operator_in_place_gives_the_same_object(engine):
    array = engine.heavy.alloc("m", shape=(3,))
    same = array
    same += 1
    assert same is array and array.tolist() == [1, 1, 1]


def test_other_errors_stay_what_they_are(engine):
    array = engine.heavy.alloc("m", shape=(3,))
    with pytest.raises(ValueError, match="broadcast"):
        array[:] = [1, 2]
    with pytest.raises(IndexError):
        array[7] = 1


def test_the_name_is_told_if_there_is_one(engine, array):
    engine.heavy.free("m")
    with pytest.raises(ValueError, match="scratch"):
        array[0] = 1
    state_only = engine.heavy.alloc("other", shape=(3,))
    engine.compare_and_swap(engine.state.version, heavy={"published_as": state_only})
    with pytest.raises(ValueError, match="published_as"):
        engine.state.heavy["published_as"][0] = 1


def test_numpy_functions_refuse_too(array):
    before = array.copy()
    for write in (lambda: np.add(array, 1, out=array), lambda: np.copyto(array, 1), lambda: np.asarray(array).fill(1)):
        with pytest.raises(ValueError, match="read-only"):
            write()
    assert (array == before).all()


def test_reads_and_arithmetic_are_those_of_numpy(array):
    plain = np.arange(12).reshape(3, 4)
    assert (array + 1 == plain + 1).all() and (2 * array == 2 * plain).all() and (array @ array.T == plain @ plain.T).all()
    assert array[1, 2] == 6 and array[1:, ::2].tolist() == plain[1:, ::2].tolist()
    assert np.linalg.norm(array) == np.linalg.norm(plain) and np.sort(array, axis=None).tolist() == list(range(12))
    assert np.linalg.inv(array[:2, :2]).shape == (2, 2) and np.concatenate([array, array]).shape == (6, 4)
    assert np.where(array > 5, array, 0).sum() == plain[plain > 5].sum()


@pytest.mark.skipif(np.__version__.startswith("1."), reason="before NumPy 2 arithmetic asks the class for its results")
def test_what_is_computed_is_an_ordinary_array_or_number(array):
    for result in (array + 1, array.mean(axis=0), -array, np.sqrt(array), array.sum(axis=1, keepdims=True)):
        assert type(result) is np.ndarray and result.flags.writeable
    for number in (array.sum(), array.max(), array.mean(), np.add.reduce(array, axis=None), array[0, 0]):
        assert isinstance(number, np.generic), type(number)


def test_a_view_knows_what_it_is_a_view_of(array):
    for view in (array[0], array.T, array.reshape(4, 3), array[1:][:, 1:], array.view("u8")):
        assert isinstance(view, ShmArray) and view.shm is array.shm


def test_scratch_is_private_and_writable(engine, array):
    mine = array.scratch()
    assert isinstance(mine, ShmArray) and mine.flags.writeable and (mine == array).all()
    mine[0, 0] = 99
    assert array[0, 0] == 0 and engine.heavy.get("m")[0, 0] == 0
    other = array.scratch()
    assert other[0, 0] == 0


def test_scratch_of_a_view_has_its_shape_and_strides(array):
    for view in (array[1], array.T, array[::-1, 1::2], array[2:3, 3], array[:, 1]):
        mine = view.scratch()
        assert mine.shape == view.shape and mine.strides == view.strides and (mine == view).all()
        mine[...] = -1
        assert (array == np.arange(12).reshape(3, 4)).all()


def test_scratch_counts_against_no_capacity(engine):
    engine.heavy.update("m", np.ones(1_000_000))
    used = engine.stats()["heavy_bytes"]
    mine = engine.heavy.get("m").scratch()
    mine += 1
    assert engine.stats()["heavy_bytes"] == used


def test_scratch_keeps_the_memory_of_its_array(engine):
    engine.heavy.update("m", np.ones(100_000))
    mine = engine.heavy.get("m").scratch()
    engine.heavy.free("m")
    assert engine.stats()["heavy_bytes"] >= 800_000
    engine.heavy.alloc("other", shape=(100_000,))[:] = 7
    assert (mine == 1).all()
    del mine
    assert engine.stats()["heavy_bytes"] == 0


@pytest.mark.parametrize("elements", [1, 3, 100, 1000, 5000, 200_000])
def test_scratch_of_blocks_that_share_a_page(engine, elements):
    for number in range(5):
        engine.heavy.update(f"m{number}", np.full(elements, number, dtype="u1"))
    mine = engine.heavy.get("m3").scratch()
    assert (mine == 3).all()
    mine[...] = 9
    for number in range(5):
        assert (engine.heavy.get(f"m{number}") == number).all()


@pytest.mark.parametrize("shape", [(), (0,), (3, 0)])
def test_scratch_of_odd_shapes(engine, shape):
    engine.heavy.update("m", np.full(shape, 7))
    mine = engine.heavy.get("m").scratch()
    mine[...] = 8
    assert mine.shape == shape and (engine.heavy.get("m") == 7).all()


def test_scratch_of_a_writable_array_is_private_too(engine):
    array = engine.heavy.alloc("m", shape=(3,))
    mine = array.scratch()
    mine[0] = 1
    assert array.tolist() == [0, 0, 0]


def test_scratch_of_what_is_private_is_a_copy(array):
    first = array.scratch()
    second = first.scratch()
    second[0] = 99
    copied = array.copy().scratch()
    copied[0] = 99
    assert first[0, 0] == 0 and array[0, 0] == 0


def test_a_committed_scratch_is_copied(engine, array):
    mine = array.scratch()
    mine[0, 0] = 99
    engine.heavy.update("m", mine)
    mine[0, 0] = 100
    engine.compare_and_swap(engine.state.version, heavy={"n": mine})
    mine[0, 0] = 101
    assert (engine.heavy.get("m")[0, 0], engine.heavy.get("n")[0, 0], array[0, 0]) == (99, 100, 0)


def test_the_function_does_what_the_method_does(array):
    mine = scratch(array[1])
    mine[0] = 99
    assert isinstance(mine, ShmArray) and array[1, 0] == 4
    for other in (np.ones(3), [1], memoryview(b"abc")):
        with pytest.raises(TypeError, match="scratch"):
            scratch(other)


def test_on_a_worker_the_text_is_the_same(engine, array):
    with pytest.raises(ValueError, match=r"read-only.*scratch"):
        engine.submit(heavy_tasks.write_item, name="m").result()


def test_on_a_worker_scratch_works(engine, array):
    assert engine.submit(heavy_tasks.change_scratch, name="m").result() == (99, 0)
    assert array[0, 0] == 0


def test_in_a_process_the_array_is_read_only(engine, array):
    @process(inputs=["heavy.m"])
    def body(ctx):
        ctx.heavy["m"][0] = 1

    with pytest.raises(ValueError, match="scratch"):
        engine.call(body)
