"""The lengths of secrets, keys and nonces: all of them strong, none of them short by a byte."""

from bot import keys
from bot.db.engine import Database
from bot.rounds import ballots
from bot.rounds.ballot_crypto import Ballot, BallotCipher
from tests.harness import WORKSPACE
from tests.rounds.round_rows import ROUND, a_phase, a_round

RING = keys.KeyRing([bytes(range(32))])
NONCE_BYTES, TAG_BYTES = 12, 16  # of AES-GCM, as NIST SP 800-38D recommends


async def test_a_rounds_secret_has_256_bits(db: Database) -> None:
    async with db.transaction() as tx:
        await a_phase(tx)
        await a_round(tx)
        await ballots.create_secret(tx, RING, WORKSPACE, ROUND)
        wrapped = await ballots.secret_of(tx, WORKSPACE, ROUND)

    assert wrapped is not None
    assert len(RING.unwrap(wrapped, f"{WORKSPACE}:{ROUND}")) == 32
    assert len(wrapped.sealed) == NONCE_BYTES + 32 + TAG_BYTES


def test_ballots_are_sealed_with_a_key_of_256_bits_derived_from_the_secret() -> None:
    cipher = BallotCipher(context="T1:round", secret=bytes(32))

    assert len(cipher._key) == 32
    assert cipher._key != cipher.secret


def test_a_ballot_is_padded_to_a_kilobyte() -> None:
    cipher = BallotCipher(context="T1:round", secret=bytes(32))
    sizes = {
        len(cipher.seal("token", Ballot(answers={"trust": 3}, comment="x" * length)))
        for length in (0, 1, 500, 900)
    }

    assert sizes == {NONCE_BYTES + 1024 + TAG_BYTES}


def test_a_sealed_value_begins_with_a_fresh_nonce_of_96_bits() -> None:
    sealed = [keys.seal(bytes(32), b"value", b"here") for _ in range(50)]

    assert {len(each) for each in sealed} == {NONCE_BYTES + len(b"value") + TAG_BYTES}
    assert len({each[:NONCE_BYTES] for each in sealed}) == 50
