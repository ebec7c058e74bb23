"""A progress bar on stderr.

What: redraws one line on a terminal; elsewhere (a log file) prints a line at each tenth.
What not: no colours, no threads, no dependency.
"""

import sys
import time

WIDTH = 40


class Bar:
    """`step()` per finished piece, `note(text)` for an event on the way, `done()` at the end."""

    def __init__(self, label, total):
        self.label, self.total, self.count = label, total, 0
        self.terminal = sys.stderr.isatty()
        self.drawn = 0.0
        self._draw()

    def step(self):
        self.count += 1
        tenth = self.count * 10 // self.total > (self.count - 1) * 10 // self.total
        if self.terminal:
            if tenth or time.monotonic() - self.drawn > 0.05:
                self._draw()
        elif tenth:
            self._draw()

    def note(self, text):
        sys.stderr.write(f"\r\033[K{text}\n" if self.terminal else f"{text}\n")
        if self.terminal:
            self._draw()

    def done(self):
        if self.terminal:
            self._draw()
            sys.stderr.write("\n")

    def _draw(self):
        self.drawn = time.monotonic()
        filled = WIDTH * self.count // self.total
        line = f"{self.label:>8} [{'#' * filled}{'.' * (WIDTH - filled)}] {self.count}/{self.total}"
        sys.stderr.write(f"\r\033[K{line}" if self.terminal else f"{line}\n")
        sys.stderr.flush()
