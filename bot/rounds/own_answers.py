"""The answers of people who may answer: read, and changed for many of them at once.

A member's are a ballot; a lead's are kept by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.upserts import upsert_all
from bot.keys import KeyMissing
from bot.round_keys import RoundKeys
from bot.rounds import ballots, store
from bot.rounds.answer_authorization import AuthorizedAnswer
from bot.rounds.answer_changes import AnswerChange, AnswerInput
from bot.rounds.ballot_crypto import Ballot
from bot.rounds.ballots import BallotChange
from bot.rounds.messages import KEY_MISSING
from bot.slack.errors import Refused
from bot.slack.request import Request


@dataclass(frozen=True, kw_only=True, eq=False)
class AcceptedChange:
    """A change that is to be stored."""

    request: Request
    authorized: AuthorizedAnswer
    change: AnswerChange

    @property
    def lead_key(self) -> tuple[str, str, str, str]:
        """The key of a lead's own answers in this round."""
        round_ = self.authorized.round
        workspace_id, user_id = self.request.workspace_id, self.request.user_id
        return workspace_id, round_.phase_id, round_.round_id, user_id


#: By change: the answers as it left them, or why they were not stored.
Stored: TypeAlias = dict[AcceptedChange, AnswerInput | Exception]


async def read(
    tx: AsyncConnection, keys: RoundKeys, request: Request, authorized: AuthorizedAnswer
) -> AnswerInput:
    """Return what this person answered so far.

    Raises:
        Refused: the key that protects the answers is missing.
    """
    round_ = authorized.round
    place = request.workspace_id, round_.round_id, request.user_id
    if authorized.person.is_lead:
        found = await store.reflection(
            tx, request.workspace_id, round_.phase_id, round_.round_id, request.user_id
        )
        return found or _blank(authorized)
    try:
        ballot = await ballots.of_voter(tx, keys, *place)
    except KeyMissing as error:
        raise Refused(KEY_MISSING) from error
    return AnswerInput() if ballot is None else _input_of(ballot)


async def change_all(
    tx: AsyncConnection, keys: RoundKeys, changes: Sequence[AcceptedChange]
) -> Stored:
    """Apply the changes in this order, in the same few statements however many they are."""
    leads = [change for change in changes if change.authorized.person.is_lead]
    members = [change for change in changes if not change.authorized.person.is_lead]
    return {
        **(await _change_reflections(tx, leads) if leads else {}),
        **(await _change_ballots(tx, keys, members) if members else {}),
    }


async def _change_ballots(
    tx: AsyncConnection, keys: RoundKeys, members: Sequence[AcceptedChange]
) -> Stored:
    results = await ballots.change_all(tx, keys, [_ballot_change(member) for member in members])
    return {
        member: _input_of(result)
        if isinstance(result, Ballot)
        else (Refused(KEY_MISSING) if isinstance(result, KeyMissing) else result)
        for member, result in zip(members, results, strict=True)
    }


def _ballot_change(accepted: AcceptedChange) -> BallotChange:
    def apply(ballot: Ballot) -> Ballot:
        changed = accepted.change.apply(_input_of(ballot))
        return Ballot(
            answers=changed.answers, comment=changed.comment, is_skipped=changed.is_skipped
        )

    return BallotChange(
        workspace_id=accepted.request.workspace_id,
        round_id=accepted.request.target_id,
        user_id=accepted.request.user_id,
        secret=accepted.authorized.secret,
        apply=apply,
    )


def _input_of(ballot: Ballot) -> AnswerInput:
    return AnswerInput(answers=ballot.answers, comment=ballot.comment, is_skipped=ballot.is_skipped)


async def _change_reflections(tx: AsyncConnection, leads: Sequence[AcceptedChange]) -> Stored:
    current = await store.reflections(tx, [lead.lead_key for lead in leads])
    stored: Stored = {}
    rows: list[dict[str, Any]] = []
    for lead in leads:
        earlier = current.get(lead.lead_key) or _blank(lead.authorized)
        changed = lead.change.apply(earlier)
        stored[lead] = current[lead.lead_key] = changed
        columns = zip(("workspace_id", "phase_id", "moment", "user_id"), lead.lead_key, strict=True)
        rows.append(
            {
                **dict(columns),
                "answers": dict(changed.answers),
                "shared": changed.shared,
                "skipped": changed.is_skipped,
            }
        )
    await upsert_all(tx, schema.reflections, rows)
    return stored


def _blank(authorized: AuthorizedAnswer) -> AnswerInput:
    """Return a lead's answers before the first one."""
    return AnswerInput(shared=authorized.questionnaire.is_shared_by_default)
