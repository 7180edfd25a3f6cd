from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from bongsu.core.emit import dump

SCALARS = (
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
    | st.integers(-(10**12), 10**12)
    | st.booleans()
    | st.none()
    | st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))
    | st.sampled_from(
        ["no", "1:30", "0600", "- x", "a: b", "a #b", "|", "it's", "a\n", "\n", "sum(\n  x\n)\n", "a\n\nb", "5m", "1e3"]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc-: ", min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from("abcde"), VALUES, min_size=1, max_size=4))
def test_what_is_dumped_is_read_back_by_another_parser(value: dict[str, object]) -> None:
    assert yaml.safe_load(dump(value)) == value


def test_rules_read_like_rules() -> None:
    rule = {
        "groups": [{"name": "g", "rules": [{"alert": "A", "expr": "a\nand\nb", "for": "5m", "value": 1.5, "l": []}]}]
    }
    assert dump(rule, "DO NOT EDIT") == (
        "# DO NOT EDIT\n"
        "groups:\n"
        "  - name: g\n"
        "    rules:\n"
        "      - alert: A\n"
        "        expr: |-\n"
        "          a\n"
        "          and\n"
        "          b\n"
        "        for: 5m\n"
        "        value: 1.5\n"
        "        l: []\n"
    )
