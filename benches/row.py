"""A row of the table: a measured figure, its rival, and the target they are held to.

What not: measures nothing.
Invariant: a row without a figure has a note that says why; it is never left out.
"""

from dataclasses import asdict, dataclass

HEADINGS = ("row", "what", "ours", "rival", "rival's", "ratio", "target", "met")


@dataclass
class Row:
    """Times in microseconds. With a rival, `limit` bounds ours / rival's; without, it bounds ours itself."""

    id: str
    what: str
    target: str
    limit: float
    ours: float | None = None
    rival: str = ""
    rivals: float | None = None
    note: str = ""

    @property
    def ratio(self):
        if self.ours is None or self.rivals is None or not self.rivals:
            return None
        return self.ours / self.rivals

    @property
    def met(self):
        """True, False, or None where there is nothing to compare."""
        figure = self.ratio if self.rival else self.ours
        return None if figure is None else figure <= self.limit

    def as_json(self):
        return asdict(self) | {"unit": "us", "ratio": self.ratio, "met": self.met}

    def cells(self):
        met = {True: "met", False: "NOT MET", None: "-"}[self.met]
        ratio = "-" if self.ratio is None else f"{self.ratio:.3f}"
        return (self.id, self.what, _time(self.ours), self.rival or "-", _time(self.rivals), ratio, self.target, met)


def table(rows):
    """All rows as text, notes below."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    text.insert(1, "  ".join("-" * width for width in widths))
    notes = [f"{row.id}: {row.note}" for row in rows if row.note]
    return "\n".join(text + ([""] + notes if notes else []))


def _time(microseconds):
    if microseconds is None:
        return "-"
    if microseconds < 1000:
        return f"{microseconds:.2f} us"
    return f"{microseconds / 1000:.2f} ms" if microseconds < 1e6 else f"{microseconds / 1e6:.2f} s"
