"""The command line: ``python -m theus COMMAND``, also installed as ``theus``.

Each command is a module that adds its parser; the parsed arguments carry the function that runs them. Exit codes: 0 done
and nothing found, 1 something is wrong with what was looked at, 2 the arguments are wrong or a file cannot be read.
"""

from __future__ import annotations

import argparse
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command of these arguments (those of the program if None) and gives its exit code."""
    from . import audit

    parser = argparse.ArgumentParser(prog="theus", description="Tools for what programs with Theus leave behind.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    audit.add(commands)
    chosen = parser.parse_args(arguments)
    try:
        code: int = chosen.run(chosen)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has enough of it; Python must not complain again when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, OverflowError, ValueError) as error:
        print(f"theus: {error}", file=sys.stderr)
        return 2
    return code
