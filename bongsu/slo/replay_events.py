"""Write the promtool test of an SLO's two base recordings: raw series in, rates of bad and of all events out.

A base window holds five samples and a question comes at the end of each window, so that a rate is the slope between the
first and the last sample in it (bongsu/slo/replay.py says why questions lie beside samples).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import TYPE_CHECKING

from bongsu.core import conventions as names
from bongsu.core.durations import format_duration, parse_duration
from bongsu.core.series import Series
from bongsu.slo.example import shared
from bongsu.slo.replay_records import BAD, TOTAL, asked, events_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bongsu.slo.example import Example
    from bongsu.slo.model import Slo, Windows

_SAMPLES = 5
_ASIDE = 20
_SOME = 60
"""Events of a sample."""
_NEWS, _OLD = 30, 900
"""What a series is born with; and one whose target was down before, so that it is nothing new."""
_DECOY = 10**6
_BORN = 2
"""The sample of its window at which a series is born: a shorter window would not see it as young any more."""


@dataclass(frozen=True, slots=True)
class _Window:
    """Events a sample for the length of a base window, `news` on series that are born in it, and what must be so.

    `uneven`: everything in the first two samples. `bad_is` and `total_is` are events a sample.
    """

    name: str = ""
    good: float = 0
    bad: float = 0
    news: float = 0
    good_news: float = 0
    uneven: bool = False
    nothing: bool = False
    bad_is: float = 0
    total_is: float = 0

    def growth(self, sample: int) -> tuple[float, float]:
        """Return the good and bad events of one of its samples."""
        return (0, 0) if self.uneven and sample > 1 else (self.good, self.bad)


_NEW = _NEWS / _SAMPLES
_YOUNG, _DOWN, _ADDED = 3, 5, 6
"""The windows (from 1 on) in which a series is born: of a known target, of one that was down, of a new one."""
_STORY = (
    _Window("what no query wants is nothing", nothing=True),
    _Window("a bad series that does not exist yet is zero", _SOME, total_is=_SOME),
    _Window("a series that is born with failures counts them", _SOME, news=_NEWS, bad_is=_NEW, total_is=_SOME + _NEW),
    _Window("a series that was young counts what it grew by", _SOME, _SOME, bad_is=_SOME, total_is=2 * _SOME),
    _Window(
        "a target that was down brings along what is no news, and counts what it grows by",
        _SOME,
        _SOME,
        news=_SAMPLES * _SOME,
        bad_is=2 * _SOME,
        total_is=3 * _SOME,
    ),
    _Window(
        "a new target that was up counts, good and bad; what was away for a while does not",
        _SOME,
        _SOME,
        news=_NEWS,
        good_news=_NEWS,
        bad_is=_SOME + _NEW,
        total_is=2 * (_SOME + _NEW),
    ),
    _Window("what was born stands still", _SOME, _SOME, bad_is=_SOME, total_is=2 * _SOME),
    _Window("nothing but failures", 0, 2 * _SOME, bad_is=2 * _SOME, total_is=2 * _SOME),
    _Window("nothing happens"),
    # One of the four steps between the five samples of the window.
    _Window("failures at the beginning of the window", 0, _SOME, uneven=True, bad_is=_SOME / 4, total_is=_SOME / 4),
    _Window("where no series of good events is left all is bad", 0, _SOME, bad_is=_SOME, total_is=_SOME),
)


def events_test(slo: Slo, windows: Windows, found: Example, factor: float) -> dict[str, object]:
    """Return the test of the base recordings: what counts, what does not, and series that are born late."""
    sample = parse_duration(windows.base) / _SAMPLES / factor
    end = (_SAMPLES + 1 / _ASIDE) * sample
    record, twins = names.events_record(windows.base), _twins(found)
    late, good = twins or _late(found), twins or _late_good(found)
    by = shared(found.by, [_at(series) for series in (*found.good, *found.bad)]) or {}
    questions = []
    for number, window in enumerate(_STORY, start=1):
        less = 0 if late else window.news / _SAMPLES
        also = 0 if good else window.good_news / _SAMPLES
        values = ((BAD, (window.bad_is - less) / sample), (TOTAL, (window.total_is - less - also) / sample))
        expected = [] if window.nothing else [(record, by | events_of(slo, kind), value) for kind, value in values]
        questions += [asked(window.name, number * end, expected, (record,))] if window.name else []
    return {
        "evaluation_interval": format_duration(end),
        "tests": [
            {
                "name": f"{slo.id}: events from raw series",
                "interval": format_duration(sample),
                "input_series": [
                    {"series": str(series), "values": _text(values)} for series, values in _raw(found).items()
                ],
                "promql_expr_test": questions,
            }
        ],
    }


def _late(found: Example) -> tuple[Series, ...]:
    """Return the series that only failures know, where a query does not name their target: they can be born late."""
    return _movable(tuple(series for series in found.bad if series not in found.good))


def _late_good(found: Example) -> tuple[Series, ...]:
    """Return those that only good events know."""
    return _movable(tuple(series for series in found.good if series not in found.bad))


def _twins(found: Example) -> tuple[Series, ...]:
    """Return the series of another target on which failures come, where they share all of theirs with good events.

    So it is with latency: a slow answer is counted, and in no bucket. A new target has every series from its birth on.
    """
    return _movable(found.good) if set(found.bad) < set(found.good) else ()


def _newborn(found: Example) -> Iterator[tuple[Series, bool, bool]]:
    """Yield the series that can be born late, each with whether failures and whether good events count in it."""
    twins = _twins(found)
    yield from ((series, series in found.bad, True) for series in twins)
    yield from ((series, True, False) for series in _late(found))
    yield from ((series, False, True) for series in _late_good(found) if not twins)


def _same(series: Series, known: Series) -> bool:
    """Tell whether a series is a known one, scraped from whatever target."""
    return series.name == known.name and set(known.labels) <= set(series.labels)


def _movable(only: tuple[Series, ...]) -> tuple[Series, ...]:
    return () if any(label == "instance" for series in only for label, _ in series.labels) else only


def _raw(found: Example) -> dict[Series, list[float | None]]:
    """Return the samples of every series, the first at time 0."""
    late, twins, first = _late(found), _twins(found), _SAMPLES * (_DOWN - 1) + 1
    late_good = () if twins else _late_good(found)
    raw: dict[Series, list[float | None]] = {}
    for series in dict.fromkeys((*found.good, *found.bad)):
        good, bad = series in found.good, series in found.bad
        elsewhere = series in (*twins, *late_good)
        # News comes at once on series of its own; what good and bad events share grows by it evenly.
        steps = [
            window.growth(sample)[0] * (good and not (elsewhere and number == _DOWN))
            + window.growth(sample)[1] * (bad and not twins)
            + _spread(window, late, late_good) * (good and bad)
            for number, window in enumerate(_STORY, start=1)
            for sample in range(_SAMPLES)
        ]
        raw[_at(series)] = _from(_SAMPLES + 1, list(accumulate(steps, initial=0.0)))
    length = _SAMPLES * len(_STORY) + 1
    for decoy in found.decoys:
        counted: list[float | None] = [float(_DECOY * i) for i in range(length)]
        raw[_at(decoy)] = counted[: _SAMPLES + 1] + [None] * _SAMPLES + counted[2 * _SAMPLES + 1 :]
    for series, bad, good in _newborn(found):
        grown = [_OLD + (bad + good) * _SOME * min(max(0, i - first), _SAMPLES - 1) for i in range(length)]
        raw[_at(series, "2")] = _away(grown)
        raw[_at(series, "3")] = _from(_birth(_ADDED), [_NEWS * (bad + good)] * length)
        raw[_at(series, "4")] = _from(_SAMPLES * _DOWN, [_OLD] * length)
    for series in late:
        raw[_at(series)] = _from(_birth(_YOUNG), [(value or 0) + _NEWS for value in raw[_at(series)]])
    failures = list(accumulate((w.growth(i)[1] for w in _STORY for i in range(_SAMPLES)), initial=float(_NEWS)))
    for series in twins:
        raw[_at(series, "5")] = _from(_birth(_YOUNG), [count * (series in found.bad) for count in failures])
    for decoy in _movable(found.decoys):
        raw[_at(decoy, "3")] = _from(_birth(_ADDED), [_DECOY] * length)
    kept = length - _SAMPLES
    for series in raw:
        if not any(_same(series, one) for one in found.bad):
            raw[series] = raw[series][:kept]
    return raw | _targets(found, length)


def _spread(window: _Window, late: tuple[Series, ...], good: tuple[Series, ...]) -> float:
    """Return what news adds in each sample to a series that good and bad events share."""
    return (window.news * bool(late) + window.good_news * bool(good)) / _SAMPLES


def _targets(found: Example, length: int) -> dict[Series, list[float | None]]:
    """Return whether targets were up: 2 and 4 were down until their series are born, 3 is a window older than its."""
    up: dict[Series, list[float | None]] = {}
    for series in dict.fromkeys((*found.good, *found.bad, *found.decoys)):
        job = dict(_at(series).labels)["job"]
        born = _birth(_DOWN)
        up[_up(job, dict(_at(series).labels)["instance"])] = [1] * length
        up[_up(job, "5")] = [1] * length
        for target in ("2", "4"):
            up[_up(job, target)] = [*([0.0] * born), *([1.0] * (length - born))]
        up[_up(job, "3")] = _from(_birth(_ADDED) - _SAMPLES + 1, [1] * length)
        up[_up(f"{job}-other", "2")] = [1] * length
    return up


def _away(values: Sequence[float]) -> list[float | None]:
    """Return a series that begins while its target is down, and in the window after that has a last sample alone."""
    young = _from(_SAMPLES * (_DOWN - 1) + 1, values)
    return young[: _SAMPLES * _DOWN + 1] + [None] * (_SAMPLES - 1) + young[_SAMPLES * (_DOWN + 1) :]


def _birth(window: int) -> int:
    return _SAMPLES * (window - 1) + _BORN


def _up(job: str, instance: str) -> Series:
    return Series("up", (("job", job), ("instance", instance)))


def _at(series: Series, instance: str = "1") -> Series:
    """Return the series as scraped from a target; labels that the query itself asks for stay."""
    labels = {"job": "replay", "instance": instance} | dict(series.labels)
    return Series(series.name, tuple(labels.items()))


def _from(birth: int, values: Sequence[float]) -> list[float | None]:
    return [*([None] * birth), *values[birth:]]


def _text(values: list[float | None]) -> str:
    """Return promtool's notation of samples."""
    runs = [(value, sum(1 for _ in run)) for value, run in groupby(values)]
    return " ".join(f"_x{n}" if value is None else f"{value!r}x{n - 1}" for value, n in runs)
