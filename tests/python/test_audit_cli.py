"""``theus audit``: the command line, by real processes on the trails of real engines."""

import json
import os
import re
import stat
import subprocess
import sys

import pytest

from theus import TheusEngine
from theus.audit import AuditTrail
from theus.contracts import process

RECORDS = 12


@process(inputs=["domain.count"], outputs=["domain.count"])
def raise_count(ctx):
    return ctx.domain.count + 1


@process(inputs=["domain"], outputs=[])
def fail(ctx):
    raise ValueError("not\x1b[2Jtoday\nnor tomorrow")


def theus(*arguments, code=0, given=None):
    """Runs the command line and returns what it printed; asserts its exit code."""
    command = [sys.executable, "-m", "theus", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, input=given, timeout=60)
    assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout if code != 2 else done.stderr


class Kept:
    """A trail of some records, the key that signs it, and the checkpoints that were exported."""

    def __init__(self, folder):
        self.folder = folder
        self.trail = folder / "trail.theus"
        self.key = folder / "trail.key"
        self.public = folder / "trail.key.pub"
        self.notes = folder / "checkpoints"
        theus("audit", "keygen", "example.com/trail", self.key)
        described = AuditTrail(self.trail, key=self.key.read_text(), checkpoints=self.notes)
        engine = TheusEngine(pool_size=1, audit_path=described)
        try:
            engine.compare_and_swap(0, data={"domain": {"count": 0}})
            for _ in range(RECORDS - 2):
                engine.call(raise_count)
            with pytest.raises(Exception, match="today"):
                engine.call(fail)
            self.last = engine.audit.records()[-1].number
            engine.audit.checkpoint()
        finally:
            engine.shutdown()


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return Kept(tmp_path_factory.mktemp("trail"))


@pytest.fixture
def copy(kept, tmp_path):
    """The path of a copy of the trail, to be changed."""
    made = tmp_path / "trail.theus"
    made.write_bytes(kept.trail.read_bytes())
    return made


def test_a_good_trail_verifies_and_the_report_says_what_was_shown(kept):
    shown = theus("audit", "verify", kept.trail)
    assert f"ok: {RECORDS} records" in shown and "signed checkpoints" in shown
    assert "no checkpoint that was kept elsewhere was given" in shown
    shown = theus("audit", "verify", kept.trail, "--key", kept.public, "--checkpoints", kept.notes)
    assert "ok" in shown and "kept elsewhere" not in shown and "no key was given" not in shown
    assert "ok" in theus("audit", "verify", kept.trail, "--key", kept.public.read_text().strip())


def test_a_changed_byte_is_named_with_exit_code_1(copy):
    changed = bytearray(copy.read_bytes())
    changed[len(changed) // 2] ^= 1
    copy.write_bytes(changed)
    assert re.search(r"frame \d+: the checksum is", theus("audit", "verify", copy, code=1))


def test_a_trail_that_was_cut_back_is_found_by_the_kept_checkpoints_only(kept, copy):
    # The end of the first record: what was there before the second was written.
    second = copy.read_bytes().find(b"raise_count", copy.read_bytes().find(b"raise_count") + 1)
    whole, cut = copy.read_bytes(), 0
    at = 16
    while at < second:
        cut, at = at, at + int.from_bytes(whole[at : at + 4], "little")
    copy.write_bytes(whole[:cut])
    assert "ok" in theus("audit", "verify", copy)
    shown = theus("audit", "verify", copy, "--checkpoints", kept.notes, code=1)
    assert "are missing from its end" in shown


def test_a_wrong_key_and_no_trail_are_told_apart(kept, tmp_path):
    theus("audit", "keygen", "example.com/trail", tmp_path / "other")
    shown = theus("audit", "verify", kept.trail, "--key", tmp_path / "other.pub", code=1)
    assert "frame 1: the trail is signed with the key" in shown
    assert "No such file" in theus("audit", "verify", tmp_path / "none", code=2)
    assert "private key" in theus("audit", "verify", kept.trail, "--key", kept.key, code=2)
    assert "checkpoint 1" in theus("audit", "verify", kept.trail, "--checkpoints", kept.public, code=2)
    assert "usage" in theus("audit", code=2)


def test_show_prints_each_record_on_one_line(kept):
    lines = theus("audit", "show", kept.trail).splitlines()
    assert lines[0].split()[:2] == ["number", "time"]
    assert len(lines) == RECORDS + 1
    assert sum("committed" in line for line in lines) == RECORDS - 1
    # What a process wrote cannot clear the screen of whoever reads it.
    assert "not\\x1b[2Jtoday" in lines[-1] and "\x1b" not in "".join(lines)


def test_show_filters_by_process_task_outcome_number_and_time(kept):
    def numbers(*filters):
        return [json.loads(line)["number"] for line in theus("audit", "show", kept.trail, "--json", *filters).splitlines()]

    every = numbers()
    assert len(every) == RECORDS and every == sorted(every)
    assert numbers("--outcome", "failed") == every[-1:]
    assert numbers("--outcome", "failed", "--outcome", "committed") == every
    assert numbers("--process", "raise_count") == every[1:-1] and numbers("--process", "nobody") == []
    first = json.loads(theus("audit", "show", kept.trail, "--json", "--process", "raise_count").splitlines()[0])
    assert every[1] in numbers("--task", first["task"])
    assert numbers("--since", every[3], "--until", every[5]) == every[3:6]
    assert numbers("--since", "2001-01-01") == every and numbers("--until", "2001-01-01T12:00+02:00") == []
    assert first["paths"][0][0] == "domain.count" and len(bytes.fromhex(first["digest"])) == 32
    assert "--since" in theus("audit", "show", kept.trail, "--since", "yesterday", code=2)


def test_show_stops_at_a_flaw_and_at_a_frame_that_is_half_written(kept, copy):
    whole = copy.read_bytes()
    copy.write_bytes(whole[:-1])
    assert len(theus("audit", "show", copy).splitlines()) == RECORDS + 1
    # The frame has a right checksum and a wrong number: no crash makes that.
    at = 16 + int.from_bytes(whole[16:20], "little")
    copy.write_bytes(whole[:at] + whole[16:])
    assert len(theus("audit", "show", copy, code=1).splitlines()) == 1


def test_show_ends_quietly_when_nobody_reads_on(kept):
    command = f"{sys.executable} -m theus audit show {kept.trail} | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("  number")


def test_a_record_is_proven_to_somebody_without_the_trail(kept, tmp_path):
    proof = tmp_path / "proof"
    theus("audit", "prove", kept.last, kept.trail, "-o", proof)
    assert proof.read_text().startswith("c2sp.org/tlog-proof@v1\n")
    shown = theus("audit", "check-proof", proof, "--key", kept.public)
    assert f"frame {kept.last} is in the trail example.com/trail" in shown and "signed with the given key" in shown
    assert "failed" in shown and "fail" in shown
    shown = theus("audit", "check-proof", "-", "--checkpoint", kept.notes, given=proof.read_text())
    assert "a checkpoint that is known" in shown
    assert "nothing vouches" in theus("audit", "check-proof", proof)
    by_kept = theus("audit", "prove", 2, kept.trail, "--checkpoint", kept.notes)
    assert "index 1\n" in by_kept


def test_a_false_proof_is_refused_with_exit_code_1(kept, tmp_path):
    proof = tmp_path / "proof"
    lines = theus("audit", "prove", kept.last, kept.trail).split("\n")
    index = int(lines[2].removeprefix("index "))
    for broken in (
        [*lines[:2], f"index {index - 1}", *lines[3:]],
        [*lines[:3], *lines[4:]],
        ["some text"],
    ):
        proof.write_text("\n".join(broken))
        theus("audit", "check-proof", proof, "--key", kept.public, code=1)
    assert "is not covered" in theus("audit", "prove", 10_000, kept.trail, code=2)


def test_a_trail_is_proven_to_have_only_grown(kept, tmp_path):
    notes = kept.notes.read_text()
    sizes = [int(size) for size in re.findall(r"example\.com/trail\n(\d+)\n", notes)]
    assert sizes == sorted(sizes) and len(sizes) >= 1
    proof = tmp_path / "proof"
    theus("audit", "consistency", sizes[0], sizes[-1], kept.trail, "-o", proof)
    shown = theus("audit", "check-proof", proof, "--key", kept.public, "--checkpoint", kept.notes)
    assert f"begins with the one of {sizes[0]} frames" in shown and "signed with the given key and known" in shown
    assert theus("audit", "consistency", sizes[0], kept.notes, kept.trail) == proof.read_text()
    assert "no checkpoint about 1 frames" in theus("audit", "consistency", 1, sizes[-1], kept.trail, code=2)


def test_a_new_key_is_for_its_owner_and_never_over_another(kept, tmp_path):
    assert stat.S_IMODE(os.stat(kept.key).st_mode) == 0o600
    before = kept.key.read_text()
    assert "exists" in theus("audit", "keygen", "example.com/trail", kept.key, code=2)
    assert kept.key.read_text() == before and before.startswith("PRIVATE+KEY+example.com/trail+")
    assert "name" in theus("audit", "keygen", "a name", tmp_path / "key", code=2)
    assert not (tmp_path / "key").exists()
    assert theus("audit", "keygen", "example.com/trail", tmp_path / "another") != theus(
        "audit", "keygen", "example.com/trail", tmp_path / "third"
    )


def test_the_installed_program_is_the_same(kept):
    program = os.path.join(os.path.dirname(sys.executable), "theus")
    done = subprocess.run([program, "audit", "verify", kept.trail], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "ok" in done.stdout
    from importlib.metadata import entry_points

    assert [point.value for point in entry_points(group="console_scripts") if point.name == "theus"] == ["theus.cli:main"]


def test_records_do_not_end_without_a_word_in_a_damaged_trail_or_another_file(copy):
    changed = bytearray(copy.read_bytes())
    changed[len(changed) // 2] ^= 1
    copy.write_bytes(changed)
    theus("audit", "show", copy, code=1)
    theus("audit", "show", __file__, code=1)


def test_a_proof_is_held_to_every_known_checkpoint(tmp_path):
    def grown(name, values):
        engine = TheusEngine(pool_size=1, audit_path=AuditTrail(tmp_path / name, origin="example.com", checkpoint_every=1e6))
        try:
            for value in values:
                engine.compare_and_swap(engine.state.version, data={"domain": {"count": value}})
            return engine.audit.checkpoint()
        finally:
            engine.shutdown()

    first = grown("trail", [1, 2, 3])
    (tmp_path / "forked").write_bytes((tmp_path / "trail").read_bytes())
    second, other = grown("trail", [4, 5]), grown("forked", [6, 7])
    assert second.split("\n")[1] == other.split("\n")[1]
    (tmp_path / "kept").write_text(first + second)
    (tmp_path / "first").write_text(first)
    proof = tmp_path / "proof"
    theus("audit", "consistency", tmp_path / "first", other.split("\n")[1], tmp_path / "forked", "-o", proof)
    theus("audit", "check-proof", proof, "--checkpoint", tmp_path / "first")
    shown = theus("audit", "check-proof", proof, "--checkpoint", tmp_path / "kept", code=1)
    assert "has another root" in shown


def test_wrong_arguments_are_no_findings(kept, tmp_path):
    proof, nothing = tmp_path / "proof", tmp_path / "nothing"
    theus("audit", "prove", kept.last, kept.trail, "-o", proof)
    nothing.write_text("")
    for arguments in (
        ("check-proof", proof, "--key", "nonsense+00+x"),
        ("check-proof", proof, "--checkpoint", proof),
        ("verify", kept.trail, "--checkpoints", nothing),
        ("prove", -1, kept.trail),
        ("prove", 10**30, kept.trail),
        ("consistency", 10**30, 5, kept.trail),
    ):
        assert "Traceback" not in theus("audit", *arguments, code=2)


def test_no_private_key_is_left_without_its_public_one(tmp_path):
    (tmp_path / "key.pub").write_text("another")
    theus("audit", "keygen", "example.com/trail", tmp_path / "key", code=2)
    assert not (tmp_path / "key").exists()
    (tmp_path / "key.pub").rename(tmp_path / "key")
    theus("audit", "keygen", "example.com/trail", tmp_path / "key", code=2)
    assert (tmp_path / "key").read_text() == "another" and not (tmp_path / "key.pub").exists()
