"""A row of the table: a measured figure, its rival, and the target they are held to.

What not: measures nothing.
Invariant: a row without a figure has a note that says why; it is never left out.
"""

from dataclasses import asdict, dataclass

HEADINGS = ("row", "what", "ours", "rival", "rival's", "ratio", "target", "met")


@dataclass
class Row:
    """Times in microseconds, memory in bytes (`unit`).

    With a rival, `limit` bounds ours / rival's; without, it bounds ours itself; None promises nothing. Where ours and
    the rival were measured in pairs, `paired` is the median of the pairs' ratios and stands for the medians' ratio.
    """

    id: str
    what: str
    target: str
    limit: float | None
    ours: float | None = None
    rival: str = ""
    rivals: float | None = None
    note: str = ""
    unit: str = "us"
    paired: float | None = None

    @property
    def ratio(self):
        if self.paired is not None:
            return self.paired
        if self.ours is None or self.rivals is None or not self.rivals:
            return None
        return self.ours / self.rivals

    @property
    def met(self):
        """True, False, or None where there is nothing to compare."""
        figure = self.ratio if self.rival else self.ours
        return None if figure is None or self.limit is None else figure <= self.limit

    def as_json(self):
        return asdict(self) | {"ratio": self.ratio, "met": self.met}

    def cells(self):
        met = {True: "met", False: "NOT MET", None: "-"}[self.met]
        ratio = "-" if self.ratio is None else f"{self.ratio:.3f}"
        amount = {"us": _time, "B": _memory}[self.unit]
        return (self.id, self.what, amount(self.ours), self.rival or "-", amount(self.rivals), ratio, self.target, met)


def table(rows):
    """All rows as text, notes below."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    text.insert(1, "  ".join("-" * width for width in widths))
    notes = [f"{row.id}, {row.what}: {row.note}" for row in rows if row.note]
    return "\n".join(text + ([""] + notes if notes else []))


def _time(microseconds):
    if microseconds is None:
        return "-"
    if microseconds < 1:
        return f"{microseconds * 1000:.1f} ns"
    if microseconds < 1000:
        return f"{microseconds:.2f} us"
    return f"{microseconds / 1000:.2f} ms" if microseconds < 1e6 else f"{microseconds / 1e6:.2f} s"


def _memory(size):
    return "-" if size is None else f"{size / 2**20:.2f} MiB"
