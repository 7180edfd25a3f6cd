"""Work without the cycle collector: what reads much and throws nothing away only waits for it."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector still for a while; whether it ran before is restored in any case.

    Loading a thousand SLOs makes half a million objects and no cycles; the collector walks them all again and again,
    for a third of the time (measured by bench/compile_speed.py). Afterwards they count as old, because the next
    collection of what is young would walk all of them once more (30 ms).
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.freeze()
            gc.unfreeze()  # into the oldest generation, where a full collection still finds them
            gc.enable()
