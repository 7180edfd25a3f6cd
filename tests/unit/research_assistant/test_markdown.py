from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from research_assistant.retrieval.markdown import Block, blocks, sentences

DOCUMENT = """\
---
owner: nobody
---
# Title

First line
second line.

- one item
  goes on
- another

> quoted
> words

<!-- a comment
over lines -->
| a | b |
| - | - |

```yaml
- type: probe

  run: it
```
***
The end.
"""


def test_a_document_is_cut_into_its_blocks() -> None:
    assert blocks(DOCUMENT) == [
        Block("heading", "Title", 1),
        Block("prose", "First line second line."),
        Block("item", "one item goes on"),
        Block("item", "another"),
        Block("prose", "quoted words"),
        Block("table", "| a | b |\n| - | - |"),
        Block("code", "- type: probe\n\n  run: it"),
        Block("prose", "The end."),
    ]


def test_an_open_fence_reaches_to_the_end_of_the_document() -> None:
    assert blocks("```\ncode\n# no heading") == [Block("code", "code\n# no heading")]


@given(st.text(alphabet="ab .!?#-*`~>|\n", max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    assert all(block.text.strip() for block in blocks(text) if block.kind != "heading")


@given(st.text(alphabet='ab .!?)"', max_size=200))
def test_sentences_joined_give_the_block_again(text: str) -> None:
    line = " ".join(text.split())
    assert " ".join(sentences(line)) == line


def test_abbreviations_do_not_end_a_sentence() -> None:
    assert sentences("Use a lock, e.g. a lease. It ends.") == ["Use a lock, e.g. a lease.", "It ends."]
