"""``theus audit show``: the records of a trail, as lines or as JSON."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone

from .. import _native
from ..errors import AuditStopError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from .._native import Record

HEADER = f"{'number':>8} {'time (UTC)':26} {'task':>7} {'try':>3} {'outcome':9} {'version':>7} {'ms':>9}  process"
PLAIN_FIELDS = (
    "number", "time", "process", "task", "attempt", "base_version", "version", "outcome", "duration",
    "error", "signal", "worker", "requester", "reason", "more_paths",
)  # fmt: skip
OUTCOMES = (
    "committed", "conflict", "contract", "schema", "audit", "failed", "crashed", "timeout", "cancelled", "refused", "reset",
)  # fmt: skip
WHEN = "number of a record, or a time such as 2026-01-31 or 2026-01-31T12:00 (UTC, or with its own offset)"


def add_show(actions: Any) -> None:
    """Adds the action to the parser of ``theus audit``."""
    show = actions.add_parser("show", help="print the records of a trail, which may be open for writing")
    show.add_argument("file", metavar="FILE", help="the first file of the trail")
    show.add_argument("--process", metavar="NAME", help="only those of this process")
    show.add_argument("--task", metavar="ID", type=int, help="only those of this task")
    show.add_argument("--outcome", metavar="WORD", action="append", choices=OUTCOMES, help="only those that ended so; may be repeated")
    show.add_argument("--since", metavar="WHEN", type=_when, help=f"from this one on: {WHEN}")
    show.add_argument("--until", metavar="WHEN", type=_when, help="up to this one; as for --since")
    show.add_argument("--json", action="store_true", help="one JSON object on each line, with all fields")
    show.set_defaults(run=_show)


def line(record: Record) -> str:
    """The record on one line. What a program wrote into it cannot move the cursor or begin a new line."""
    version = "-" if record.version is None else record.version
    text = (
        f"{record.number:>8} {_time(record):26} {record.task:>7} {record.attempt:>3} {record.outcome:9} {version:>7} "
        f"{record.duration * 1e3:>9.3f}  {_plain(record.process)}"
    )
    details = [f"{name}={getattr(record, name)}" for name in ("requester", "signal", "worker", "reason", "error")
               if getattr(record, name) is not None]  # fmt: skip
    details += [path for path, _ in record.paths[:4]]
    more = len(record.paths) - 4 + record.more_paths
    details += [f"and {more} more paths"] if more > 0 else []
    return text if not details else f"{text}  {_plain(' '.join(details))[:400]}"


def _show(chosen: argparse.Namespace) -> int:
    records = _native.trail_records(chosen.file)
    if not chosen.json:
        print(HEADER)
    try:
        for record in records:
            if _wanted(record, chosen):
                print(json.dumps(_fields(record)) if chosen.json else line(record))
    except AuditStopError as error:
        sys.stdout.flush()
        print(f"theus: {error}; what follows is not shown", file=sys.stderr)
        return 1
    return 0


def _wanted(record: Record, chosen: argparse.Namespace) -> bool:
    if chosen.process is not None and record.process != chosen.process:
        return False
    if chosen.task is not None and record.task != chosen.task:
        return False
    if chosen.outcome and record.outcome not in chosen.outcome:
        return False
    since, until = chosen.since, chosen.until
    return (since is None or since <= _at(record, since)) and (until is None or _at(record, until) <= until)


def _at(record: Record, bound: int | datetime) -> Any:
    return record.number if isinstance(bound, int) else _moment(record)


def _when(text: str) -> int | datetime:
    if text.isdecimal():
        return int(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _moment(record: Record) -> datetime:
    # Clocks of any nanosecond of 64 bits: to the year 2554.
    return datetime.fromtimestamp(record.time, timezone.utc)


def _time(record: Record) -> str:
    return _moment(record).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _fields(record: Record) -> dict[str, Any]:
    fields: dict[str, Any] = {name: getattr(record, name) for name in PLAIN_FIELDS}
    for name in ("inputs", "update", "link", "digest"):
        value = getattr(record, name)
        fields[name] = None if value is None else value.hex()
    fields["paths"] = [[path, hash.hex()] for path, hash in record.paths]
    return fields


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
