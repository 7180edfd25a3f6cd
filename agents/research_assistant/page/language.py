"""What the page says, in the language of whoever reads it: one file a language, the same keys in each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.core.errors import SpecError
from bongsu.core.yaml import load_documents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

FOLDER = Path(__file__).with_name("words")
LANGUAGES = ("en", "ko")
DEFAULT = "en"
COOKIE = "language"
QUERY = "lang"


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language."""

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of a key with its {places} filled; an unknown key is a bug of ours and raises KeyError."""
        return self.texts[key].format_map(values)

    def one_of(self, group: str, name: str) -> str:
        """Return the text of `group.name`; a name that came after this file stands for itself."""
        return self.texts.get(f"{group}.{name}", name)


def load(language: str) -> Words:
    """Read the texts of a language; raise SpecError with every problem of the file."""
    path = FOLDER / f"{language}.yaml"
    nodes, problems = load_documents(path.read_text(encoding="utf-8"), path.name)
    if problems:
        raise SpecError(problems)
    return Words(language, {key: str(text) for key, text in nodes[0].plain().items()})


WORDS: Mapping[str, Words] = {language: load(language) for language in LANGUAGES}


def choose(request: Request) -> Words:
    """Return the words of who asks: what the switch says, what it said before, what the browser prefers, English."""
    for wanted in (request.query_params.get(QUERY), request.cookies.get(COOKIE)):
        if wanted and wanted in WORDS:
            return WORDS[wanted]
    return WORDS[preferred(request.headers.get("accept-language", ""))]


def preferred(header: str) -> str:
    """Return the language of ours that an Accept-Language header likes best (RFC 9110, 12.5.4)."""
    best, best_quality = DEFAULT, 0.0
    for part in header.split(","):
        tag, _, parameter = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        quality = _quality(parameter)
        if language in WORDS and quality > best_quality:
            best, best_quality = language, quality
    return best


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
