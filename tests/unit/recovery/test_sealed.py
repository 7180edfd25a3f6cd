from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.recovery.sealed import DamagedError, derive_key, seal, sealed_at, unseal

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


@given(st.binary(max_size=5000), st.floats(min_value=0, max_value=4e9))
def test_what_was_sealed_is_opened_with_its_name_and_key(content: bytes, at: float) -> None:
    opened = unseal(KEY, "wal/head", seal(KEY, "wal/head", content, at))
    assert opened.content == content
    assert opened.at == pytest.approx(at, abs=0.001)


@settings(max_examples=300)
@given(st.binary(min_size=1, max_size=300), st.data())
def test_no_changed_byte_goes_unnoticed(content: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal(KEY, "a", content, 1.0))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DamagedError):
        unseal(KEY, "a", bytes(sealed))


@given(st.binary(min_size=1, max_size=300), st.data())
def test_no_cut_goes_unnoticed(content: bytes, data: st.DataObject) -> None:
    sealed = seal(KEY, "a", content, 1.0)
    with pytest.raises(DamagedError):
        unseal(KEY, "a", sealed[: data.draw(st.integers(0, len(sealed) - 1))])


def test_another_files_content_is_named_as_such() -> None:
    with pytest.raises(DamagedError, match="another file's content: manifests/1"):
        unseal(KEY, "manifests/2", seal(KEY, "manifests/1", b"x", 1.0))


def test_another_key_opens_nothing() -> None:
    with pytest.raises(DamagedError, match="with this key"):
        unseal(OTHER, "a", seal(KEY, "a", b"x", 1.0))


def test_the_clear_header_tells_when_without_a_key() -> None:
    assert sealed_at(seal(KEY, "a", b"x", 12.5)) == 12.5


def test_the_content_does_not_show() -> None:
    assert b"postgres" not in seal(KEY, "a", b"postgres" * 100, 1.0)


def test_a_key_depends_on_password_and_salt() -> None:
    keys = {derive_key(b"a", b"1" * 16), derive_key(b"b", b"1" * 16), derive_key(b"a", b"2" * 16)}
    assert len(keys) == 3
    assert derive_key(b"a", b"1" * 16) in keys
