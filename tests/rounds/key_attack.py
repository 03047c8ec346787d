"""An attack on answers: everything a thief of the database finds, with every key that is left.

The thief knows the formats and who was asked. Where a value is spread over pages, its beginning is
decrypted without its authentication tag, so that a fragment suffices.
"""

import asyncio
import base64
import hmac
import re
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from sqlalchemy import text
from sqlalchemy.engine import make_url

from bot.db.engine import Database
from bot.keys import NONCE_BYTES, unseal
from bot.rounds.ballot_crypto import SECRET_BYTES, BallotCipher
from tests import postgres

KEY_ID = rb"(?:ballots|texts)-\d{4}-\d\d-\d\d-[0-9a-f]{16}|(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])"
SEALED_SECRET = NONCE_BYTES + SECRET_BYTES + 16
#: Between a value and the next one: a length, a tab, or a quotation mark.
GAP = 12
#: Before the first chunk of a value that PostgreSQL stores out of line: number 0, and its length.
FIRST_CHUNK = b"\0\0\0\0\x40\x1f\0\0"
BALLOT = b'{"answers": {"'
FRAGMENT = 120


@dataclass(frozen=True, kw_only=True)
class Loot:
    """What the attack read."""

    answers: frozenset[bytes]  # the beginning of each ballot
    voters: frozenset[str]  # the people known to have answered
    texts: int  # comments and concerns, or messages with them

    def __bool__(self) -> bool:
        return bool(self.answers or self.voters or self.texts)


def attack(
    evidence: bytes,
    keys: Mapping[str, bytes],
    rounds: Iterable[tuple[str, str]],
    people: Sequence[str],
    sentinel: bytes,
) -> Loot:
    """Return what can be read in the evidence with these keys, by their ids."""
    answers, voters, texts = set(), set(), 0
    for key, after in _wrapped(evidence, keys):
        texts += any(sentinel in found for found in _texts(key, after))
        for context in rounds:
            for secret in _secrets(key, after, ":".join(context).encode()):
                cipher = BallotCipher(context="", secret=secret)
                tokens = {_token(secret, user_id): user_id for user_id in people}
                voters |= {user_id for token, user_id in tokens.items() if token in evidence}
                answers |= set(_ballots(cipher._key, evidence, tokens))
    return Loot(answers=frozenset(answers), voters=frozenset(voters), texts=texts)


def _wrapped(evidence: bytes, keys: Mapping[str, bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield each key and what follows its id."""
    for match in re.finditer(KEY_ID, evidence):
        key = keys.get(match.group().decode())
        if key is not None:
            yield key, evidence[match.end() : match.end() + 4_000]


def _secrets(key: bytes, after: bytes, context: bytes) -> Iterator[bytes]:
    for start in range(GAP):
        try:
            yield unseal(key, after[start : start + SEALED_SECRET], context)
        except ValueError:
            continue


def _ballots(key: bytes, evidence: bytes, tokens: Iterable[bytes]) -> Iterator[bytes]:
    for token in (*tokens, FIRST_CHUNK):
        for match in re.finditer(re.escape(token), evidence):
            gap = 1 if token == FIRST_CHUNK else GAP
            for start in range(match.end(), match.end() + gap):
                beginning = _decrypted(key, evidence[start : start + FRAGMENT])
                if beginning.startswith(BALLOT):
                    yield beginning.partition(b"\n")[0]


def _texts(key: bytes, after: bytes) -> Iterator[bytes]:
    for start in range(GAP):
        yield _decrypted(key, after[start : start + FRAGMENT])
    encoded = re.search(rb'"sealed": ?"([A-Za-z0-9+/]+)', after)
    if encoded:
        whole = len(encoded[1]) // 4 * 4
        yield _decrypted(key, base64.b64decode(encoded[1][:whole]))


def _decrypted(key: bytes, sealed: bytes) -> bytes:
    """Decrypt the beginning of what AES-GCM encrypted, without its tag."""
    nonce, encrypted = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    if len(nonce) < NONCE_BYTES:
        return b""
    return Cipher(AES(key), CTR(nonce + b"\0\0\0\2")).decryptor().update(encrypted)


def _token(secret: bytes, user_id: str) -> bytes:
    return hmac.new(secret, user_id.encode(), sha256).hexdigest().encode()


async def evidence_of(db: Database, server: postgres.OwnServer | None) -> dict[str, bytes]:
    """Return the files of the database and a dump of it, by what they are."""
    if server is None:
        file = Path(make_url(str(db.engine.url)).database or "")
        files = sorted(file.parent.glob(f"{file.name}*"))
        with sqlite3.connect(file) as connection:
            dump = "\n".join(connection.iterdump())
        return {"files": _bytes_of(files), "dump": _hex_decoded(dump)}
    async with db.engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await autocommit.execute(text("CHECKPOINT"))
        oid = await autocommit.scalar(
            text("SELECT oid FROM pg_database WHERE datname = current_database()")
        )
    data = server.home / "data"
    url = make_url(str(db.engine.url))
    program = postgres.binaries() / "pg_dump"
    command = [program, "-h", server.home, "-U", "postgres", url.database or ""]
    dump = await asyncio.to_thread(_output_of, command)
    return {
        "files": _bytes_of((data / "base" / str(oid)).iterdir()),  # indexes are among them
        "log": _bytes_of(file for file in (data / "pg_wal").iterdir() if file.is_file()),
        "dump": _hex_decoded(dump),
    }


def _output_of(command: list[Any]) -> str:
    return subprocess.check_output(command, text=True)


def _bytes_of(files: Iterable[Path]) -> bytes:
    return b"".join(file.read_bytes() for file in files)


def _hex_decoded(dump: str) -> bytes:
    """Return a dump with its bytes as they are stored."""
    return re.sub(
        rb"(?:\\\\x|X')([0-9A-Fa-f]{32,})'?",
        lambda match: bytes.fromhex(match[1].decode()),
        dump.encode(),
    )
