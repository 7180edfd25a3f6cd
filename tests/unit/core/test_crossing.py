from __future__ import annotations

from functools import partial

import pytest

from bongsu.core.crossing import Amounts, Edge, Part, decoys, edge, levels, parts_of, scaled
from bongsu.core.promql import selectors
from bongsu.core.steady import World, counters, parsed, series_of, value
from bongsu.core.vectors import UnsteadyError

NOW = 3600.0


def found(query: str, limit: float, shares: tuple[float, ...] = ()) -> Edge | None:
    made = parts_of(query.replace("@", "1"), (limit,), selectors(query), shares)

    def fires(of: float, chosen: tuple[Part, ...], amounts: Amounts, _: Amounts) -> bool:
        tree = parsed(query.replace("@", repr(of)))
        return bool(series_of(value(tree, World(levels(chosen, amounts, NOW), made.counters, NOW))))

    edges = (
        edge(c, partial(fires, limit, c), partial(fires, 1.5 * limit, c), NOW, remembers=False) for c in made.choices
    )
    return next((at for at in edges if at), None)


def amount(at: Edge, side: Amounts, name: str) -> float:
    return next(a for part, a in zip(at.parts, side, strict=True) if part.weights[0][0].name == name)


def test_an_edge_lies_between_two_amounts_that_are_just_apart() -> None:
    at = found("max(waiting_seconds) > @", 60.0)
    assert at is not None
    assert amount(at, at.below, "waiting_seconds") == pytest.approx(60, rel=2e-3)
    assert amount(at, at.below, "waiting_seconds") < 60 < amount(at, at.above, "waiting_seconds")


def test_the_edge_of_a_share_is_not_that_of_the_floor_beside_it() -> None:
    query = 'sum(rate(x{code="500"}[5m])) / sum(rate(x[5m])) > @ and sum(increase(x[5m])) > 20'
    at = found(query, 0.1)
    assert at is not None
    (bad, bad_amount), (ok, ok_amount) = ((part.weights[0][0], a) for part, a in zip(at.parts, at.above, strict=True))
    assert dict(bad.labels)["code"] == "500"
    assert dict(ok.labels)["code"] != "500"
    assert bad_amount / (bad_amount + ok_amount) == pytest.approx(0.1, rel=1e-2)

    def fires(amounts: Amounts, _: Amounts) -> bool:
        tree = parsed(query.replace("@", "0.1"))
        return bool(series_of(value(tree, World(levels(at.parts, amounts, NOW), counters(tree), NOW))))

    floor = scaled(at, fires)
    assert floor is not None
    assert sum(floor.above) * 300 == pytest.approx(20, rel=1e-2)


def test_an_instant_is_known_by_its_age() -> None:
    at = found("time() - max(last_success) > @", 600.0)
    assert at is not None
    assert amount(at, at.above, "last_success") == pytest.approx(600, rel=1e-2)
    assert levels(at.parts, at.above, 10_000.0).popitem()[1] == pytest.approx(9400, rel=1e-2)


def test_a_quantile_moves_by_slow_observations() -> None:
    at = found("histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m]))) > @", 2.0)
    assert at is not None
    world = levels(at.parts, at.above, NOW)
    slow = 1 - next(n for s, n in world.items() if ("le", "2") in s.labels) / max(world.values())
    assert slow == pytest.approx(0.1, rel=1e-2)


def test_beside_each_series_stands_another_with_its_share() -> None:
    at = found("sum(x) > @", 3.0, (0.5,))
    assert at is not None
    first, second = levels(at.parts, at.above, NOW).values()
    assert (second / first, first + second) == (pytest.approx(0.5), pytest.approx(3, rel=1e-2))


def test_a_limit_of_zero_has_nothing_below_it() -> None:
    at = found("max(damaged) > @", 0.0)
    assert at is None, "half a file more would be another limit: 1.5 times nothing is nothing"


def test_decoys_are_wanted_by_nobody() -> None:
    query = 'sum(up{job="api", zone=~"a|b"})'
    made = parts_of(query, (), selectors(query), ())
    names = [dict(part.weights[0][0].labels) for part in decoys(made.choices[0], selectors(query), made.counters)]
    assert {"job": "other"}.items() <= names[0].items() or {"zone": "other"}.items() <= names[0].items()
    assert len(names) == 2


@pytest.mark.parametrize("query", ["round(x, 0)", "x ^ 400 ^ 400", "(0 - x) ^ 0.5", "floor(x / 0)"])
def test_what_is_no_number_is_nothing_instead_of_an_error(query: str) -> None:
    made = parts_of(query, (), selectors(query), ())
    world = World(levels(made.choices[0], (1000.0,), NOW), made.counters, NOW)
    assert series_of(value(parsed(query), world)) == {}


@pytest.mark.parametrize(
    ("query", "why"),
    [("vector(1)", "it reads 0 kinds of series"), (" + ".join(f"x{i}" for i in range(9)), "it reads 9 kinds")],
)
def test_what_cannot_be_made_up_is_said(query: str, why: str) -> None:
    with pytest.raises(UnsteadyError, match=why):
        parts_of(query, (), selectors(query), ())
