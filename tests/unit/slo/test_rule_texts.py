from __future__ import annotations

import pytest

from bongsu.slo.rule_texts import rule_texts

TEXT = """\
# head
groups:
  - name: g
    rules:
      - record: a
        expr: 'vector(1)'
      - record: b
        expr: |-
          - alert: not one
      - alert: C
        expr: a > 0
"""


def test_a_rule_file_is_cut_into_its_rules_and_put_together_again() -> None:
    rules = rule_texts(TEXT)
    assert len(rules.rules) == 3
    assert rules.file(*rules.rules) == TEXT


def test_rules_are_told_apart_by_what_they_record() -> None:
    rules = rule_texts(TEXT)
    assert rules.recordings("a", of=True) == (rules.rules[0],)
    assert rules.recordings("a", of=False) == (rules.rules[1],)
    assert rules.alerts() == (rules.rules[2],)


def test_a_file_without_rules_is_refused() -> None:
    with pytest.raises(ValueError, match="no rules"):
        rule_texts("groups: []\n")
