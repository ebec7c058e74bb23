"""The names of the heavy zone: get, free, cleanup, and which texts are names."""

import contextlib
import random
import threading

import numpy as np
import pytest

from theus import ContextError, TheusEngine


@pytest.fixture
def pixels(engine):
    """A published array of 1 MB, full of sevens."""
    array = engine.heavy.alloc("pixels", shape=(1000, 1000), dtype="u1")
    array[...] = 7
    engine.compare_and_swap(engine.state.version, heavy={"pixels": array})
    return array


def test_get_gives_the_published_array_uncopied(engine, pixels):
    found = engine.heavy.get("pixels")
    assert np.shares_memory(found, pixels) and found.shape == (1000, 1000) and not found.flags.writeable


def test_get_gives_the_newest_version(engine, pixels):
    engine.heavy.update("pixels", np.zeros(3))
    assert engine.heavy.get("pixels").shape == (3,)


def test_get_checks_what_was_asked_for(engine, pixels):
    assert engine.heavy.get("pixels", shape=(1000, 1000), dtype=np.uint8).shape == (1000, 1000)
    assert engine.heavy.get("pixels", (1000, 1000), "uint8").shape == (1000, 1000)
    with pytest.raises(ValueError, match=r"heavy\.pixels.*shape"):
        engine.heavy.get("pixels", shape=(1000, 999))
    with pytest.raises(ValueError, match=r"heavy\.pixels.*dtype"):
        engine.heavy.get("pixels", dtype="f4")


def test_get_of_an_unknown_name_tells_the_known_ones(engine, pixels):
    with pytest.raises(KeyError, match=r"'pixel'.*pixels"):
        engine.heavy.get("pixel")


def test_an_allocated_array_is_found_by_its_name_until_it_is_published(engine):
    array = engine.heavy.alloc("m", shape=(3,))
    found = engine.heavy.get("m")
    assert np.shares_memory(found, array) and found.flags.writeable
    engine.compare_and_swap(0, heavy={"m": array})
    assert not engine.heavy.get("m").flags.writeable


def test_the_published_array_comes_before_an_allocated_one(engine, pixels):
    second = engine.heavy.alloc("pixels", shape=(3,))
    assert engine.heavy.get("pixels").shape == (1000, 1000) and second.shape == (3,)


def test_a_name_does_not_keep_an_array(engine):
    array = engine.heavy.alloc("m", shape=(100_000,))
    assert engine.stats()["heavy_bytes"] >= 800_000
    del array
    assert engine.stats()["heavy_bytes"] == 0
    with pytest.raises(KeyError):
        engine.heavy.get("m")


def test_names_of_arrays_that_are_gone_do_not_pile_up(engine):
    for number in range(5000):
        engine.heavy.alloc(f"m{number}", shape=(1,))
    with pytest.raises(KeyError) as caught:
        engine.heavy.get("m")
    assert len(str(caught.value)) < 1000


def test_something_else_than_an_array(engine):
    engine.compare_and_swap(0, heavy={"note": "text"})
    with pytest.raises(TypeError, match="note"):
        engine.heavy.get("note")


def test_free_takes_the_name_out_of_the_state(engine, pixels):
    version = engine.state.version
    engine.heavy.free("pixels")
    assert engine.state.version == version + 1 and "pixels" not in engine.state.heavy
    with pytest.raises(KeyError):
        engine.heavy.get("pixels")


def test_free_leaves_holders_what_they_hold(engine, pixels):
    state, part = engine.state, engine.heavy.get("pixels")[500]
    engine.heavy.free("pixels")
    assert (part == 7).all() and (state.heavy["pixels"] == 7).all() and (pixels == 7).all()


def test_free_gives_the_memory_back(engine):
    engine.heavy.update("m", np.ones(100_000))
    engine.heavy.free("m")
    assert engine.stats()["heavy_bytes"] == 0


def test_free_forgets_an_allocated_array(engine):
    array = engine.heavy.alloc("m", shape=(3,))
    engine.heavy.free("m")
    with pytest.raises(KeyError):
        engine.heavy.get("m")
    assert engine.state.version == 0 and array.shape == (3,)


def test_free_of_an_unknown_name(engine):
    with pytest.raises(KeyError, match="'nowhere'"):
        engine.heavy.free("nowhere")
    assert engine.state.version == 0


def test_free_stands_in_the_audit_trail(engine, pixels):
    engine.heavy.free("pixels")
    record = engine.audit.records()[-1]
    assert record.process.startswith("heavy.free") and record.outcome == "committed"
    assert [path for path, _ in record.paths] == ["heavy.pixels"]


def test_a_freed_name_can_be_used_again(engine, pixels):
    engine.heavy.free("pixels")
    engine.heavy.update("pixels", np.zeros(2))
    assert engine.heavy.get("pixels").shape == (2,)


def test_many_threads_at_once(engine):
    """Every method from eight threads on three names: each sees whole arrays or a refusal that says why."""
    wrong, refused = [], (KeyError, ContextError)

    def work(seed):
        choose = random.Random(seed)
        for _ in range(150):
            name, value = choose.choice("abc"), choose.randrange(200)
            try:
                match choose.randrange(6):
                    case 0:
                        with engine.heavy.update(name) as array:
                            array[...] = value
                    case 1:
                        engine.heavy.update(name, np.full(choose.choice([1, 500, 5000]), value, dtype="u1"))
                    case 2:
                        found = engine.heavy.get(name)
                        if not (found == found[0]).all():
                            wrong.append(name)
                    case 3:
                        engine.heavy.free(name)
                    case 4:
                        engine.heavy.adopt(name, np.full(300, value, dtype="u1"))
                    case 5:
                        engine.heavy.get(name).shm.unlink()
            except refused:
                pass
            except BaseException as error:
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    for name in "abc":
        with contextlib.suppress(KeyError):
            engine.heavy.free(name)
    assert engine.stats()["heavy_bytes"] == 0


def test_cleanup_keeps_what_is_published(engine, pixels):
    held = engine.heavy.alloc("held", shape=(3,))
    engine.heavy.cleanup()
    engine.heavy.cleanup()
    assert (engine.heavy.get("pixels") == 7).all() and not held.any()
    with pytest.raises(KeyError):
        engine.heavy.get("held")


def test_cleanup_after_shutdown_does_no_harm():
    engine = TheusEngine()
    engine.shutdown()
    engine.heavy.cleanup()


@pytest.mark.parametrize("method", ["alloc", "get", "free", "adopt", "update"])
@pytest.mark.parametrize("name", [None, 7, b"m", ("m",)])
def test_a_name_is_a_text(engine, method, name):
    arguments = {"alloc": ((3,),), "adopt": (np.ones(3),), "update": (np.ones(3),)}.get(method, ())
    with pytest.raises(TypeError, match=rf"heavy\.{method}"):
        getattr(engine.heavy, method)(name, *arguments)


@pytest.mark.parametrize("method", ["alloc", "get", "free", "adopt", "update"])
@pytest.mark.parametrize("name", ["", ".", "a..b", "a."])
def test_some_texts_are_no_names(engine, method, name):
    arguments = {"alloc": ((3,),), "adopt": (np.ones(3),), "update": (np.ones(3),)}.get(method, ())
    with pytest.raises(ValueError, match="name"):
        getattr(engine.heavy, method)(name, *arguments)
    assert engine.state.version == 0 and engine.stats()["heavy_bytes"] == 0


def test_dots_lead_into_mappings(engine):
    engine.heavy.update("cameras.left", np.ones(3))
    engine.heavy.update("cameras.right", np.zeros(2))
    assert engine.state.heavy["cameras"]["left"].tolist() == [1, 1, 1]
    with engine.heavy.update("cameras.left") as array:
        array *= 2
    assert engine.heavy.get("cameras.left").tolist() == [2, 2, 2]
    engine.heavy.free("cameras.right")
    assert list(engine.state.heavy["cameras"]) == ["left"]


@pytest.mark.parametrize("name", ["größe", "a b", "x" * 1000, "日本"])
def test_names_in_any_script(engine, name):
    engine.heavy.update(name, np.ones(3))
    assert engine.heavy.get(name).tolist() == [1, 1, 1]
    engine.heavy.free(name)
