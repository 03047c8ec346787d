"""Encryption of ballots, given a round's secret. Pure; used by `ballots` only."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.checks.model import CHECK_KEY
from bot.keys import seal, unseal

SECRET_BYTES = 32
#: Bytes of every ballot before encryption, so that its size reveals nothing: the longest comment,
#: of 1,000 characters with four bytes each, and room for the answers.
PADDED_TO = 4_352
SEPARATOR, FILLER = b"\n", b"\0"


@dataclass(frozen=True, kw_only=True)
class Ballot:
    """One person's answers: a level per question, None for "can't say"; no key: not answered."""

    answers: Mapping[str, int | None] = field(default_factory=dict)
    comment: str = ""
    is_skipped: bool = False

    @property
    def has_answer(self) -> bool:
        """Return whether one of the three questions has a level."""
        return any(level is not None for key, level in self.answers.items() if key != CHECK_KEY)


@dataclass(frozen=True, kw_only=True)
class BallotCipher:
    """The cipher of one round's ballots, with its secret unwrapped."""

    context: str
    secret: bytes

    def voter_token(self, user_id: str) -> str:
        return hmac.new(self.secret, user_id.encode(), sha256).hexdigest()

    def seal(self, voter_token: str, ballot: Ballot) -> bytes:
        answers = {"answers": dict(ballot.answers), "skipped": ballot.is_skipped}
        value = json.dumps(answers).encode() + SEPARATOR + ballot.comment.encode()
        if len(value) > PADDED_TO:
            raise ValueError("a ballot is longer than all of them are padded to")
        padded = value.ljust(PADDED_TO, FILLER)
        return seal(self._key, padded, f"{self.context}:{voter_token}".encode())

    def unseal(self, voter_token: str, sealed: bytes) -> Ballot:
        value = unseal(self._key, sealed, f"{self.context}:{voter_token}".encode())
        answers, _, comment = value.partition(SEPARATOR)
        stored = json.loads(answers)
        return Ballot(
            answers=stored["answers"],
            comment=comment.rstrip(FILLER).decode(),
            is_skipped=stored["skipped"],
        )

    @cached_property
    def _key(self) -> bytes:
        return HKDF(SHA256(), length=32, salt=None, info=b"ballot").derive(self.secret)
