"""Round keys: short-lived keys outside the database, for what must be unreadable afterwards.

A deleted row remains for weeks in a database's pages, its write-ahead log and its backups. What it
contained cannot be read from there once the key that wrapped it is gone. So each key is a file of
its own in ROUND_KEYS_DIR, serves one UTC day, and is deleted soon after that day.

Every process makes its own key where it finds none for the day: two that do so at the same time
leave two files, and each value names the key that wrapped it. Without a directory, the keys of
IMBALANCE_KEYS wrap instead; the operator keeps those, so old backups stay readable with them.
"""

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

from bot.clock import new_id, random_bytes
from bot.keys import KEY_BYTES, KeyMissing, KeyRing, Wrapped, seal, unseal
from bot.log import log

#: Characters of a key id: the longest use, a date, and a digest of the key.
KEY_ID_LENGTH = 40
DIGEST_LENGTH = 16
FOLDER_MODE, FILE_MODE = 0o700, 0o600
#: Precedes the name of a file that is being written.
_UNFINISHED = "."


class KeyUse(StrEnum):
    """The uses of round keys; each has files of its own, since they are deleted at other times."""

    BALLOTS = "ballots"  # of rounds that close on the key's day
    TEXTS = "texts"  # comments and concerns handed over on the key's day, until delivered


@dataclass(frozen=True, kw_only=True)
class KeyName:
    """The parts of a key id, which is also its file's name."""

    use: KeyUse
    day: date
    digest: str

    def __str__(self) -> str:
        return f"{_prefix(self.use, self.day)}{self.digest}"

    @classmethod
    def parse(cls, name: str) -> "KeyName | None":
        """Return the parts of a key id; None for anything else."""
        use, _, rest = name.partition("-")
        day, _, digest = rest.rpartition("-")
        try:
            return cls(use=KeyUse(use), day=date.fromisoformat(day), digest=digest)
        except ValueError:
            return None


class RoundKeys:
    """The round keys in `folder`; None: `fallback` wraps instead.

    `fallback` also unwraps what it wrapped before there was a folder.
    """

    def __init__(self, folder: Path | None, fallback: KeyRing) -> None:
        self._folder = folder
        self._fallback = fallback
        self._durable: set[str] = set()  # ids of keys known to be on disk, with their names

    @property
    def are_files(self) -> bool:
        """Whether the keys are files of their own, which are deleted after their day."""
        return self._folder is not None

    def prepare(self) -> None:
        """Make the folder, and check that keys can be made and deleted in it.

        Raises:
            OSError: they cannot.
        """
        if self._folder is None:
            return
        self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        trial = self._folder / f"{_UNFINISHED}{new_id()}"
        _write(trial, b"")
        trial.unlink()

    def wrap(self, value: bytes, context: str, *, use: KeyUse, day: date) -> Wrapped:
        """Wrap with the key of this UTC day, which is on disk before this returns.

        Raises:
            OSError: there is no such key, and none can be made.
        """
        if self._folder is None:
            return self._fallback.wrap(value, context)
        key_id = self._key_of(use, day)
        return Wrapped(key_id=key_id, sealed=seal(self._read(key_id), value, context.encode()))

    def unwrap(self, wrapped: Wrapped, context: str) -> bytes:
        """Return the value that was wrapped.

        Raises:
            KeyMissing: its key was deleted, or is in a directory that this process does not have.
            ValueError: the value was changed, or belongs to another context.
        """
        if KeyName.parse(wrapped.key_id) is None:
            return self._fallback.unwrap(wrapped, context)
        return unseal(self._read(wrapped.key_id), wrapped.sealed, context.encode())

    def before(self, day: date) -> frozenset[str]:
        """Return the ids of the keys of earlier days, and names of files never finished."""
        return frozenset(
            name for name in self._names() if (made_for := day_of_file(name)) and made_for < day
        )

    def delete(self, key_ids: Collection[str]) -> None:
        """Overwrite and delete these keys. Nothing that they wrapped can be read again.

        Raises:
            OSError: one of them may still be there.
        """
        if self._folder is None or not key_ids:
            return
        for key_id in key_ids:
            file = self._folder / key_id
            try:
                _overwrite(file)
                file.unlink()
            except FileNotFoundError:  # by another process
                continue
        _sync_folder(self._folder)
        self._durable.difference_update(key_ids)

    def _key_of(self, use: KeyUse, day: date) -> str:
        assert self._folder is not None
        prefix = _prefix(use, day)
        key_id = min((name for name in self._names() if name.startswith(prefix)), default=None)
        key_id = key_id or self._create(use, day)
        if key_id not in self._durable:  # another process may have written it a moment ago
            _sync_folder(self._folder)
            self._durable.add(key_id)
        return key_id

    def _create(self, use: KeyUse, day: date) -> str:
        assert self._folder is not None
        key = random_bytes(KEY_BYTES)
        key_id = str(KeyName(use=use, day=day, digest=_digest(key)))
        self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        unfinished = self._folder / f"{_UNFINISHED}{key_id}"
        _write(unfinished, key)
        unfinished.rename(self._folder / key_id)
        return key_id

    def _read(self, key_id: str) -> bytes:
        try:
            key = (self._folder / key_id).read_bytes() if self._folder else b""
        except OSError as error:
            raise KeyMissing(key_id) from error
        parsed = KeyName.parse(key_id)
        if parsed is None or parsed.digest != _digest(key):
            raise KeyMissing(key_id)
        return key

    def _names(self) -> Iterator[str]:
        if self._folder is not None and self._folder.exists():
            yield from (file.name for file in self._folder.iterdir())


def seal_text(keys: RoundKeys, text: str, context: str, day: date) -> dict[str, Any]:
    """Return the columns `key_id` and `sealed` of a text that is kept until it is delivered."""
    wrapped = keys.wrap(text.encode(), context, use=KeyUse.TEXTS, day=day)
    return {"key_id": wrapped.key_id, "sealed": wrapped.sealed}


def unseal_text(keys: RoundKeys, row: Any, context: str) -> str:
    """Return the text of a row with the columns of `seal_text`.

    Raises:
        KeyMissing, ValueError: as `RoundKeys.unwrap`.
    """
    return keys.unwrap(Wrapped(key_id=row.key_id, sealed=row.sealed), context).decode()


def readable_texts(keys: RoundKeys, rows: Iterable[Any], context: str) -> tuple[str, ...]:
    """Return the texts of rows with the columns of `seal_text`, if their key is not missing."""
    texts = []
    for row in rows:
        try:
            texts.append(unseal_text(keys, row, context))
        except (KeyMissing, ValueError):
            log.error("text_key_missing", keys=[row.key_id])
    return tuple(texts)


def _prefix(use: KeyUse, day: date) -> str:
    return f"{use}-{day.isoformat()}-"


def day_of_file(name: str) -> date | None:
    """Return the day of a key's file, finished or not; None of other files."""
    parsed = KeyName.parse(name.removeprefix(_UNFINISHED))
    return None if parsed is None else parsed.day


def _digest(key: bytes) -> str:
    return sha256(key).hexdigest()[:DIGEST_LENGTH]


def _write(file: Path, content: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())


def _overwrite(file: Path) -> None:
    """Overwrite the key, which its blocks keep otherwise where a file system writes in place."""
    with file.open("r+b") as handle:
        handle.write(random_bytes(KEY_BYTES))
        handle.flush()
        os.fsync(handle.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
