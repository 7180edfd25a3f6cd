from __future__ import annotations

from dataclasses import replace

from bongsu.alerts.coverage import gap, heard, never, never_begins, shadow
from bongsu.alerts.intervals import Interval
from bongsu.alerts.model import Endpoints, Route, Routes
from bongsu.core.diagnostics import Span
from bongsu.slo.rules import Links

SPAN = Span("alerts/routes.yaml")
ROUTE = Route("warning", "ticket", ("note",), ("service",), 0.0, 30.0, 3600.0, SPAN)
OFFICE = Interval("office", "Asia/Seoul", SPAN, times=((540, 1080),))
EVENING = Interval("evening", "Asia/Seoul", SPAN, times=((0, 540), (1080, 1440)))
NIGHT = Interval("night", "Asia/Seoul", SPAN, times=((1200, 1440),))
ENDPOINTS = Endpoints("", "", "", "", "", "", "", {})


def routes(*found: Route) -> Routes:
    return Routes("ticket", found, (), Links("", ""), ENDPOINTS, SPAN.file, (OFFICE, EVENING, NIGHT))


def test_an_alert_visits_every_route_with_times_and_stops_at_the_first_without() -> None:
    office, always, later = replace(ROUTE, active=("office",)), replace(ROUTE, receiver="b"), replace(ROUTE)
    assert heard((office, always, later), "warning", "shop") == [office, always]


def test_a_route_without_times_leaves_no_gap() -> None:
    assert gap(routes(replace(ROUTE, active=("office",)), ROUTE), "warning", "shop") is None


def test_one_active_in_what_the_other_mutes_leaves_no_gap() -> None:
    both = routes(replace(ROUTE, active=("office",)), replace(ROUTE, mute=("office",)))
    assert gap(both, "warning", "shop") is None


def test_two_intervals_that_fill_the_day_leave_no_gap() -> None:
    both = routes(replace(ROUTE, active=("office",)), replace(ROUTE, active=("evening",)))
    assert gap(both, "warning", "shop") is None


def test_the_hours_between_office_and_night_are_a_gap_and_one_is_named() -> None:
    both = routes(replace(ROUTE, active=("office",)), replace(ROUTE, active=("night",)))
    moment = gap(both, "warning", "shop")
    assert moment is not None
    assert not OFFICE.contains(moment)
    assert not NIGHT.contains(moment)


def test_the_route_of_one_service_does_not_fill_the_gap_of_another() -> None:
    both = routes(replace(ROUTE, services=("shop",)), replace(ROUTE, active=("office",)))
    assert gap(both, "warning", "shop") is None
    assert gap(both, "warning", "checkout") is not None


def test_two_routes_that_share_the_services_of_a_third_shadow_it() -> None:
    one, two = replace(ROUTE, services=("a",)), replace(ROUTE, services=("b",))
    third = replace(ROUTE, services=("b", "a"))
    assert shadow((one, two, third), third) is two
    assert shadow((one, two, third), two) is None
    rest = replace(ROUTE)
    assert shadow((one, two, rest), rest) is None


def test_a_route_with_times_shadows_nothing() -> None:
    timed, always = replace(ROUTE, active=("office",)), replace(ROUTE)
    assert shadow((timed, always), always) is None


def test_a_route_that_mutes_all_it_is_active_in_never_tells() -> None:
    assert never(routes(), replace(ROUTE, active=("night",), mute=("evening",)))
    assert not never(routes(), replace(ROUTE, active=("evening",), mute=("night",)))


def test_the_29th_of_february_comes_and_the_30th_does_not() -> None:
    assert not never_begins(Interval("leap", "UTC", SPAN, days=((29, 29),), months=((2, 2),)))
    assert not never_begins(Interval("leap", "UTC", SPAN, days=((29, 29),), months=((2, 2),), weekdays=((2, 2),)))
    assert never_begins(Interval("never", "UTC", SPAN, days=((30, 30),), months=((2, 2),)))
