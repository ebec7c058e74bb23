"""The usage guides that the project grew from, as scripts: their lines stand here as they were written
(but for blanks at line ends).

Only what a guide leaves out is added around them: an event loop, the body of `compute_score`, a registration
for a process that is called by name, and a `print` for the test to read.
"""

import json
import textwrap

import pytest

ONE_BRAIN = """
import asyncio
from theus import TheusEngine

def compute_score(data):
    return sum(data) / len(data)

from theus.contracts import process
from theus.structures import StateUpdate

@process(parallel=True)
def heavy_ai_task(ctx):
    # This runs in a separate Sub-interpreter (GIL-free)
    input_data = ctx.domain.get("image_blob")

    # ... expensive calculation ...
    result_score = compute_score(input_data)

    # RETURN the change. Do NOT do `ctx.domain['score'] = ...`
    return StateUpdate(key="score", val=result_score)

async def main():
    # The engine routes this to a worker, waits for the result,
    # and then the Rust Core commits it to the central state.
    await engine.execute("heavy_ai_task", image_blob=bytes(range(101)))

    # Verify
    print(engine.state.data["score"])

engine = TheusEngine()
engine.register(heavy_ai_task)
asyncio.run(main())
if hasattr(engine, "shutdown"):
    engine.shutdown()
"""

ZERO_COPY_TASK = """
import numpy as np
from theus.contracts import process

@process(parallel=True)
def heavy_compute(ctx):
    # 1. Access Data (Zero Cost)
    # ctx.heavy['matrix'] is a ShmArray (numpy subclass)
    # This maps the existing memory segment instantly.
    data = ctx.heavy['matrix']

    # 2. Compute (Releases GIL if using Numpy)
    result = np.linalg.det(data)

    # 3. Return lightweight metadata results
    return {"det": result}
"""

ZERO_COPY_MAIN = """
from theus import TheusEngine
import numpy as np

# 1. Initialize Engine
engine = TheusEngine()

# 2. Alloc Managed Memory (v3.2 API)
# No manual SharedMemory setup! No unlink logic!
arr = engine.heavy.alloc("matrix", shape=(5000, 5000), dtype=np.float32)

# 3. Populate Data
arr[:] = np.random.rand(5000, 5000)

# 4. Inject into Context
engine.compare_and_swap(engine.state.version, heavy={'matrix': arr})

# 5. Execute (Auto-Dispatched to Worker)
# The worker receives the 'matrix' handle, not the payload.
result = await engine.execute(heavy_compute)
print(f"Determinant: {result['det']}")
"""

COMPARE_AND_SWAP = """
while True:
    # Read current version
    state = engine.state
    current_version = state.version
    current_value = state.data['counter']

    # Compute new value
    new_value = current_value + 1

    # Try to update
    try:
        engine.compare_and_swap(
            expected_version=current_version,
            data={'counter': new_value}
        )
        break  # Success
    except VersionMismatchError:
        continue  # Retry
"""


def in_async_main(text):
    """A script with `await` at its top level, as a body of `main`."""
    return f"import asyncio\n\nasync def main():\n{textwrap.indent(text, '    ')}\n\nasyncio.run(main())\n"


def test_one_brain_many_hands(script):
    assert script.run(ONE_BRAIN).strip() == "50.0"


def test_one_brain_many_hands_with_a_dict(script):
    returned = 'return {"score": result_score}'
    text = ONE_BRAIN.replace('return StateUpdate(key="score", val=result_score)', returned)
    text = text.replace("@process(parallel=True)", '@process(parallel=True, outputs=["score"])')
    assert returned in text
    assert script.run(text).strip() == "50.0"


def test_zero_copy_parallelism_as_written(script, no_new_shm):
    out = script.run(ZERO_COPY_TASK + in_async_main(ZERO_COPY_MAIN), timeout=55)
    assert out.startswith("Determinant: ")
    float(out.split()[1])


def test_zero_copy_parallelism_on_a_small_matrix_is_right(script):
    text = ZERO_COPY_MAIN.replace("5000", "40").replace("np.float32", "np.float64")
    check = '\nprint(bool(np.isclose(result["det"], np.linalg.det(arr))), type(arr).__name__)\n'
    out = script.run(ZERO_COPY_TASK + in_async_main(text + check))
    assert out.splitlines()[-1] == "True ShmArray"


def test_zero_copy_parallelism_with_the_task_in_a_module(script, tmp_path):
    (tmp_path / "heavy_module.py").write_text(ZERO_COPY_TASK)
    text = "from heavy_module import heavy_compute\n" + in_async_main(ZERO_COPY_MAIN.replace("5000", "40"))
    assert script.run(text).startswith("Determinant: ")


@pytest.mark.parametrize("threads", [1, 4, 8])
def test_compare_and_swap_loop_loses_no_update(script, threads):
    rounds = 100
    text = (
        "import json, threading\n"
        "from theus import TheusEngine\n"
        "from theus.structures import VersionMismatchError\n"
        "engine = TheusEngine()\n"
        "engine.compare_and_swap(engine.state.version, data={'counter': 0})\n"
        "first = engine.state.version\n"
        "def increment():\n"
        f"    for _ in range({rounds}):\n{textwrap.indent(COMPARE_AND_SWAP, '        ')}\n"
        f"threads = [threading.Thread(target=increment) for _ in range({threads})]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "print(json.dumps([engine.state.data['counter'], engine.state.version - first]))\n"
        "engine.shutdown()\n"
    )
    assert json.loads(script.run(text)) == [threads * rounds, threads * rounds]
