"""Find secrets: private keys, tokens by their prefix or shape, passwords in URLs, queries and assignments."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING

from bongsu.telemetry.redact.finder import Finder, group_spans, looks_random

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.telemetry.redact.finder import Span

_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|\Z)", re.DOTALL
)
_JWT = re.compile(r"(?P<token>eyJ[\w-]{8,}(?:\.[\w-]*){2,4})")
_PREFIXED = re.compile(
    r"""(?<![A-Za-z0-9])(?P<token>
        (?:sk|rk|pk)-[\w-]{16,} | (?:sk|rk|pk)_(?:live|test)_\w{16,} | (?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}
        | gh[pousr]_\w{30,} | github_pat_\w{22,} | glpat-[\w-]{18,} | xox[abeoprs]-[\w-]{10,} | xapp-[\w-]{10,}
        | AIza[\w-]{30,} | ya29\.[\w-]{20,} | hf_\w{20,} | npm_\w{30,} | pypi-[\w-]{40,} | SG\.[\w-]{16,}\.[\w-]{16,}
        | dop_v1_\w{40,} | lsv2_\w{20,} | AGE-SECRET-KEY-1\w{40,}
    )""",
    re.VERBOSE,
)
_SCHEME = re.compile(r"(?i)\b(?P<scheme>bearer|basic|negotiate)(?:\s|%20|\+)+(?P<token>[\w.~+/=-]{6,})")
_USERINFO = re.compile(r"(?i)\b[a-z][a-z0-9+.-]*://(?P<userinfo>[^\s/@\"'<>?#]*)@")
_NAME = (
    r"(?:[\w.-]*[_.-])?(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|auth[_-]?key"
    r"|private[_-]?key|signing[_-]?key|secret[_-]?key|encryption[_-]?key|client[_-]?secret|credentials?|signature|sig|session[_-]?id|sid|otp|pin"
    r"|x-api-key|cookie|set-cookie|비밀번호|암호|인증키|비밀키|토큰)"
)
_QUERY = re.compile(rf"(?i)[?&;](?:{_NAME}|key|code|auth|jwt)=(?P<value>[^&\s\"'<>#;]+)")
_QUOTED = re.compile(
    rf"(?i)(?<![^\W_]){_NAME}\\?[\"']?\s*(?:=>|[:=])\s*(?P<quote>\\?[\"'])(?P<value>.{{1,4096}}?)(?P=quote)", re.DOTALL
)
_BARE = re.compile(rf"(?i)(?<![^\W_]){_NAME}\\?[\"']?\s*(?P<sign>=>|[:=])\s*(?P<value>[^\s\"'&,;(){{}}\[\]<>\\]{{4,}})")
_HEADER = re.compile(
    r"(?i)\b(?:authorization|x-api-key|cookie|set-cookie)\\?[\"']?\s*[:=]\s*\\?[\"']?(?P<value>[^\r\n\"'\\]{6,})"
)
_NO_SECRETS = frozenset(
    ("none", "null", "true", "false", "required", "missing", "invalid", "string", "redacted", "****")
)


def _pem(text: str) -> Iterator[Span]:
    yield from (found.span() for found in _PEM.finditer(text))


def _jwt(text: str) -> Iterator[Span]:
    yield from group_spans(_JWT, text, "token", _is_jwt)


def _is_jwt(token: str) -> bool:
    """Tell whether the first part is a JOSE header: base64url of a JSON object that names its algorithm."""
    head = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, binascii.Error):
        return False
    return isinstance(header, dict) and ("alg" in header or "enc" in header)


def _prefixed(text: str) -> Iterator[Span]:
    yield from group_spans(_PREFIXED, text, "token", looks_random)


def _scheme(text: str) -> Iterator[Span]:
    for found in _SCHEME.finditer(text):
        token = found["token"].rstrip(".")
        good = _is_basic(token) if found["scheme"].lower() == "basic" else looks_random(token)
        if good:
            yield found.start("token"), found.start("token") + len(token)


def _is_basic(token: str) -> bool:
    try:
        return b":" in base64.b64decode(token + "=" * (-len(token) % 4), validate=True)
    except (ValueError, binascii.Error):
        return False


def _userinfo(text: str) -> Iterator[Span]:
    yield from group_spans(_USERINFO, text, "userinfo", bool)


def _query(text: str) -> Iterator[Span]:
    yield from group_spans(_QUERY, text, "value", lambda value: not value.startswith("[redacted"))


def _assigned(text: str) -> Iterator[Span]:
    """Find `password="..."`, `"api_key": "..."`, `secret: ...`; an unquoted word after a colon is prose, no value."""
    yield from group_spans(_QUOTED, text, "value", _is_value)
    for found in _BARE.finditer(text):
        value = found["value"].rstrip(".")
        if _is_value(value) and (found["sign"] != ":" or not value.isalpha()):
            yield found.start("value"), found.start("value") + len(value)
    yield from group_spans(_HEADER, text, "value", looks_random)


def _is_value(value: str) -> bool:
    return value.lower() not in _NO_SECRETS and not value.startswith(("[redacted", "{", "$", "%s"))


FINDERS = (
    Finder("private-key", re.compile("PRIVATE KEY"), _pem),
    Finder("jwt", re.compile("eyJ"), _jwt),
    Finder(
        "api-key",
        re.compile(
            r"(?:sk|rk|pk)[-_]|A(?:KI|SI|RO|ID)A|gh[pousr]_|github_pat|glpat|xox|xapp|AIza|ya29|hf_|npm_|pypi-|SG\.|dop_|lsv2|AGE-"
        ),
        _prefixed,
    ),
    Finder("authorization", re.compile(r"(?i)bearer|basic|negotiate"), _scheme),
    Finder("userinfo", re.compile("://[^/]*@"), _userinfo),
    Finder("query-secret", re.compile(r"[?&;][^=&\s]+="), _query),
    Finder(
        "assigned-secret",
        re.compile(
            r"(?i)pass|pwd|secret|token|key|cred|sig|sid|session|otp|pin|cookie|authorization|비밀|암호|인증|토큰"
        ),
        _assigned,
    ),
)
