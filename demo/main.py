"""The main job on real input: `python main.py` (or `cargo xtask demo`, which prepares everything).

Photographs of at least 100 MB lie in the heavy zone, workers turn tiles into cartoons and commit them
through the engine, one worker is killed on the way, and every tile must still be committed exactly once.
This file imports nothing at the top: the rival's worker processes read it again when they start.
"""

if __name__ == "__main__":
    import sys

    from stage import main

    sys.exit(main())
