"""Ingest Markdown and text files: into PostgreSQL first, then along the change sequence into Chroma."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bongsu.core.errors import UsageError
from research_assistant import documents, tenant_documents
from research_assistant.retrieval.chunking import Article, article

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from research_assistant import db

SUFFIXES = (".md", ".markdown", ".txt")
MAX_FILE_BYTES = 2_000_000
SHOWN_SKIPPED = 5


@dataclass(slots=True)
class Summary:
    """What became of the files; `wrong` are sentences about files that should have been readable."""

    changed: int = 0
    unchanged: int = 0
    chunks: int = 0
    skipped: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [f"{self.changed} changed ({self.chunks} chunks)", f"{self.unchanged} unchanged"]
        if self.skipped:
            shown = ", ".join(self.skipped[:SHOWN_SKIPPED]) + (", ..." if len(self.skipped) > SHOWN_SKIPPED else "")
            parts.append(f"{len(self.skipped)} skipped ({shown})")
        if self.wrong:
            parts.append(f"{len(self.wrong)} not readable")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Source:
    """A file to ingest: `name` is what the document is known by."""

    path: Path
    name: str


async def ingest(pool: db.Pool, paths: Sequence[Path]) -> Summary:
    """Store every changed document below `paths` and print one line for each.

    An unreadable file does not stop the others: it is named in the summary. Raises UsageError for a missing path.
    """
    summary = Summary()
    known = await documents.digests(pool)
    for source in find(paths):
        if source.path.suffix.lower() not in SUFFIXES:
            summary.skipped.append(source.name)
            continue
        try:
            body = read(source)
        except UsageError as error:
            summary.wrong.append(str(error))
            continue
        if known.get(source.name) == documents.digest(body):
            summary.unchanged += 1
            continue
        made = article(body, default_title=source.path.stem)
        await _store(pool, source, body, made, new=source.name not in known)
        summary.changed += 1
        summary.chunks += len(made.chunks)
    return summary


async def _store(pool: db.Pool, source: Source, body: str, made: Article, *, new: bool) -> None:
    document_id = await documents.replace(pool, source.name, body, made)
    print(f"{'added' if new else 'replaced'} {source.name}: {document_id}, {len(made.chunks)} chunks")


def find(paths: Sequence[Path]) -> Iterator[Source]:
    """Yield the files at and below `paths`, sorted, each once; hidden ones and links to folders are left out."""
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise UsageError(f"not found: {', '.join(missing)}", where="ingest", next="give existing files or folders")
    seen: set[Path] = set()
    for path in paths:
        for file in [path] if path.is_file() else _below(path):
            resolved = file.resolve()
            if resolved not in seen:
                seen.add(resolved)
                yield Source(file, _name(resolved))


def _below(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (
            Path(where, name) for name in sorted(files) if not name.startswith(".") and Path(where, name).is_file()
        )


def _name(resolved: Path) -> str:
    """Return the path, relative to the working directory when below it: the name is the same on every machine."""
    here = Path.cwd().resolve()
    return (resolved.relative_to(here) if resolved.is_relative_to(here) else resolved).as_posix()


def read(source: Source) -> str:
    """Return the text of a file; raise UsageError naming it when it is too large, not UTF-8 or binary."""
    try:
        with source.path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=source.name) from error
    if len(data) > MAX_FILE_BYTES:
        raise UsageError(f"longer than {MAX_FILE_BYTES} bytes", where=source.name, next="split it")
    return decode(data, source.name)


def decode(data: bytes, where: str) -> str:
    """Return the text in bytes; raise UsageError when they are not UTF-8 or binary."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"not UTF-8 (byte {error.start})", where=where, next="convert it to UTF-8") from error
    if "\0" in text:
        raise UsageError("holds NUL characters: not text", where=where, next="remove it or rename it to its real type")
    return text.replace("\r\n", "\n")


def version(body: str, name: str, tenant: str, uploaded_by: str) -> documents.Version:
    """Return a tenant's upload as it is stored: cut into chunks, each with its embedding (a second a megabyte)."""
    made = article(body, default_title=PurePosixPath(name).stem)
    source = f"{tenant_documents.prefix(tenant)}{name}"
    return documents.Version(source, body, made, documents.embedded(made), tenant, uploaded_by)
