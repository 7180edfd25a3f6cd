"""Text that holds personal data and secrets, and text that only looks so: seeded, with what was planted written down.

Imports nothing of what it tests: numbers are made valid by the published rules of their kind, written again here.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

LETTERS, TOKEN = string.ascii_letters, string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Planted:
    """One text with one item in it; `core` is what must not be found in it afterwards."""

    kind: str
    form: str
    text: str
    core: str


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices(string.digits, k=count))


def _token(rng: random.Random, count: int) -> str:
    """Return letters and digits, at least one digit among them."""
    made = rng.choices(TOKEN, k=count - 1)
    made.insert(rng.randrange(count), rng.choice(string.digits))
    return "".join(made)


def card(rng: random.Random) -> str:
    """Return a card number with its Luhn digit, in one of the usual spellings."""
    prefix, length = rng.choice(
        (("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("37", 15), ("6011", 16), ("3528", 16))
    )
    body = prefix + _digits(rng, length - len(prefix) - 1)
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled  # noqa: PLR2004 - the sum of both digits
    number = body + str(-total % 10)
    apart = rng.choice(("", " ", "-"))
    cuts = (4, 10) if length == 15 else (4, 8, 12)  # noqa: PLR2004 - American Express
    return apart.join(number[a:b] for a, b in zip((0, *cuts), (*cuts, length), strict=True))


def resident(rng: random.Random) -> str:
    """Return a resident registration number of Korea, of citizens and foreigners, with its check digit."""
    year, month, day = rng.randrange(1940, 2010), rng.randrange(1, 13), rng.randrange(1, 29)
    sex = rng.choice("1256" if year < 2000 else "3478")  # noqa: PLR2004 - the century
    body = f"{year % 100:02d}{month:02d}{day:02d}{sex}{_digits(rng, 5)}"
    weights = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
    check = (11 - sum(w * int(d) for w, d in zip(weights, body, strict=True)) % 11) % 10
    number = f"{body}{check}"
    return number if rng.random() < 0.3 and sex in "1234" else f"{number[:6]}-{number[6:]}"  # noqa: PLR2004 - a share


def business(rng: random.Random) -> str:
    """Return a business registration number of Korea with its check digit."""
    body = f"{rng.randrange(101, 620)}{rng.randrange(1, 90):02d}{_digits(rng, 4)}"
    if body[5:] == "0000":
        body = body[:5] + "0001"
    weights = (1, 3, 7, 1, 3, 7, 1, 3, 5)
    total = sum(w * int(d) for w, d in zip(weights, body, strict=True)) + int(body[8]) * 5 // 10
    number = body + str(-total % 10)
    return f"{number[:3]}-{number[3:5]}-{number[5:]}"


def phone(rng: random.Random) -> str:
    """Return a phone number: mobile and fixed of Korea, of the United States, Germany, Japan."""
    korean = f"{rng.randrange(2000, 9999)}", _digits(rng, 4)
    american = f"{rng.choice((212, 305, 415, 617, 718))}", f"{rng.randrange(220, 999)}", _digits(rng, 4)
    return rng.choice(
        (
            f"010-{korean[0]}-{korean[1]}",
            f"010 {korean[0]} {korean[1]}",
            f"010{korean[0]}{korean[1]}",
            f"02-{korean[0]}-{korean[1]}",
            f"031-{rng.randrange(200, 999)}-{korean[1]}",
            f"+82-10-{korean[0]}-{korean[1]}",
            f"+82 10 {korean[0]} {korean[1]}",
            f"({american[0]}) {american[1]}-{american[2]}",
            f"{american[0]}-{american[1]}-{american[2]}",
            f"+1 {american[0]} {american[1]} {american[2]}",
            f"+4930{rng.randrange(20000000, 90000000)}",
            f"+81-3-{rng.randrange(3200, 3999)}-{_digits(rng, 4)}",
        )
    )


def mail(rng: random.Random) -> str:
    """Return a mail address."""
    name = rng.choice(("minji.kim", "j.doe+list", "sre_oncall", "hong-gildong", "a1b2c3", "o'brien"))
    host = rng.choice(("example.com", "mail.example.co.kr", "naver.example", "corp.example.org"))
    return f"{name}{rng.randrange(1000)}@{host}"


def api_key(rng: random.Random) -> str:
    """Return a key of a well-known provider by its prefix."""
    return rng.choice(
        (
            lambda: f"sk-{_token(rng, 48)}",
            lambda: f"sk-proj-{_token(rng, 40)}",
            lambda: f"sk-ant-api03-{_token(rng, 40)}",
            lambda: "AKIA" + "".join(rng.choices(string.ascii_uppercase, k=15)) + rng.choice(string.digits),
            lambda: f"ghp_{_token(rng, 36)}",
            lambda: f"github_pat_{_token(rng, 40)}",
            lambda: f"xoxb-{_digits(rng, 11)}-{_token(rng, 24)}",
            lambda: f"AIza{_token(rng, 35)}",
            lambda: f"glpat-{_token(rng, 20)}",
            lambda: f"hf_{_token(rng, 34)}",
            lambda: f"sk_live_{_token(rng, 24)}",
        )
    )()


def jwt(rng: random.Random) -> str:
    """Return a JSON Web Token."""
    parts = ({"alg": rng.choice(("HS256", "RS256")), "typ": "JWT"}, {"sub": _digits(rng, 6), "iat": 1_700_000_000})
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join((*coded, _token(rng, 43)))


def pem(rng: random.Random) -> str:
    """Return a private key in PEM; its body is random."""
    kind = rng.choice(("RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"))
    body = "\n".join(_token(rng, 64) for _ in range(3))
    return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----"


def password(rng: random.Random) -> str:
    """Return a password of letters, digits and signs that need no quoting."""
    return f"{_token(rng, 8)}{rng.choice('!*^~')}{_token(rng, 4)}"


VALUES: dict[str, Callable[[random.Random], str]] = {
    "card": card,
    "resident": resident,
    "business": business,
    "phone": phone,
    "mail": mail,
    "key": api_key,
    "jwt": jwt,
    "pem": pem,
}
PROSE = {
    "prose-en": "The customer wrote that {item} is theirs, please check it before 2026-11-28 and close ticket 48213.",
    "prose-en-end": "Could not reach the user under {item}. Tried 3 times in 2.5 s.",
    "prose-ko": "고객이 {item} 으로 연락해 달라고 했습니다. 접수 번호는 20261128-0042 입니다.",
    "prose-ko-glued": "확인 요청: {item}에 대한 처리가 3건 지연되었습니다.",
}
TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "/app/research_assistant/worker.py", line 118, in handle\n'
    "    await self._end(claim)\n"
    "ValueError: cannot parse {item!r} (attempt 2 of 3)"
)
QUERY_NAMES = ("token", "api_key", "access_token", "sig", "password", "key", "code")
WRAPPED: dict[str, Callable[[random.Random, str], tuple[str, str]]] = {
    "bearer": lambda _, token: (f"upstream said 401 for Authorization: Bearer {token} after 0.2 s", token),
    "basic": lambda _, token: (f"sent header Basic {_coded(token)} to 10.0.0.7:8443", _coded(token)),
    "userinfo": lambda rng, token: (
        f"no answer: postgresql://svc{rng.randrange(9)}:{token}@{rng.choice(('db.internal', 'localhost'))}:5432/app",
        token,
    ),
    "query": lambda rng, token: (
        f"GET https://api.example.com/v1/items?page=2&{rng.choice(QUERY_NAMES)}={token}&sort=asc 403",
        token,
    ),
    "assigned-json": lambda rng, token: (
        json.dumps({"retry": 3, rng.choice(("password", "client_secret", "apiKey", "auth_token")): token, "ok": False}),
        token,
    ),
    "assigned-env": lambda rng, token: (
        f"{rng.choice(('DB_PASSWORD', 'SECRET_KEY', 'SESSION_TOKEN'))}={token} REGION=kr-1",
        token,
    ),
    "assigned-ko": lambda _, token: (f"설정 오류, 비밀번호: {token} 는 만료되었습니다.", token),
    "traceback-dsn": lambda _, token: (TRACEBACK.replace("{item!r}", repr(f"redis://:{token}@cache:6379/0")), token),
}


def _coded(token: str) -> str:
    return base64.b64encode(f"user:{token}".encode()).decode()


def corpus(seed: int, count: int) -> list[Planted]:
    """Return `count` texts, each kind in each form in turn."""
    rng = random.Random(seed)  # noqa: S311 - reproducible, not a secret
    makers = [*_plain_makers(), *(_wrapped_maker(form) for form in WRAPPED)]
    return [makers[number % len(makers)](rng) for number in range(count)]


def _plain_makers() -> list[Callable[[random.Random], Planted]]:
    forms = (*PROSE, "json", "url", "traceback", "fullwidth")
    return [_plain_maker(kind, form) for kind in VALUES for form in forms if _fits(kind, form)]


def _fits(kind: str, form: str) -> bool:
    if form == "fullwidth":  # what a Korean keyboard types
        return kind in ("card", "resident", "business", "phone")
    return form != "url" or kind != "pem"


def _plain_maker(kind: str, form: str) -> Callable[[random.Random], Planted]:
    def make(rng: random.Random) -> Planted:
        value = VALUES[kind](rng)
        return Planted(kind, form, _placed(rng, form, value), value)

    return make


def _placed(rng: random.Random, form: str, value: str) -> str:
    if form == "json":
        return json.dumps(
            {"id": rng.randrange(10**6), "note": f"see {value}", "at": "2026-11-28T11:24:26Z"}, ensure_ascii=False
        )
    if form == "url":
        return f"GET https://example.com/v1/find?q={quote(value, safe='')}&page=2 HTTP/1.1 200"
    if form == "traceback":
        return TRACEBACK.replace("{item!r}", repr(value))
    if form == "fullwidth":
        wide = "".join(chr(ord(c) + 0xFEE0) if c in string.digits else c for c in value)
        return f"입력값 {wide} 을 확인하세요."
    return PROSE[form].replace("{item}", value)


def _wrapped_maker(form: str) -> Callable[[random.Random], Planted]:
    def make(rng: random.Random) -> Planted:
        text, core = WRAPPED[form](rng, password(rng) if form not in ("bearer", "basic") else _token(rng, 32))
        return Planted("secret", form, text, core)

    return make


CLEAN = (
    "run {uuid} done in 2.31 s on worker host-{small}, fence 3, tries 0",
    "GET /v1/runs/{uuid} 200 in 0.012 s from 10.0.{small}.7:{port}",
    "trace {hex} span {half} sampled=1 at 2026-11-28T11:24:26.{small}Z",
    "checkpoint {millis} written, epoch {seconds}, version 1.2.{small}, build 2026.11.28.{small}",
    "지연 시간 p95 가 {small}ms 를 넘었습니다. 대기열 길이 {port}, 처리량 {small}.5/s",
    "토큰 사용량: input 1{port} output {small}, 예산의 0.{port} 을 사용했습니다",
    '{"node": "planner", "seconds": 0.{port}, "tokens": {port}, "max_tokens": 600, "ok": true}',
    'File "/usr/lib/python3.11/asyncio/tasks.py", line {small}, in wait_for',
    "psycopg.OperationalError: connection to server at 127.0.0.1, port {port} failed: Connection refused",
    "model gpt-4o-2024-11-20, price 2.50/10.00 per 1M, sha256 {hex}{hex}",
    "order 4111-{port}, batch 20261128-{small}, page {small} of 120, ratio 0.99{port}",
    "the bearer of this ticket asks for a token: the key to a password manager is a good passphrase",
    "Basic authentication is required; the secret is not set; see docs/api_keys.md and git@main for the sign-in page",
    'sum(rate(bongsu_events_total{outcome="bad"}[5m])) > 0.{port} for 120s',
    "card not charged: number 4111 1111 1111 1112 fails its check, id 123-45-67892 is unknown",
    "phone 555-0100 is a sample, ext 4213, room 02-114, code 1588, bus 020-1",
)
_HOLE = re.compile(r"\{(uuid|small|port|hex|half|millis|seconds)\}")


def clean_corpus(seed: int, count: int) -> list[str]:
    """Return `count` texts without anything private: ids, times, versions, code, prose that speaks of secrets."""
    rng = random.Random(seed)  # noqa: S311 - reproducible, not a secret
    return [_HOLE.sub(lambda hole: _filler(rng, hole[1]), CLEAN[number % len(CLEAN)]) for number in range(count)]


def _filler(rng: random.Random, hole: str) -> str:
    hexadecimal = f"{rng.getrandbits(128):032x}"
    return {
        "uuid": f"{hexadecimal[:8]}-{hexadecimal[8:12]}-{hexadecimal[12:16]}-{hexadecimal[16:20]}-{hexadecimal[20:]}",
        "small": str(rng.randrange(1, 255)),
        "port": str(rng.randrange(1024, 65535)),
        "hex": hexadecimal,
        "half": hexadecimal[:16],
        "millis": str(rng.randrange(1_700_000_000_000, 1_800_000_000_000)),
        "seconds": str(rng.randrange(1_700_000_000, 1_800_000_000)),
    }[hole]


def leaked(item: Planted, written: str) -> bool:
    """Tell whether the item can still be read, whichever way its digits were spelled or its text was escaped."""
    plain = written.translate({0xFF01 + offset: 0x21 + offset for offset in range(94)})
    if item.kind in ("card", "resident", "business", "phone"):
        number = re.sub(r"\D", "", item.core)
        return number[-8:] in re.sub(r"%20|%2B|[\s().+-]", "", plain)
    if item.kind == "pem":
        return any(line in plain for line in item.core.splitlines()[1:-1])
    return item.core in plain or quote(item.core, safe="") in plain
