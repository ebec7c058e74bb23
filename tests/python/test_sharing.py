"""Arrays in other programs of the same user: pickled handles, sessions by name. And what the host can promise."""

import copy
import gc
import itertools
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

import theus
from theus import ContextError, EngineClosedError, TheusEngine
from theus.structures import ShmArray


@pytest.fixture
def array(engine):
    """Numbers 0 to 19,999 in 100 rows, not published."""
    made = engine.heavy.alloc("m", shape=(100, 200), dtype="f4")
    made[:] = np.arange(20_000).reshape(100, 200)
    return made


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """A runtime folder of this test's own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "theus"


class Program:
    """A second interpreter that runs one line after the other, as it is told."""

    LOOP = """
        import sys
        names = {}
        while True:
            size = int.from_bytes(sys.stdin.buffer.read(4), "little")
            text = sys.stdin.buffer.read(size)
            if not text:
                break
            exec(text.decode(), names)
            answer = repr(names.pop("answer", None)).encode()
            sys.stdout.buffer.write(len(answer).to_bytes(4, "little") + answer)
            sys.stdout.buffer.flush()
    """

    def __init__(self):
        command = [sys.executable, "-c", textwrap.dedent(self.LOOP)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, text):
        """Runs lines that may set `answer`; its repr comes back."""
        data = textwrap.dedent(text).encode()
        self.process.stdin.write(len(data).to_bytes(4, "little") + data)
        self.process.stdin.flush()
        size = self.process.stdout.read(4)
        assert len(size) == 4, "the program ended with an error"
        return self.process.stdout.read(int.from_bytes(size, "little")).decode()

    def load(self, name, array):
        """Unpickles an array there under a name."""
        self.run(f"import pickle; {name} = pickle.loads({pickle.dumps(array)!r})")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(20)
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def program():
    """`program()` starts a second interpreter."""
    started = []

    def start():
        started.append(Program())
        return started[-1]

    yield start
    for running in started:
        running.close()


def total(array):
    """The sum, for pools of processes."""
    return float(array.sum()), type(array).__name__, array.flags.writeable


def test_a_pickled_array_is_a_small_handle_that_maps_the_same_memory(array, program):
    assert len(pickle.dumps(array)) < 1024
    other = program()
    other.load("a", array)
    assert other.run("answer = (type(a).__name__, a.shape, a.dtype.str, float(a.sum()))") == (
        f"('ShmArray', (100, 200), '<f4', {float(array.sum())})"
    )
    array[0, 0] = 77
    assert other.run("answer = float(a[0, 0])") == "77.0", "it is the same memory"
    assert "r--s" in other.run(
        "answer = [l for l in open('/proc/self/maps') if int(l.split('-')[0], 16) <= a.ctypes.data < "
        "int(l.split('-')[1].split()[0], 16)]"
    )


@pytest.mark.parametrize(
    "part",
    [
        np.s_[3], np.s_[10:20], np.s_[:, 5], np.s_[::-1, ::-3], np.s_[7:7], np.s_[4:5, 6], np.s_[..., None], np.s_[0, 0:1],
    ],
    ids=str,
)  # fmt: skip
def test_a_part_is_a_handle_too(array, program, part):
    piece = array[part]
    assert len(pickle.dumps(piece)) < 1024
    other = program()
    other.load("a", piece)
    other.load("b", array)
    assert other.run(f"answer = (a.shape, a.strides, a.tolist() == b[{part!r}].tolist())") == (
        f"({piece.shape}, {piece.strides}, True)"
    )
    again = pickle.loads(pickle.dumps(piece))
    assert (again.shape, again.strides, again.tolist()) == (piece.shape, piece.strides, piece.tolist())


def test_views_of_other_types_and_orders_are_handles_too(array):
    for view in (array.T, array.view("i4"), array.reshape(-1), array.reshape(50, 400)[::2]):
        data = pickle.dumps(view)
        again = pickle.loads(data)
        assert len(data) < 1024
        assert (again.dtype, again.shape, again.strides) == (view.dtype, view.shape, view.strides)
        assert np.shares_memory(again, array) and (again == view).all()


def test_the_most_dimensions_still_make_less_than_a_kilobyte(engine):
    array = engine.heavy.alloc("m", shape=(1,) * 30 + (2, 3), dtype="f8")
    data = pickle.dumps(array[..., ::-1])
    assert len(data) < 1024
    assert pickle.loads(data).shape == array.shape


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,)])
def test_arrays_of_no_and_of_one_element(engine, program, shape):
    array = engine.heavy.alloc("m", shape=shape, dtype="i8")
    other = program()
    other.load("a", array)
    assert other.run("answer = (a.shape, a.tolist())") == repr((shape, array.tolist()))


def test_in_the_creator_it_is_the_same_memory_read_only(array):
    again = pickle.loads(pickle.dumps(array))
    assert isinstance(again, ShmArray) and np.shares_memory(again, array) and not again.flags.writeable
    with pytest.raises(ValueError, match="scratch"):
        again[0] = 1


def test_what_was_unpickled_can_be_published_uncopied_by_its_creator(engine, array):
    again = pickle.loads(pickle.dumps(array))
    engine.compare_and_swap(engine.state.version, heavy={"m": again})
    assert np.shares_memory(engine.state.heavy["m"], array)


def test_writing_elsewhere_is_refused_and_scratch_is_private(array, program):
    other = program()
    other.load("a", array)
    refusal = other.run("""
        try:
            a[0] = 1
        except ValueError as error:
            answer = str(error)
    """)
    assert "scratch" in refusal
    assert other.run("s = a.scratch(); s[0, 0] = 5; answer = (float(s[0, 0]), float(a[0, 0]))") == "(5.0, 0.0)"
    assert array[0, 0] == 0


def test_a_handle_travels_on(array, program):
    first, second = program(), program()
    first.load("a", array)
    handed_on = eval(first.run("answer = pickle.dumps(a[2:4])"))
    assert len(handed_on) < 1024
    assert second.run(f"import pickle; answer = pickle.loads({handed_on!r}).tolist()") == repr(array[2:4].tolist())
    assert np.shares_memory(pickle.loads(handed_on), array), "and back"


def test_a_handle_keeps_nothing_alive(engine, program):
    array = engine.heavy.alloc("m", shape=(1 << 20,), dtype="u1")
    data = pickle.dumps(array)
    del array
    gc.collect()
    assert engine.stats()["heavy_bytes"] == 0
    with pytest.raises(ContextError, match="freed"):
        pickle.loads(data)
    other = program()
    gone = other.run(f"""
        import pickle
        try:
            pickle.loads({data!r})
        except Exception as error:
            answer = type(error).__name__, str(error)
    """)
    assert "ContextError" in gone and "freed" in gone and str(os.getpid()) in gone


def test_an_array_in_use_elsewhere_is_kept_until_it_is_let_go(engine, program, until):
    array = engine.heavy.alloc("m", shape=(1 << 20,), dtype="u1")
    array[:] = 3
    other = program()
    other.load("a", array)
    del array
    gc.collect()
    assert engine.stats()["heavy_bytes"] == 1 << 20
    again = engine.heavy.alloc("m", shape=(1 << 20,), dtype="u1")
    again[:] = 9
    assert other.run("answer = int(a.sum()) == 3 << 20") == "True"
    other.run("part = a[5:6]; del a")
    assert engine.stats()["heavy_bytes"] == 2 << 20, "a part keeps it"
    other.run("del part")
    until(lambda: engine.stats()["heavy_bytes"] == 1 << 20, "the block is given back")


def test_a_killed_program_gives_back_what_it_held(engine, program, until):
    array = engine.heavy.alloc("m", shape=(1 << 20,), dtype="u1")
    other = program()
    other.load("a", array)
    del array
    gc.collect()
    assert engine.stats()["heavy_bytes"] == 1 << 20
    other.kill()
    until(lambda: engine.stats()["heavy_bytes"] == 0, "the block is given back")


def test_what_was_opened_outlives_its_creator_and_handles_do_not(program):
    creator = program()
    data = eval(creator.run("""
        import pickle
        from theus import TheusEngine
        engine = TheusEngine()
        array = engine.heavy.alloc("m", shape=(1000,), dtype="i4")
        array[:] = 5
        answer = pickle.dumps(array)
    """))
    array = pickle.loads(data)
    creator.kill()
    assert int(array.sum()) == 5000
    with pytest.raises(ContextError, match=f"process {creator.process.pid}, which held it, has ended"):
        pickle.loads(data)
    with pytest.raises(ContextError, match="has ended"):
        pickle.loads(pickle.dumps(array))


def test_an_array_held_after_shutdown_can_still_be_shared(program):
    engine = TheusEngine()
    array = engine.heavy.alloc("m", shape=(10,), dtype="i4")
    array[:] = 1
    engine.shutdown()
    other = program()
    other.load("a", array)
    assert other.run("answer = int(a.sum())") == "10"


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_pools_of_processes_map_it(array, method):
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        for found in pool.map(total, [array, array[3:], array]):
            assert found[1:] == ("ShmArray", False)
        assert pool.submit(total, array[::2]).result()[0] == float(array[::2].sum())


def test_a_forked_child_reads_by_handle_and_refuses_what_it_cannot_do(array):
    data, right = pickle.dumps(array), float(array.sum())
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = float(pickle.loads(data).sum()) == right
            try:
                pickle.dumps(array)
            except ContextError as error:
                said = said and "parent" in str(error)
            else:
                said = False
            os.write(write, b"yes" if said else b"no")
        finally:
            os._exit(0)
    os.close(write)
    assert os.read(read, 10) == b"yes"
    os.close(read)
    os.waitpid(child, 0)
    assert pickle.loads(data)[0, 1] == 1, "the parent goes on"


def test_a_forked_child_of_a_process_that_lends_shares_what_it_makes_itself(array, runtime):
    handle, right = pickle.dumps(array), float(array.sum())
    (read, write), (stay, leave) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            engine = TheusEngine()
            own = engine.heavy.alloc("m", shape=(1000,), dtype="i4")
            own[:] = 3
            engine.compare_and_swap(engine.state.version, heavy={"m": own})
            engine.listen("child")
            assert float(pickle.loads(handle).sum()) == right
            os.write(write, pickle.dumps(own))
            os.close(leave)
            os.read(stay, 1)
        finally:
            os._exit(0)
    os.close(write)
    os.close(stay)
    data = os.read(read, 10_000)
    os.close(read)
    with theus.attach("child") as session:
        assert session.pid == child
        by_name, by_handle = session.heavy["m"], pickle.loads(data)
        assert int(by_name.sum()) == int(by_handle.sum()) == 3000
        assert int(pickle.loads(pickle.dumps(by_name)).sum()) == 3000
    os.close(leave)
    os.waitpid(child, 0)
    assert pickle.loads(handle)[0, 1] == 1, "the parent goes on"


def test_copies_and_private_memory_are_pickled_by_their_elements(array):
    scratch = array.scratch()
    scratch[0, 0] = 5
    for private in (scratch, array + 1, array.copy()):
        again = pickle.loads(pickle.dumps(private))
        assert (again == private).all() and not np.shares_memory(again, array)
    assert not np.shares_memory(copy.deepcopy(array), array)


class Holder:
    """An object of the user's with an array in it."""

    def __init__(self, array):
        self.array = array


def test_what_the_state_holds_does_not_depend_on_who_keeps_an_array(engine):
    array = engine.heavy.alloc("m", shape=(1000,), dtype="i4")
    array[:] = 2
    engine.compare_and_swap(engine.state.version, data={"domain": {"holder": Holder(array)}})
    del array
    gc.collect()
    assert int(engine.state.domain.holder.array.sum()) == 2000


@pytest.mark.parametrize(
    "damage",
    [lambda b: b[:-1], lambda b: b + b"x", lambda b: b"", lambda b: b"\x02" + b[1:], lambda b: b"\xff" * len(b)],
)
def test_a_damaged_handle_is_a_context_error(array, damage):
    restore, (handle,) = array.__reduce__()
    with pytest.raises(ContextError):
        restore(damage(handle))


def test_a_handle_that_points_outside_of_its_block_is_refused(array):
    from theus import _native

    block = array._whole().block
    for shape, strides, offset in [([100, 201], [800, 4], 0), ([1], [4], 80_000), ([2], [-4], 0), ([2], [1 << 62], 4)]:
        handle = _native.handle(block, "<f4", shape, strides, offset)
        with pytest.raises(ContextError, match="outside"):
            _native.reached(handle)


def test_another_program_attaches_by_name(engine, array, runtime, program):
    engine.listen("camera")
    engine.compare_and_swap(engine.state.version, heavy={"m": array, "deep": {"left": array}})
    other = program()
    assert other.run("import theus; answer = theus.sessions()") == f"[Session(name='camera', pid={os.getpid()})]"
    assert other.run("s = theus.attach('camera'); answer = (s.pid, s.heavy.names(), list(s.heavy), len(s.heavy))") == (
        f"({os.getpid()}, ['deep.left', 'm'], ['deep.left', 'm'], 2)"
    )
    assert other.run("a = s.heavy['m']; answer = (float(a.sum()), a.flags.writeable)") == f"({float(array.sum())}, False)"
    assert other.run("answer = float(s.heavy.get('deep.left', shape=(100, 200), dtype='f4')[0, 3])") == "3.0"
    assert other.run("answer = 'm' in s.heavy, 'x' in s.heavy") == "(True, False)"

    engine.heavy.update("m", np.ones(3))
    assert other.run("answer = s.heavy['m'].tolist(), float(a[0, 3])") == "([1.0, 1.0, 1.0], 3.0)", "old and new"


def test_an_attached_array_can_be_pickled_on(engine, array, runtime, program):
    engine.listen("camera")
    engine.compare_and_swap(engine.state.version, heavy={"m": array})
    other = program()
    data = eval(other.run("import theus, pickle; s = theus.attach('camera'); answer = pickle.dumps(s.heavy['m'][1])"))
    assert len(data) < 1024 and np.shares_memory(pickle.loads(data), array)


def test_refusals_of_an_attached_session(engine, array, runtime):
    engine.compare_and_swap(engine.state.version, heavy={"m": array})
    with pytest.raises(ContextError, match="camera"):
        theus.attach("camera")
    engine.listen("camera")
    with theus.attach("camera") as session:
        with pytest.raises(KeyError):
            session.heavy["x"]
        with pytest.raises(TypeError):
            session.heavy[3]
        with pytest.raises(ValueError, match="shape"):
            session.heavy.get("m", shape=(3,))
        with pytest.raises(ValueError, match="dtype"):
            session.heavy.get("m", dtype="f8")
        held = session.heavy["m"]
    with pytest.raises(ContextError, match="closed"):
        session.heavy["m"]
    assert float(held[0, 3]) == 3.0
    session = theus.attach("camera")
    engine.shutdown()
    with pytest.raises(ContextError, match="has ended"):
        session.heavy.names()


def test_names_of_sessions_are_checked_and_given_once(engine, runtime):
    for bad in ("", "../x", ".x", "a b", "x" * 65):
        with pytest.raises(ValueError):
            engine.listen(bad)
        with pytest.raises(ValueError):
            theus.attach(bad)
    engine.listen("camera")
    other = TheusEngine()
    with pytest.raises(ContextError, match=f"process {os.getpid()}"):
        other.listen("camera")
    other.listen("camera-2")
    assert [session.name for session in theus.sessions()] == ["camera", "camera-2"]
    other.shutdown()
    assert [session.name for session in theus.sessions()] == ["camera"]
    with pytest.raises(EngineClosedError):
        other.listen("camera-2")


def test_a_session_leaves_no_name(runtime, script):
    text = """
        import theus, sys
        engine = theus.TheusEngine()
        engine.listen("orderly")
        if sys.argv[1] == "shutdown":
            engine.shutdown()
        elif sys.argv[1] == "drop":
            del engine
    """
    for way in ("shutdown", "drop", "exit"):
        script.run(text, way)
        assert os.listdir(runtime) == [], way


def test_a_killed_session_leaves_its_socket_until_somebody_looks(runtime, program):
    other = program()
    other.run("import theus; engine = theus.TheusEngine(); engine.listen('camera')")
    assert [session.pid for session in theus.sessions()] == [other.process.pid]
    other.kill()
    assert os.listdir(runtime) == ["camera"]
    assert theus.sessions() == []
    assert os.listdir(runtime) == []


def test_a_folder_of_somebody_else_is_refused(engine, runtime):
    runtime.mkdir(mode=0o755)
    runtime.chmod(0o755)
    for refused in (lambda: engine.listen("x"), theus.sessions, lambda: theus.attach("x")):
        with pytest.raises(ContextError, match="chmod 700"):
            refused()


def test_the_listener_serves_while_the_gil_is_held(array, program):
    other = program()
    other.load("a", array)
    data = pickle.dumps(array[5])
    request = f"b = pickle.loads({data!r}); answer = float(b[0])"
    text = textwrap.dedent(request).encode()
    other.process.stdin.write(len(text).to_bytes(4, "little") + text)
    other.process.stdin.flush()
    # Some seconds in one call that never lets go of the GIL.
    sum(itertools.repeat(1, 250_000_000))
    # It has answered meanwhile: what is read comes without the other having to wait for us.
    os.set_blocking(other.process.stdout.fileno(), False)
    answer = other.process.stdout.read(4 + len("1000.0"))
    os.set_blocking(other.process.stdout.fileno(), True)
    assert answer is not None and answer[4:] == b"1000.0"


def test_the_doctor_speaks_plainly(engine):
    findings = theus.doctor()
    names = [finding.name for finding in findings]
    assert len(names) == len(set(names)) and {"seals", "futex", "pidfd", "memory", "Yama", "dumpable"} <= set(names)
    assert {finding.verdict for finding in findings} <= {"ok", "degraded", "missing"}
    assert [finding.name for finding in engine.doctor()] == names
    for finding in findings:
        assert finding.seen and bool(finding.advice) == (finding.verdict != "ok")
    assert len(repr(findings).splitlines()) >= len(findings)


def test_a_hardened_engine_is_not_dumpable(script):
    text = """
        import theus
        def dumpable():
            return next(f for f in theus.doctor() if f.name == "dumpable").seen
        before = dumpable()
        with theus.TheusEngine(hardened=True) as engine:
            array = engine.heavy.alloc("m", shape=(10,), dtype="i4")
            after = dumpable()
            engine.compare_and_swap(engine.state.version, heavy={"m": array})
            engine.listen("hardened")
            with theus.attach("hardened") as session:
                print(session.heavy["m"].shape)
        print(any(word in after for word in ("no other process", "root")), before != after)
    """
    assert script.run(text).splitlines() == ["(10,)", "True True"]


def test_a_hardened_engine_keeps_its_workers(script):
    text = """
        from theus import TheusEngine, process
        @process(inputs=["heavy.m"], outputs=["domain.sum"], parallel=True)
        def add(ctx):
            return int(ctx.heavy["m"].sum())
        if __name__ == "__main__":
            with TheusEngine(hardened=True, pool_size=1) as engine:
                array = engine.heavy.alloc("m", shape=(1000,), dtype="i4")
                array[:] = 2
                engine.compare_and_swap(engine.state.version, heavy={"m": array})
                print(engine.call(add))
    """
    assert script.run(text) == "2000\n"


def test_a_stopped_creator_does_not_hang_garbage_collection(program):
    creator = program()
    data = eval(creator.run("""
        import pickle
        from theus import TheusEngine
        array = TheusEngine().heavy.alloc("m", shape=(1000,), dtype="i4")
        answer = pickle.dumps(array)
    """))
    array = pickle.loads(data)
    creator.process.send_signal(signal.SIGSTOP)
    try:
        del array
        gc.collect()
    finally:
        creator.process.send_signal(signal.SIGCONT)
    assert pickle.loads(data).shape == (1000,)
