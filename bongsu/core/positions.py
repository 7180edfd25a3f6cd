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
    before = value[:offset]
    line, column = before.count("\n"), offset - (before.rfind("\n") + 1)
    text = value.split("\n")[line]
    if rows[span.line - 1][span.column - 1 :][:1] in ("|", ">"):
        # The loader strips blank lines around the text: its first line is the first that is not blank.
        row = line + next((i for i in range(span.line, len(rows)) if rows[i].strip()), span.line)
        begin = rows[row].find(text) if row < len(rows) else -1
    else:
        row, begin = span.line - 1, rows[span.line - 1].find(text, span.column - 1)
    return Span(span.file, row + 1, begin + column + 1, max(1, width)) if begin >= 0 else span
