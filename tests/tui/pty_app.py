"""A program of the terminal UI over stand-ins, for tests that run it in a pseudo-terminal.

Arguments: how many clusters, and `crash` to end by a defect at the key `x`.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from pxm_tui.tui.options import detect
from pxm_tui.tui.start import run
from tests.fakes import cluster, make_bench, sketch_fleet

SECRET = "hunter2-in-a-local-variable"


def _crash() -> None:
    password = SECRET
    raise RuntimeError(f"something with {password} in it")


def main() -> int:
    """Run it."""
    count, log = int(sys.argv[1]), Path(sys.argv[2])
    logging.basicConfig(filename=log, level=logging.INFO)
    fleet = sketch_fleet() if count == 0 else tuple(cluster(f"c-{n}", number=n) for n in range(count))
    if "crash" in sys.argv:
        from pxm_tui.tui.app import PxmApp

        PxmApp.key_x = lambda _self: _crash()  # type: ignore[attr-defined]
    options = detect(no_mouse="no-mouse" in sys.argv)
    return run(make_bench(fleet).services, options)


if __name__ == "__main__":
    raise SystemExit(main())
