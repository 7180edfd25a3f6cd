"""Find a place inside a YAML scalar in the file that holds it: the caret under a PromQL error."""

from __future__ import annotations

from bongsu.core.diagnostics import Span


def inside(source: str, span: Span, value: str, offset: int, width: int = 1) -> Span:
    """Return where `value[offset]` stands in `source`, given where its YAML scalar starts.

    Literal blocks, plain and quoted scalars are followed to the character; a folded or escaped text that cannot be
    followed keeps the position of its scalar.
    """
    rows = source.splitlines()
    if not 0 < span.line <= len(rows):
        return span
    opening = rows[span.line - 1][span.column - 1 :]
    line, column = value.count("\n", 0, offset), offset - (value.rfind("\n", 0, offset) + 1)
    if opening[:1] in ("|", ">"):
        # The loader strips blank lines around the text: its first line is the first that is not blank.
        first = next((i for i in range(span.line, len(rows)) if rows[i].strip()), span.line)
        found = _on_row(span.file, rows, first + line, value.split("\n")[line], column, width)
    else:
        found = _on_row(span.file, rows, span.line - 1, value.split("\n")[line], column, width, span.column - 1)
    return found or span


def _on_row(file: str, rows: list[str], row: int, text: str, column: int, width: int, start: int = 0) -> Span | None:
    if row >= len(rows):
        return None
    begin = rows[row].find(text, start)
    return Span(file, row + 1, begin + column + 1, max(1, width)) if begin >= 0 else None
