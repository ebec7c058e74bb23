"""Row F15 and what the audit costs besides: records, gates and checks, measured in Rust by the examples of `theus-audit`.

What not: nothing is measured here. Invariant: the examples are built from this checkout, whatever the wheel holds.
"""

import os
import re
import subprocess
from pathlib import Path

from row import Row

ROOT = Path(__file__).parents[1]
# Example, the line's beginning, the figure in it (ns, or MB/s), what it is, its target and limit in microseconds.
FIGURES = (
    ("append_cost", "one path (building", r"(\d+)$", "one record in memory", "<= 0.5 us", 0.5),
    ("append_cost", "on disk, one path, until", r"(\d+)$", "one record to disk, batched sync", "<= 2 us", 2.0),
    ("append_cost", "on disk, each record waited for, 8", r"(\d+)$", "one record synced, 8 threads wait", "-", None),
    ("gate_cost", "ten numeric rules:", r"(\d+) ns", "gate of ten rules, numbers", "<= 1 us", 1.0),
    ("gate_cost", "ten expressions:", r"(\d+) ns", "gate of ten rules, expressions", "<= 1 us", 1.0),
    ("verify_cost", "verify:", r"(\d+) MB/s", "verify 1 MB", "<= 2000 us", 2000.0),
)


def rows(setting):
    """Run each example once, and take over what it prints."""
    if not setting.ours:
        return [Row("F15", what, target, limit, note="not measured without ours") for *_, what, target, limit in FIGURES]
    printed = {example: _run(example) for example in dict.fromkeys(figure[0] for figure in FIGURES)}
    found = []
    for example, begin, figure, what, target, limit in FIGURES:
        line = next(line for line in printed[example].splitlines() if line.startswith(begin))
        amount = float(re.search(figure, line.rstrip()).group(1))
        # One megabyte at so many in a second takes so many microseconds.
        ours = 1e6 / amount if "MB/s" in figure else amount / 1000
        found.append(Row("F15", what, target, limit, ours=ours))
    hashing = re.search(r"hashing alone.*: (\d+) ns", printed["verify_cost"]).group(1)
    each = re.search(r"(\d+) ns a frame", printed["verify_cost"]).group(1)
    found[-1].note = f"{each} ns a frame, of which hashing alone takes {hashing}"
    return found


def _run(example):
    cargo = [os.environ.get("CARGO", "cargo"), "run", "--quiet", "--release"]
    command = [*cargo, "-p", "theus-audit", "--example", example]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, cwd=ROOT).stdout
