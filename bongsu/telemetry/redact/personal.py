"""Find personal data: mail addresses, phone, card, resident, business, social security and account numbers.

Each candidate is judged by the rules of its kind (phonenumbers, python-stdnum), so that ids, times and versions stay.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import phonenumbers
from stdnum import iban, luhn
from stdnum.kr import brn, rrn
from stdnum.us import ssn

from bongsu.telemetry.redact.finder import Finder, group_spans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.telemetry.redact.finder import Span

_MAIL = re.compile(
    r"(?P<mail>(?<![\w.+-])(?:[\w.!#$&'*+/?^`{|}~-]|%(?!40)[0-9A-Fa-f]{2}){1,64}(?:@|%40)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_](?:[\w-]{0,61}[^\W_]))"
)
_NOT_AFTER = r"(?<![0-9])(?<![0-9]\.)(?<![0-9]-)"
_DIGITS_APART = r"(?:[ \-.]|%20|\u00a0|\u2011|\u2013)?"
_CARD = re.compile(rf"(?<![0-9])(?<![0-9][.,])(?P<card>[2-69](?:{_DIGITS_APART}[0-9]){{12,18}})(?![0-9])")
_RRN = re.compile(r"(?<![0-9])(?P<rrn>[0-9]{6}(?P<apart>[ \-\u2011\u2013]?)[1-8][0-9]{6})(?![0-9])")
_BRN = re.compile(r"(?<![0-9])(?P<brn>[0-9]{3}(?P<apart>[ \-\u2011\u2013]?)[0-9]{2}(?P=apart)[0-9]{5})(?![0-9])")
_BRN_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)
_BRN_SAID = re.compile(r"(?i)사업자|business|\bbrn\b|registration")
_SSN = re.compile(r"(?<![0-9-])(?P<ssn>[0-9]{3}-[0-9]{2}-[0-9]{4})(?![0-9-])")
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])(?P<iban>[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?)(?![A-Za-z0-9])"
)
_APART = r"(?:[\s\-.)(/\u2011\u2013]|%20){0,2}"
_PHONE = re.compile(
    rf"""(?<![\w])(?<![0-9][.,:-])(?P<phone>
        (?:\+|%2[Bb]|00)[1-9](?:{_APART}[0-9]){{7,14}}
        | \(?0[1-9][0-9]{{0,2}}\)?{_APART}[0-9]{{3,4}}{_APART}[0-9]{{4}}
        | \(?[2-9][0-9]{{2}}\)?[\s\-.]{{1,2}}[2-9][0-9]{{2}}[\s\-.][0-9]{{4}}
        | 1[5-9][0-9]{{2}}-[0-9]{{4}}
    )(?![0-9])(?!\.[0-9])""",
    re.VERBOSE,
)
_REGIONS = ("KR", "US")
_MOBILE = re.compile(r"(?:\+82|0)10[2-9][0-9]{7}")
"""Mobile numbers of Korea: ranges are opened faster than the library's data is."""
_SERVICE_PREFIX = re.compile(r"1[5-9][0-9]{2}-")
_LENGTHS = (
    (re.compile("4"), (13, 16, 19)),
    (re.compile("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),
    (re.compile("3[47]"), (15,)),
    (re.compile("6011|64[4-9]|65|35"), (16, 17, 18, 19)),
    (re.compile("62"), (16, 17, 18, 19)),
    (re.compile("3(?:0[0-5]|[689])"), (14, 15, 16, 17, 18, 19)),
    (re.compile("9"), (16,)),  # domestic cards of Korea
)
_CENTURIES = {"1": 1900, "2": 1900, "5": 1900, "6": 1900, "3": 2000, "4": 2000, "7": 2000, "8": 2000}


def digits(text: str) -> str:
    """Return the ASCII digits of `text`, percent-encoded separators removed first."""
    return re.sub(r"[^0-9]", "", re.sub("%20", "", text))


def _mail(text: str) -> Iterator[Span]:
    yield from group_spans(_MAIL, text, "mail", lambda mail: ".." not in mail and not mail.startswith("."))


def _card(text: str) -> Iterator[Span]:
    for found in _CARD.finditer(text):
        number = digits(found["card"])
        if any(start.match(number) and len(number) in lengths for start, lengths in _LENGTHS) and luhn.is_valid(number):
            yield found.span("card")


def _rrn(text: str) -> Iterator[Span]:
    """Find resident registration numbers (foreigners' too).

    Numbers given out since October 2020 carry no check digit, so a written hyphen and a true date of birth suffice;
    thirteen bare digits must also check.
    """
    for found in _RRN.finditer(text):
        number = digits(found["rrn"])
        if _is_birth(number) and (found["apart"] or rrn.calc_check_digit(number[:-1]) == number[-1]):
            yield found.span("rrn")


def _is_birth(number: str) -> bool:
    try:
        date(_CENTURIES[number[6]] + int(number[:2]), int(number[2:4]), int(number[4:6]))
    except ValueError:
        return False
    return True


def _brn(text: str) -> Iterator[Span]:
    """Find business registration numbers; ten bare digits only where the text says what they are (times look alike)."""
    for found in _BRN.finditer(text):
        said = found["apart"] or _BRN_SAID.search(text, max(0, found.start() - 60), found.end() + 20)
        if said and _is_brn(digits(found["brn"])):
            yield found.span("brn")


def _is_brn(number: str) -> bool:
    """Tell whether the parts are in their ranges (python-stdnum) and the last digit checks, which it leaves out."""
    products = [weight * int(digit) for weight, digit in zip(_BRN_WEIGHTS, number, strict=False)]
    return brn.is_valid(number) and (sum(products) + products[-1] // 10 + int(number[-1])) % 10 == 0


def _ssn(text: str) -> Iterator[Span]:
    yield from group_spans(_SSN, text, "ssn", ssn.is_valid)


def _iban(text: str) -> Iterator[Span]:
    yield from group_spans(_IBAN, text, "iban", iban.is_valid)


def _phone(text: str) -> Iterator[Span]:
    for found in _PHONE.finditer(text):
        written = re.sub("%2[Bb]|^00", "+", found["phone"])
        if any(_is_phone(re.sub("%20", " ", written), region) for region in _REGIONS):
            yield found.span("phone")


def _is_phone(written: str, region: str) -> bool:
    if _SERVICE_PREFIX.match(written) and region != "KR":
        return False
    if _MOBILE.fullmatch(re.sub(r"[^0-9+]", "", written)):
        return True
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(written, region))
    except phonenumbers.NumberParseException:
        return False


_LONG_NUMBER = re.compile(r"[0-9](?:[^\w\n]{0,3}|%20)[0-9](?:[^\w\n]{0,3}|%20)[0-9]")
FINDERS = (
    Finder("mail", re.compile("@|%40"), _mail),
    Finder("card", _LONG_NUMBER, _card),
    Finder("resident-number", _LONG_NUMBER, _rrn),
    Finder("business-number", _LONG_NUMBER, _brn),
    Finder("social-security-number", re.compile(r"[0-9]-[0-9]{2}-[0-9]"), _ssn),
    Finder("iban", re.compile(r"[A-Z]{2}[0-9]{2}"), _iban),
    Finder("phone", _LONG_NUMBER, _phone),
)
