"""Our figures against the rivals': `python bench.py [--only F1,F12]` (or `cargo xtask bench`).

This file imports nothing at the top: the rivals' worker processes read it again when they start, and their
cold start is one of the figures.
"""

if __name__ == "__main__":
    import sys

    from report import main

    sys.exit(main())
