"""A prototype: what people typed, encrypted in its columns; only for `tests.bench.sealed_texts`.

`seal_columns` has to be called before anything but `bot.db.schema` is imported: statements that
are built on import keep the types of their columns.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Table, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from bot.clock import monotonic, random_bytes
from bot.db import schema

NONCE_BYTES = 12
#: Columns with what people typed.
TYPED = {
    "phase_drafts": ("content",),
    "phases": (
        *("milestone", "promise", "justification", "extension_reason"),
        *("outcome", "learning", "thanks", "how_we_work"),
    ),
    "phase_people": ("contribution", "expectation", "thanks_line"),
    "set_aside_items": ("text", "back_reason"),
    "hold_proposals": ("text", "answer"),
    "rounds": ("note",),
}
#: Messages on their way quote it.
QUOTED = {"messages": ("payload",)}
KEY = bytes(range(32))


@dataclass
class Spent:
    """How many values were encrypted and decrypted, and the seconds that took."""

    values: int = 0
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        self.values += 1
        self.seconds += seconds


spent = Spent()


class Sealed(TypeDecorator[Any]):
    """A value encrypted with AES-256-GCM and bound to its column, in a column of the same type."""

    cache_ok = True
    impl = Text  # replaced by that of each column

    def __init__(self, impl: TypeEngine[Any], place: str) -> None:
        self.place = place
        self.impl = self.impl_instance = impl  # type: ignore[assignment]
        self._cipher = AESGCM(KEY)

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        if value is None:
            return None
        began = monotonic()
        try:
            return sealed(self._cipher, value, self.place)
        finally:
            spent.add(monotonic() - began)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        if value is None:
            return None
        began = monotonic()
        try:
            return self._open(value)
        finally:
            spent.add(monotonic() - began)

    def _open(self, value: str) -> Any:
        raw = base64.b64decode(value)
        opened = self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], self.place.encode())
        return json.loads(opened)

    def copy(self, **_: Any) -> "Sealed":
        return Sealed(self.impl_instance, self.place)


def sealed(cipher: AESGCM, value: Any, place: str) -> str:
    nonce = random_bytes(NONCE_BYTES)
    text = json.dumps(value, ensure_ascii=False).encode()
    return base64.b64encode(nonce + cipher.encrypt(nonce, text, place.encode())).decode()


def columns(*, payloads: bool) -> list[tuple[Table, str]]:
    """Return the tables and names of the columns to encrypt."""
    chosen = TYPED | QUOTED if payloads else TYPED
    return [
        (schema.metadata.tables[table], name) for table, names in chosen.items() for name in names
    ]


def seal_columns(*, payloads: bool) -> None:
    """Let every statement built from now on encrypt and decrypt these columns."""
    for table, name in columns(payloads=payloads):
        column = table.c[name]
        column.type = Sealed(column.type, f"{table.name}.{name}")
