"""What the alert of a tier says in English and Korean: events, time, slices and money are bad in different words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.slo.model import Ratio, Spend, Timeslices, decimal_text, threshold

if TYPE_CHECKING:
    from bongsu.slo.model import Slo, Tier

_NOW = "{{ $value | humanizePercentage }}"


def counted(slo: Slo) -> tuple[str, str]:
    """Return what an SLO counts, in English and Korean."""
    match slo.indicator:
        case Ratio():
            return "events", "이벤트"
        case Timeslices(length=length):
            return f"slices of {length}", f"{length} 구간"
        case Spend():
            return "spending", "지출"
        case _:
            return "time", "시간"


def description(slo: Slo, tier: Tier) -> tuple[str, str]:
    """Return the two descriptions of an alert."""
    share = decimal_text(threshold(tier, slo.objective) * 100)
    promise = decimal_text((1 - slo.budget) * 100)
    both = tuple(dict.fromkeys((tier.short, tier.long)))
    over, over_ko = f"over {' and '.join(both)}", f"{', '.join(both)} 동안"
    what, what_ko = counted(slo)
    if isinstance(slo.indicator, Spend):
        times, limit = decimal_text(tier.factor), decimal_text(slo.indicator.allowed)
        return (
            f"More than {times} times the rate that spends {limit} in {slo.window} went {over}.",
            f"{over_ko} {slo.window}에 {limit}을(를) 쓰는 속도의 {times}배를 넘게 지출했습니다.",
        )
    are, failed, rate, good = "was", "나빴습니다", "나쁜 비율", "정상"
    if isinstance(slo.indicator, Ratio | Timeslices):
        are = "were"
    if isinstance(slo.indicator, Ratio):
        failed, rate, good = "실패했습니다", "실패율", "성공"
    en = (
        f"{_NOW} of the {what} of the last {tier.short} {are} bad, and more than {share}% {over}; "
        f"the promise is {promise}% good over {slo.window}."
    )
    ko = (
        f"최근 {tier.short} 동안 {what_ko}의 {_NOW}가 {failed}. {over_ko} {rate}이 모두 {share}%를 넘었습니다. "
        f"약속은 {slo.window} 동안 {promise}% {good}입니다."
    )
    return en, ko
