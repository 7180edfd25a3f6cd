from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from bongsu.core.garbage import uncollected


class Ring:
    def __init__(self) -> None:
        self.itself = self


def rings() -> int:
    return sum(type(found) is Ring for found in gc.get_objects())


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    was = gc.isenabled()
    gc.collect()
    gc.enable()
    yield
    (gc.enable if was else gc.disable)()


def test_what_was_made_is_old_afterwards_and_still_found_by_a_full_collection() -> None:
    with uncollected():
        assert not gc.isenabled()
        Ring()
    assert gc.isenabled()
    gc.collect(0)
    gc.collect(1)
    assert rings() == 1
    gc.collect()
    assert rings() == 0


def test_a_collector_that_was_off_stays_off_and_one_that_was_on_is_on_after_an_error() -> None:
    gc.disable()
    with uncollected():
        pass
    assert not gc.isenabled()
    gc.enable()
    with pytest.raises(KeyError), uncollected():
        raise KeyError
    assert gc.isenabled()
