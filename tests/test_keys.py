"""KeyRing: a wrapped value unwraps only with its key and in its context."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.keys import KeyMissing, KeyRing, Wrapped

OLD, NEW = bytes(32), bytes([1]) * 32


@given(st.binary(max_size=200), st.text(max_size=20))
def test_wrapped_value_unwraps_in_its_context(value: bytes, context: str) -> None:
    ring = KeyRing([NEW, OLD])

    wrapped = ring.wrap(value, context)
    assert ring.unwrap(wrapped, context) == value
    assert value not in wrapped.sealed or len(value) < 8


def test_older_key_still_unwraps_and_the_newest_wraps() -> None:
    wrapped = KeyRing([OLD]).wrap(b"secret", "here")
    both = KeyRing([NEW, OLD])

    assert both.unwrap(wrapped, "here") == b"secret"
    assert both.wrap(b"secret", "here").key_id != wrapped.key_id


def test_unwrapping_with_a_retired_key_raises_key_missing() -> None:
    wrapped = KeyRing([OLD]).wrap(b"secret", "here")

    with pytest.raises(KeyMissing):
        KeyRing([NEW]).unwrap(wrapped, "here")


@pytest.mark.parametrize("where", ["there", "here"])
def test_tampered_value_or_one_from_another_context_does_not_unwrap(where: str) -> None:
    wrapped = KeyRing([OLD]).wrap(b"secret", "here")
    changed = wrapped.sealed[:-1] + bytes([wrapped.sealed[-1] ^ 1])
    sealed = changed if where == "here" else wrapped.sealed

    with pytest.raises(ValueError, match="another"):
        KeyRing([OLD]).unwrap(Wrapped(key_id=wrapped.key_id, sealed=sealed), where)


def test_wrapping_a_value_twice_gives_different_results() -> None:
    ring = KeyRing([OLD])

    assert ring.wrap(b"4", "here").sealed != ring.wrap(b"4", "here").sealed
