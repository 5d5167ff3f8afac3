"""`python -m simulators`: the instruments of `cabin simulate`, in a process of their own."""

from __future__ import annotations

import sys

try:
    # Within, so that Ctrl-C in the seconds that this takes on a slow machine ends it as it does later.
    from simulators.cli import main

    sys.exit(main())
except KeyboardInterrupt:
    sys.exit(0)
