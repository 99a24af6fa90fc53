"""When cyclic garbage is collected: that stops every thread, and with a large fleet each key press would feel it."""

from __future__ import annotations

import gc

YOUNG = 10_000
"""Objects made since its last run. A refresh of a thousand clusters makes a million, and hardly a cycle among them."""


def hold_off() -> None:
    """Not before the first frame: what is made until then stays."""
    gc.disable()


def begin() -> None:
    """What lives now, all modules and the loaded fleet, is never looked at again; the rest less often than usual."""
    if gc.isenabled():
        return
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
    gc.enable()
