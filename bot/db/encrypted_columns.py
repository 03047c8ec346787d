"""Column types for what people typed: encrypted with the keys of IMBALANCE_KEYS.

A stored value names its key, and can be read in its own column only. No text, null or empty, is
stored as it is, so that statements can tell it from a text; they can compare nothing else.
"""

import base64
import binascii
import json
from typing import Any, cast

from sqlalchemy import Dialect, Text
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.types import TypeDecorator

from bot.keys import KeyMissing, KeyRing, Wrapped

SEPARATOR = ":"
#: The parts of a message that the keys of IMBALANCE_KEYS cannot open.
KEY_ID, SEALED = "key_id", "sealed"


def use_keys(engine: AsyncEngine, keys: KeyRing | None) -> None:
    """Let the encrypted columns of this engine use these keys; None: they can hold no text."""
    # A column type is given nothing but the values and the dialect, of which each engine has one.
    cast(Any, engine.dialect).key_ring = keys


def missing_key(error: BaseException) -> str | None:
    """Return the id of the missing key that an error is about; None: it is about something else."""
    cause = error.orig if isinstance(error, StatementError) else error
    return str(cause) if isinstance(cause, KeyMissing) else None


def written(wrapped: Wrapped) -> str:
    """Return a wrapped value as its column holds it."""
    return f"{wrapped.key_id}{SEPARATOR}{base64.b64encode(wrapped.sealed).decode()}"


def parsed(stored: str) -> Wrapped:
    """Return the wrapped value that a column holds.

    Raises:
        ValueError: it holds something else.
    """
    key_id, _, sealed = stored.partition(SEPARATOR)
    try:
        return Wrapped(key_id=key_id, sealed=base64.b64decode(sealed, validate=True))
    except binascii.Error as error:
        raise ValueError("not an encrypted value") from error


class EncryptedText(TypeDecorator[str]):
    """A text of people's, encrypted and bound to `place`, its table and column.

    Raises:
        KeyMissing: its key is not in IMBALANCE_KEYS.
        ValueError: the stored value was changed, or belongs to another column.
    """

    impl = Text
    cache_ok = True

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if not value:
            return value
        keys = _keys(dialect)
        if keys is None:
            raise KeyMissing("none")
        return written(keys.wrap(value.encode(), self.place))

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        if not value:
            return cast(str | None, value)
        wrapped, keys = parsed(value), _keys(dialect)
        if keys is None:
            raise KeyMissing(wrapped.key_id)
        return keys.unwrap(wrapped, self.place).decode()


class EncryptedJson(TypeDecorator[Any]):
    """The same for anything that JSON can express; None is null."""

    impl = Text
    cache_ok = True

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place
        self._text = EncryptedText(place)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        text = None if value is None else json.dumps(value, ensure_ascii=False)
        return self._text.process_bind_param(text, dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        text = self._text.process_result_value(value, dialect)
        return None if text is None else json.loads(text)


class EncryptedPayload(EncryptedJson):
    """A message, encrypted with the keys of IMBALANCE_KEYS, or before with one that they lack.

    What the keys cannot open is read as `{KEY_ID: ..., SEALED: ...}`, and written from that as it
    is: delivery has further keys, and a message that it cannot open delays no other.
    """

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is not None and SEALED in value:
            return f"{value[KEY_ID]}{SEPARATOR}{value[SEALED]}"
        return super().process_bind_param(value, dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        try:
            return super().process_result_value(value, dialect)
        except (KeyMissing, ValueError):
            key_id, _, sealed = value.partition(SEPARATOR)
            return {KEY_ID: key_id, SEALED: sealed}


def _keys(dialect: Dialect) -> KeyRing | None:
    keys: KeyRing | None = getattr(dialect, "key_ring", None)
    return keys
