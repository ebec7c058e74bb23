"""``theus audit``: checks and reads audit trails, makes and checks proofs about them.

What not: opening a trail for writing. Nothing here changes a trail, not even one with a torn end.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .. import _native
from ..errors import AuditStopError
from ._records import add_show

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

FILE = "the first file of the trail"
KEY = "public key: the text, or a file with it"
NOTES = "file with checkpoints that were kept where the writer of the trail cannot change them"


def add(commands: Any) -> None:
    """Adds the command to the parser of the program."""
    audit = commands.add_parser("audit", help="check and read audit trails").add_subparsers(metavar="ACTION", required=True)

    verify = audit.add_parser("verify", help="check a trail; exit code 1 if something is found")
    verify.add_argument("file", metavar="FILE", help=FILE)
    verify.add_argument("--key", metavar="K", help=KEY)
    verify.add_argument("--checkpoints", metavar="F", help=NOTES)
    verify.set_defaults(run=_verify)

    add_show(audit)

    prove = audit.add_parser("prove", help="prove that a trail has a record")
    prove.add_argument("number", metavar="N", type=int, help="number of the record")
    prove.add_argument("file", metavar="FILE", help=FILE)
    prove.add_argument("--checkpoint", metavar="F", help="prove it by the last checkpoint in this file, not by the trail's newest")
    _add_output(prove)
    prove.set_defaults(run=_prove)

    consistency = audit.add_parser("consistency", help="prove that a trail only grew between two checkpoints")
    for name, metavar in (("older", "A"), ("newer", "B")):
        consistency.add_argument(name, metavar=metavar, help="the size of a checkpoint in the trail, or a file with a kept one")
    consistency.add_argument("file", metavar="FILE", help=FILE)
    _add_output(consistency)
    consistency.set_defaults(run=_consistency)

    check = audit.add_parser("check-proof", help="check a proof without the trail; exit code 1 if it is false")
    check.add_argument("proof", metavar="PROOF", help="file with the proof; - for the standard input")
    check.add_argument("--key", metavar="K", help=KEY)
    check.add_argument("--checkpoint", metavar="F", help=NOTES)
    check.set_defaults(run=_check)

    keygen = audit.add_parser("keygen", help="make a key pair that signs checkpoints")
    keygen.add_argument("name", metavar="NAME", help="name of the key: the origin of the trail, such as example.com/trail")
    keygen.add_argument("private", metavar="FILE", help="new file for the private key; the public one goes to FILE.pub")
    keygen.set_defaults(run=_keygen)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="F", help="file for the proof; without it, the standard output")


def _verify(chosen: argparse.Namespace) -> int:
    report = _native.verify_trail(chosen.file, _key(chosen.key), _optional(chosen.checkpoints))
    if not report.ok:
        print(f"{chosen.file}: {report.reason}")
        if report.count:
            print(f"  frames 1 to {report.count} are as they were written, as far as the trail itself can show")
    else:
        signed = "signed " if report.signed else ""
        print(
            f"{chosen.file}: ok: {report.records} records in {report.count} frames and {report.files} files; "
            f"{report.checkpoints} {signed}checkpoints, the last over {report.covered} frames; {report.kept} kept ones agree"
        )
    for note in report.notes:
        print(f"  {note}")
    return 0 if report.ok else 1


def _prove(chosen: argparse.Namespace) -> int:
    return _proven(chosen, lambda: _native.prove_record(chosen.file, chosen.number, _optional(chosen.checkpoint)))


def _consistency(chosen: argparse.Namespace) -> int:
    older, newer = (int(given) if given.isdecimal() else _text(given) for given in (chosen.older, chosen.newer))
    return _proven(chosen, lambda: _native.prove_consistency(chosen.file, older, newer))


def _proven(chosen: argparse.Namespace, prove: Any) -> int:
    try:
        proof = prove()
    except AuditStopError as error:
        print(f"theus: {error}", file=sys.stderr)
        return 1
    if chosen.output is None:
        sys.stdout.write(proof)
    else:
        Path(chosen.output).write_text(proof, encoding="utf-8")
    return 0


def _check(chosen: argparse.Namespace) -> int:
    key, checkpoint = _key(chosen.key), _optional(chosen.checkpoint)
    text = sys.stdin.read() if chosen.proof == "-" else _text(chosen.proof)
    try:
        shown = _native.check_proof(text, key, checkpoint)
    except AuditStopError as error:
        print(f"{chosen.proof}: {error}")
        return 1
    where = f"the trail {shown['origin']} of {shown['size']} frames"
    if "number" in shown:
        print(f"{chosen.proof}: frame {shown['number']} is in {where}")
        if shown["record"] is not None:
            from ._records import line

            print(f"  {line(shown['record'])}")
    else:
        print(f"{chosen.proof}: {where} begins with the one of {shown['older_size']} frames")
    vouched = [text for text, given in (("signed with the given key", "signed"), ("known", "known")) if shown[given]]
    if not vouched:
        print("  but nothing vouches for the checkpoint: give --key or --checkpoint, or whoever made the proof made it up")
    else:
        print(f"  by a checkpoint that is {' and '.join(vouched)}")
    return 0


def _keygen(chosen: argparse.Namespace) -> int:
    private, public = _native.new_key(chosen.name, os.urandom(32))
    # Never over a file that is there, and readable for nobody else from the first moment on. The public one first, so that
    # no private one is left behind without it.
    with open(chosen.private + ".pub", "x", encoding="utf-8") as file:
        file.write(public + "\n")
    try:
        handle = os.open(chosen.private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        os.unlink(chosen.private + ".pub")
        raise
    with open(handle, "w", encoding="utf-8") as file:
        file.write(private + "\n")
    print(public)
    return 0


def _key(given: str | None) -> str | None:
    """The text of a key that was given as it is or as a file. A file has no plus in its name, or is given with its folder."""
    if given is None or ("+" in given and not os.path.exists(given)):
        return given
    return _text(given)


def _optional(path: str | None) -> str | None:
    return None if path is None else _text(path)


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")
