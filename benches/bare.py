"""What the rivals run: plain functions.

What not: nothing is imported, so that a rival's worker process starts as fast as it can.
"""


def nothing():
    """A no-op task."""


def increment(box):
    """The work of one counting call, without any engine."""
    box["count"] = box["count"] + 1
    return box["count"]
