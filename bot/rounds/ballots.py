"""Ballots: one person's answers in a round, encrypted with a key that is kept elsewhere.

A ballot is stored under HMAC-SHA256(round secret, user id) and sealed with a key derived from the
same secret. The secret is wrapped by the round key of the day on which the round closes, which no
database and no backup holds, and which is deleted that night. No time, sequence or order of
insertion is stored. Closing a round counts the ballots and destroys them with the secret, in one
transaction.

No other package imports it; the import linter checks that.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    LargeBinary,
    RowMapping,
    Select,
    String,
    Table,
    and_,
    delete,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.checks.model import CHECK_KEY, CheckCounts
from bot.checks.rules import counts_of
from bot.clock import random_bytes, shuffled
from bot.db import schema
from bot.db.tenancy import across_workspaces
from bot.db.types import OwnId, SlackId
from bot.db.upserts import Row, padded, upsert, upsert_all
from bot.keys import KeyMissing, Wrapped
from bot.round_keys import KEY_ID_LENGTH, KeyUse, RoundKeys
from bot.rounds.ballot_crypto import SECRET_BYTES, Ballot, BallotCipher

LEVELS = range(1, 6)
_KEY_ID, _SEALED = "secret_key_id", "secret_sealed"


def _round_columns() -> tuple[Column[str], Column[str]]:
    return (
        Column("workspace_id", SlackId, primary_key=True),
        Column("round_id", OwnId, primary_key=True),
    )


def _round_reference() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["workspace_id", "round_id"],
        ["rounds.workspace_id", "rounds.round_id"],
        ondelete="CASCADE",
    )


_ballots = Table(
    "ballots",
    schema.metadata,
    *_round_columns(),
    Column("voter_token", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    _round_reference(),
    sqlite_with_rowid=False,
)

_secrets = Table(
    "round_secrets",
    schema.metadata,
    *_round_columns(),
    Column("key_id", String(KEY_ID_LENGTH), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    _round_reference(),
    sqlite_with_rowid=False,
)

TABLES = (_ballots, _secrets)

#: Why a ballot was not stored.
StoreError: TypeAlias = KeyMissing | ValueError


@dataclass(frozen=True, kw_only=True, eq=False)
class BallotChange:
    """A change of one person's ballot; `apply` is given an empty one where they have none yet."""

    workspace_id: str
    round_id: str
    user_id: str
    secret: Wrapped | None = field(repr=False)  # the round's; None if destroyed
    apply: Callable[[Ballot], Ballot] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """The totals of a round's ballots: no person, no order, no two answers together."""

    counts: Mapping[str, tuple[int, ...]]  # question -> how many chose 1, 2, 3, 4 and 5
    check: CheckCounts  # how many gave each answer; empty where nobody answered it
    ballots: int  # with at least one answer
    comments: tuple[str, ...]  # shuffled
    unreadable: int  # ballots whose key is missing, or that were tampered with


def _place(workspace_id: str, round_id: str) -> str:
    return f"{workspace_id}:{round_id}"


def _in_round(table: Table, workspace_id: str, round_id: str) -> Any:
    return (table.c.workspace_id == workspace_id) & (table.c.round_id == round_id)


async def create_secret(
    tx: AsyncConnection, keys: RoundKeys, workspace_id: str, round_id: str, closes_at: datetime
) -> None:
    """Create the secret of a round that opens, and the round key of its closing day.

    Raises:
        OSError: no key can be made.
    """
    secret, place = random_bytes(SECRET_BYTES), _place(workspace_id, round_id)
    wrapped = keys.wrap(secret, place, use=KeyUse.BALLOTS, day=closes_at.date())
    key = {"workspace_id": workspace_id, "round_id": round_id}
    await upsert(tx, _secrets, key, key_id=wrapped.key_id, sealed=wrapped.sealed)


def needed_keys(closing_after: datetime) -> Select[tuple[str]]:
    """Return the query of the keys of all open rounds that were to close after this time."""
    rounds = schema.rounds
    same = [_secrets.c[name] == rounds.c[name] for name in ("workspace_id", "round_id")]
    is_needed = (rounds.c.state == "open") & (rounds.c.closes_at > closing_after)
    return select(_secrets.c.key_id).join(rounds, and_(*same)).where(is_needed).distinct()


def with_secrets(rounds: Select[Any]) -> Select[Any]:
    """Add to a query of rounds the secret of each, still wrapped, for `secret_in` to read."""
    columns = _secrets.c.key_id.label(_KEY_ID), _secrets.c.sealed.label(_SEALED)
    same = [_secrets.c[name] == schema.rounds.c[name] for name in ("workspace_id", "round_id")]
    return rounds.add_columns(*columns).outerjoin(_secrets, and_(*same))


def secret_in(row: RowMapping) -> Wrapped | None:
    """Return the round's secret from a row of `with_secrets`; None if it was destroyed."""
    key_id, sealed = row[_KEY_ID], row[_SEALED]
    return None if key_id is None else Wrapped(key_id=key_id, sealed=sealed)


async def secret_of(tx: AsyncConnection, workspace_id: str, round_id: str) -> Wrapped | None:
    """Return the round's secret, still wrapped; None if it was destroyed."""
    query = select(_secrets).where(_in_round(_secrets, workspace_id, round_id))
    row = (await tx.execute(query)).first()
    return None if row is None else Wrapped(key_id=row.key_id, sealed=row.sealed)


async def change_all(
    tx: AsyncConnection, keys: RoundKeys, changes: Sequence[BallotChange]
) -> list[Ballot | StoreError]:
    """Change ballots in this order, and store them; return each as its change left it.

    The caller has locked the people's entries on the rounds' rosters. In place of a ballot that was
    not stored, its error is returned: KeyMissing where the key that protects the round is missing
    or the round was closed, ValueError where its secret or the earlier ballot was changed.
    """
    secrets = {(change.workspace_id, change.round_id): change.secret for change in changes}
    ciphers = {round_key: _cipher(keys, round_key, secret) for round_key, secret in secrets.items()}
    results: dict[BallotChange, Ballot | StoreError] = {}
    tokens: dict[BallotChange, tuple[BallotCipher, str]] = {}
    for change in changes:
        cipher = ciphers[change.workspace_id, change.round_id]
        if isinstance(cipher, BallotCipher):
            tokens[change] = cipher, cipher.voter_token(change.user_id)
        else:
            results[change] = cipher
    sealed = await _sealed_ballots(tx, {token: change for change, (_, token) in tokens.items()})
    current: dict[str, Ballot] = {}
    rows: list[Row] = []
    for change, (cipher, token) in tokens.items():
        try:
            if token not in current and token in sealed:
                current[token] = cipher.unseal(token, sealed[token])
        except ValueError as error:  # tampered with
            results[change] = error
            continue
        results[change] = current[token] = change.apply(current.get(token, Ballot()))
        rows.append(_row(cipher, change, token, current[token]))
    await upsert_all(tx, _ballots, rows)
    return [results[change] for change in changes]


async def _sealed_ballots(
    tx: AsyncConnection, changes: Mapping[str, BallotChange]
) -> dict[str, bytes]:
    """Return the stored ballots by voter token, given whose; no two rounds share a token."""
    if not changes:
        return {}
    rows = await tx.execute(
        across_workspaces(
            select(_ballots.c.voter_token, _ballots.c.sealed).where(
                _ballots.c.workspace_id.in_(
                    padded(change.workspace_id for change in changes.values())
                ),
                _ballots.c.round_id.in_(padded(change.round_id for change in changes.values())),
                _ballots.c.voter_token.in_(padded(changes)),
            ),
            "answers of several workspaces are committed together",
        )
    )
    return {row.voter_token: row.sealed for row in rows}


def _row(cipher: BallotCipher, change: BallotChange, voter_token: str, ballot: Ballot) -> Row:
    return {
        "workspace_id": change.workspace_id,
        "round_id": change.round_id,
        "voter_token": voter_token,
        "sealed": cipher.seal(voter_token, ballot),
    }


async def of_voter(
    tx: AsyncConnection, keys: RoundKeys, workspace_id: str, round_id: str, user_id: str
) -> Ballot | None:
    """Return the person's own ballot, so that they can change it; None where they sent none.

    Raises:
        KeyMissing: the key that protects this round is missing, or the round was closed.
    """
    cipher = await _open_cipher(tx, keys, workspace_id, round_id)
    voter_token = cipher.voter_token(user_id)
    sealed = (
        await tx.execute(
            select(_ballots.c.sealed).where(
                _in_round(_ballots, workspace_id, round_id), _ballots.c.voter_token == voter_token
            )
        )
    ).scalar()
    return None if sealed is None else cipher.unseal(voter_token, sealed)


async def who_responded(
    tx: AsyncConnection, keys: RoundKeys, workspace_id: str, round_id: str, user_ids: Iterable[str]
) -> frozenset[str]:
    """Return those who sent answers or skipped; used only to stop asking them.

    Raises:
        KeyMissing: the key that protects this round is missing, or the round was closed.
    """
    cipher = await _open_cipher(tx, keys, workspace_id, round_id)
    voters = {cipher.voter_token(user_id): user_id for user_id in user_ids}
    among_voters = _in_round(_ballots, workspace_id, round_id) & _ballots.c.voter_token.in_(
        padded(voters)
    )
    return frozenset(
        voters[token]
        for token in await tx.scalars(select(_ballots.c.voter_token).where(among_voters))
    )


async def count_and_destroy(
    tx: AsyncConnection, keys: RoundKeys, workspace_id: str, round_id: str
) -> Tally:
    """Count the ballots, then delete every one of them and the secret.

    The caller has locked the round's row FOR UPDATE and closes it in this transaction.
    """
    rows = (
        await tx.execute(
            select(_ballots.c.voter_token, _ballots.c.sealed).where(
                _in_round(_ballots, workspace_id, round_id)
            )
        )
    ).all()
    decrypted = await _decrypt_all(
        tx, keys, workspace_id, round_id, [(row[0], row[1]) for row in rows]
    )
    for table in TABLES:
        await tx.execute(delete(table).where(_in_round(table, workspace_id, round_id)))
    return _tally(decrypted, unreadable=len(rows) - len(decrypted))


async def is_key_missing(
    tx: AsyncConnection, keys: RoundKeys, workspace_id: str, round_id: str
) -> bool:
    """Return whether there are ballots and the key that protects them is missing."""
    any_ballot = (
        select(_ballots.c.voter_token).where(_in_round(_ballots, workspace_id, round_id)).limit(1)
    )
    if await tx.scalar(any_ballot) is None:
        return False
    try:
        await _open_cipher(tx, keys, workspace_id, round_id)
    except KeyMissing:
        return True
    except ValueError:  # tampered with
        return False
    return False


async def _open_cipher(
    tx: AsyncConnection, keys: RoundKeys, workspace_id: str, round_id: str
) -> BallotCipher:
    wrapped = await secret_of(tx, workspace_id, round_id)
    cipher = _cipher(keys, (workspace_id, round_id), wrapped)
    if isinstance(cipher, Exception):
        raise cipher
    return cipher


def _cipher(
    keys: RoundKeys, round_key: tuple[str, str], wrapped: Wrapped | None
) -> BallotCipher | KeyMissing | ValueError:
    """Return the cipher of a round, or the reason why there is none."""
    if wrapped is None:
        return KeyMissing("destroyed")
    place = _place(*round_key)
    try:
        return BallotCipher(context=place, secret=keys.unwrap(wrapped, place))
    except (KeyMissing, ValueError) as error:
        return error


async def _decrypt_all(
    tx: AsyncConnection,
    keys: RoundKeys,
    workspace_id: str,
    round_id: str,
    rows: Iterable[tuple[str, bytes]],
) -> list[Ballot]:
    try:
        cipher = await _open_cipher(tx, keys, workspace_id, round_id)
    except (KeyMissing, ValueError):
        return []
    decrypted = []
    for voter_token, sealed in rows:
        try:
            decrypted.append(cipher.unseal(voter_token, sealed))
        except ValueError:  # tampered with: not counted
            continue
    return decrypted


def _tally(decrypted: list[Ballot], *, unreadable: int) -> Tally:
    keys = sorted({key for ballot in decrypted for key in ballot.answers})
    chosen = {key: [ballot.answers.get(key) for ballot in decrypted] for key in keys}
    counts = {key: tuple(chosen[key].count(level) for level in LEVELS) for key in keys}
    check = counts.pop(CHECK_KEY, None)
    return Tally(
        counts=counts,
        check=counts_of(check) if check else {},
        ballots=sum(ballot.has_answer for ballot in decrypted),
        comments=tuple(shuffled(ballot.comment for ballot in decrypted if ballot.comment)),
        unreadable=unreadable,
    )
