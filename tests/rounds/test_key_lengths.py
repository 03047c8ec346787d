"""The lengths of secrets, keys and nonces: all of them strong, none of them short by a byte."""

from dataclasses import replace

import pytest

from bot import keys
from bot.db.engine import Database
from bot.rounds import ballots
from bot.rounds.ballot_crypto import Ballot, BallotCipher
from bot.rounds.messages import COMMENT_LIMIT
from tests.harness import KEYS, WORKSPACE
from tests.rounds.round_rows import NOW, ROUND, a_phase, a_round

NONCE_BYTES, TAG_BYTES = 12, 16  # of AES-GCM, as NIST SP 800-38D recommends


async def test_a_rounds_secret_has_256_bits(db: Database) -> None:
    async with db.transaction() as tx:
        await a_phase(tx)
        await a_round(tx)
        await ballots.create_secret(tx, KEYS, WORKSPACE, ROUND, NOW)
        wrapped = await ballots.secret_of(tx, WORKSPACE, ROUND)

    assert wrapped is not None
    assert len(KEYS.unwrap(wrapped, f"{WORKSPACE}:{ROUND}")) == 32
    assert len(wrapped.sealed) == NONCE_BYTES + 32 + TAG_BYTES


def test_ballots_are_sealed_with_a_key_of_256_bits_derived_from_the_secret() -> None:
    cipher = BallotCipher(context="T1:round", secret=bytes(32))

    assert len(cipher._key) == 32
    assert cipher._key != cipher.secret


@pytest.mark.parametrize("comment", ["", "x", "x" * 999, "👩" * COMMENT_LIMIT, '\\n"' * 500, "\0"])
def test_every_ballot_has_the_same_size_and_opens_again(comment: str) -> None:
    cipher = BallotCipher(context="T1:round", secret=bytes(32))
    answers = {"clarity": 3, "trust": None, "ego": 5, "check": None}
    ballot = Ballot(answers=answers, comment=comment)

    sealed = cipher.seal("token", ballot)

    assert len(sealed) == len(cipher.seal("token", Ballot()))
    assert cipher.unseal("token", sealed) == replace(ballot, comment=comment.rstrip("\0"))


def test_a_sealed_value_begins_with_a_fresh_nonce_of_96_bits() -> None:
    sealed = [keys.seal(bytes(32), b"value", b"here") for _ in range(50)]

    assert {len(each) for each in sealed} == {NONCE_BYTES + len(b"value") + TAG_BYTES}
    assert len({each[:NONCE_BYTES] for each in sealed}) == 50
