"""Rows F9, F10, F18 and the state's share of F5 and F7: measured in Rust by the crate `benches/state/`.

What not: nothing is measured here. Invariant: the crate is built from this checkout, whatever the wheel holds.
"""

import json
import os
import subprocess
from pathlib import Path

from row import Row

IDS = ("F5", "F7", "F9", "F10", "F18")
MANIFEST = Path(__file__).parent / "state" / "Cargo.toml"


def rows(setting):
    """Build the crate, run its two programs, and take over what they found."""
    wanted = [name for name in IDS if not setting.only or name in setting.only]
    if not setting.ours:
        note = "compares ours with rivals in one program; nothing to measure without ours"
        return [Row(name, "the store, in Rust", "-", None, note=note) for name in wanted]
    found = []
    if times := [name for name in wanted if name != "F18"]:
        found += _run("speed", "--only", ",".join(times), *(["--quick"] if setting.quick else []))
    if "F18" in wanted:
        found += _run("memory")
    return [Row(**row) for row in found]


def _run(program, *arguments):
    cargo = [os.environ.get("CARGO", "cargo"), "run", "--quiet", "--release"]
    command = [*cargo, "--manifest-path", str(MANIFEST), "--bin", program, "--", "--json", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)
