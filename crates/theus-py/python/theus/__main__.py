"""``python -m theus``: the command line."""

from .cli import main

raise SystemExit(main())
