"""The bench from its arguments to its table and its JSON.

What not: measures nothing itself.
Invariant: a group of rows that fails is an error in the table and in the exit code, the others still run.
"""

import argparse
import json
import os
import platform
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace

from row import table


def main(arguments=None):
    """Run the chosen rows; the exit code is 0 if all of them could be measured, met or not."""
    options = _options(arguments)
    os.environ.setdefault("THEUS_USE_PROCESSES", "1")
    setting = SimpleNamespace(
        rounds=4 if options.quick else 20,
        count=50 if options.quick else 200,
        ours=not options.rivals_only,
        quick=options.quick,
        only=options.only,
    )
    if setting.ours:
        import theus  # noqa: F401  fails here, at once, if there is no wheel
    rows, failures = [], []
    for ids, measure in groups().items():
        if not options.only or options.only & set(ids.split(",")):
            print(f"measuring {ids} ...", file=sys.stderr, flush=True)
            try:
                rows += [row for row in measure(setting) if not options.only or row.id in options.only]
            except Exception:
                failures.append(f"{ids} could not be measured:\n{traceback.format_exc()}")
    print(table(rows))
    for failure in failures:
        print(f"\n{failure}", file=sys.stderr)
    _write(Path(options.json), rows, failures, setting)
    return 1 if failures else 0


def groups():
    """The rows that are measured together, and the function that does it."""
    import audit
    import calls
    import dispatch
    import handover
    import memory
    import startup
    import store

    return {
        "F1,F2": dispatch.rows,
        "F5": dispatch.state_rows,
        "F6": dispatch.heavy_rows,
        "F7": calls.rows,
        "F5,F7,F9,F10,F18": store.rows,
        "F12": memory.rows,
        "F13": handover.rows,
        "F15": audit.rows,
        "F16": startup.rows,
    }


def _write(path, rows, failures, setting):
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = {
        "python": sys.version.split()[0],
        "implementation": platform.python_implementation(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
    }
    content = {
        "machine": machine,
        "rounds": setting.rounds,
        "count": setting.count,
        "statistic": "p50",
        "rows": [row.as_json() for row in rows],
        "failures": failures,
    }
    path.write_text(json.dumps(content, indent=2) + "\n")


def _options(arguments):
    parser = argparse.ArgumentParser(description="Our figures against the rivals', measured in one run.")
    parser.add_argument("--only", type=lambda text: set(text.upper().split(",")), help="rows, such as F1,F12")
    parser.add_argument("--json", default="target/bench.json", help="where the figures go")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--rivals-only", action="store_true", help="measure the rivals alone, without theus")
    options = parser.parse_args(arguments)
    known = {name for ids in groups() for name in ids.split(",")}
    if options.only and not options.only <= known:
        parser.error(f"unknown rows {', '.join(sorted(options.only - known))}; there are {', '.join(sorted(known))}")
    return options
