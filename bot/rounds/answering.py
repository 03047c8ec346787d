"""Answering a round: send, change, skip. Each is committed before it is acknowledged to Slack.

An answer locks the round's row FOR SHARE and checks that it is open, closing locks it FOR UPDATE:
no answer can be added to a round that is being counted. What people send while others' answers
are being committed is stored in one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, RoundPerson
from bot.db import schema
from bot.db.engine import skip_delivery_wakeup
from bot.db.upserts import upsert_all
from bot.keys import KeyMissing
from bot.outbox import enqueue
from bot.outbox.keys import MessageKey, remind
from bot.rounds import ballots, messages, store
from bot.rounds.answer_authorization import AuthorizedAnswer, authorize_all
from bot.rounds.answer_form import AnswerInput
from bot.rounds.ballot_crypto import Ballot
from bot.rounds.ballots import BallotSubmission
from bot.rounds.model import QuestionnaireView, Round
from bot.rounds.question_sending import question_key
from bot.services import Services
from bot.slack.content import Content
from bot.slack.errors import Refused
from bot.slack.request import Request

KEY_MISSING = (
    "Nothing was saved: the key that protects these answers is missing on the bot's server. Tell "
    "whoever runs it, or wait for the next questions; they will have a new one."
)
TOO_LONG = "Nothing was saved: the comment has {length} characters, and {limit} fit. Shorten it."


@dataclass(frozen=True, kw_only=True)
class _Submission:
    """A press of Send with its input, or of Skip (`given` is None)."""

    request: Request
    given: AnswerInput | None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Accepted:
    """A submission that is to be stored."""

    request: Request
    authorized: AuthorizedAnswer
    given: AnswerInput | None


async def answer(services: Services, request: Request, given: AnswerInput) -> Content:
    """Store the answers in place of this person's earlier ones, and return the receipt.

    Raises:
        Refused: the round is closed, or this person may not answer it, or not in this message.
    """
    return await services.db.group_commit(_store_all, services).submit(
        _Submission(request=request, given=given)
    )


async def skip(services: Services, request: Request) -> Content:
    """Stop reminding this person, keep their earlier answers, and return what to show.

    Raises:
        Refused: the round is closed, or this person may not answer it, or not in this message.
    """
    return await services.db.group_commit(_store_all, services).submit(
        _Submission(request=request, given=None)
    )


async def questionnaire_to_change(
    services: Services, request: Request
) -> tuple[QuestionnaireView, AnswerInput]:
    """Return the questions and this person's earlier answers, for the form.

    Raises:
        Refused: the round is closed, or this person may not answer it, or not in this message.
    """
    async with services.db.reading() as reader:
        (authorized,) = await authorize_all(reader, [request], services.clock.now(), to_write=False)
        if isinstance(authorized, Refused):
            raise authorized
        earlier = await _earlier_input(reader, services, request, authorized)
        to_lead = authorized.person.is_lead
        asking = await store.load_questionnaire(
            reader, request.workspace_id, authorized.round, to_lead=to_lead
        )
    return asking, earlier


async def edit_question_message(services: Services, request: Request, message: Content) -> None:
    """Replace the question with `message` by an edit, because Slack did not accept it directly."""
    async with services.db.transaction() as tx:
        person = await store.roster_entry(
            tx, request.workspace_id, request.target_id, request.user_id
        )
        if person is None:
            return
        message_keys = [
            remind(request.target_id, request.user_id),
            question_key(request.target_id, person),
        ]
        await _edit_messages(tx, request.workspace_id, message_keys, message, services.clock.now())


async def _store_all(
    tx: AsyncConnection, services: Services, submissions: Sequence[_Submission]
) -> list[Content | Exception]:
    """Store the submissions, in the same few statements however many they are."""
    now = services.clock.now()
    authorizations = await authorize_all(
        tx, [submission.request for submission in submissions], now, to_write=True
    )
    results = [
        _check(submission, authorization)
        for submission, authorization in zip(submissions, authorizations, strict=True)
    ]
    accepted = [submission for submission in results if isinstance(submission, _Accepted)]
    await _store_reflections(
        tx, [submission for submission in accepted if submission.authorized.person.is_lead]
    )
    failures = await _cast_ballots(
        tx,
        services,
        [submission for submission in accepted if not submission.authorized.person.is_lead],
    )
    if not any(map(_messages_to_edit, accepted)):
        skip_delivery_wakeup(tx)
    return [await _response(tx, submission, failures, now) for submission in results]


def _check(
    submission: _Submission, authorization: AuthorizedAnswer | Refused
) -> _Accepted | Refused:
    if isinstance(authorization, Refused):
        return authorization
    given = submission.given
    if given is None:
        return _Accepted(request=submission.request, authorized=authorization, given=None)
    if len(given.comment) > messages.COMMENT_LIMIT:
        block_id = messages.block_id(authorization.round.round_id, "comment")
        text = TOO_LONG.format(length=len(given.comment), limit=messages.COMMENT_LIMIT)
        return Refused(text, {block_id: text})
    asked = [question.key for question in authorization.round.questions]
    given = replace(given, answers={key: given.answers.get(key) for key in asked})
    return _Accepted(request=submission.request, authorized=authorization, given=given)


async def _cast_ballots(
    tx: AsyncConnection, services: Services, members: Sequence[_Accepted]
) -> dict[_Accepted, Exception]:
    """Store the ballots; return those that could not be stored, and why."""
    if not members:
        return {}
    casts = [_cast_of(member) for member in members]
    errors = await ballots.store_all(tx, services.keys, casts)
    return {
        member: Refused(KEY_MISSING) if isinstance(error, KeyMissing) else error
        for member, error in zip(members, errors, strict=True)
        if error is not None
    }


def _cast_of(accepted: _Accepted) -> BallotSubmission:
    request, given = accepted.request, accepted.given
    return BallotSubmission(
        workspace_id=request.workspace_id,
        round_id=request.target_id,
        user_id=request.user_id,
        secret=accepted.authorized.secret,
        ballot=None if given is None else Ballot(answers=given.answers, comment=given.comment),
    )


async def _store_reflections(tx: AsyncConnection, leads: Sequence[_Accepted]) -> None:
    rows = [
        _reflection(lead.request, lead.authorized.round, lead.given) for lead in leads if lead.given
    ]
    await upsert_all(tx, schema.reflections, rows)
    for lead in leads:
        if lead.given is None:  # leads answer by name anyway, so no ballot has to hide it
            subject = str(RoundPerson(lead.request.target_id, lead.request.user_id))
            for action in (ActionName.ASK, ActionName.REMIND):
                await schedule.remove(tx, lead.request.workspace_id, action=action, subject=subject)


def _reflection(request: Request, round_: Round, given: AnswerInput) -> dict[str, Any]:
    return {
        "workspace_id": request.workspace_id,
        "phase_id": round_.phase_id,
        "moment": round_.round_id,
        "user_id": request.user_id,
        "answers": dict(given.answers),
        "shared": given.shared,
    }


async def _response(
    tx: AsyncConnection,
    result: _Accepted | Refused,
    failures: dict[_Accepted, Exception],
    now: datetime,
) -> Content | Exception:
    """Return what the person is shown, and edit their other messages to say it, too."""
    if isinstance(result, Refused):
        return result
    if result in failures:
        return failures[result]
    round_ = result.authorized.round
    if result.given is None:
        return messages.skipped(round_.round_id, result.authorized.channel_id, round_.closes_at)
    receipt = messages.receipt(round_.round_id, result.authorized.channel_id, round_.closes_at)
    await _edit_messages(tx, result.request.workspace_id, _messages_to_edit(result), receipt, now)
    return receipt


def _messages_to_edit(accepted: _Accepted) -> list[MessageKey]:
    """Return the messages to edit; the one pressed in is replaced by its response_url, or stays."""
    if accepted.given is None:
        return []
    asked = question_key(accepted.authorized.round.round_id, accepted.authorized.person)
    return [
        key for key in accepted.authorized.sent if accepted.request.message is None or key != asked
    ]


async def _earlier_input(
    tx: AsyncConnection, services: Services, request: Request, authorized: AuthorizedAnswer
) -> AnswerInput:
    if authorized.person.is_lead:
        phase_id = authorized.round.phase_id
        reflection = await store.reflection(
            tx, request.workspace_id, phase_id, request.target_id, request.user_id
        )
        return (
            AnswerInput()
            if reflection is None
            else AnswerInput(answers=reflection[0], shared=reflection[1])
        )
    try:
        ballot = await ballots.of_voter(
            tx, services.keys, request.workspace_id, request.target_id, request.user_id
        )
    except KeyMissing as error:
        raise Refused(KEY_MISSING) from error
    if ballot is None:
        return AnswerInput()
    return AnswerInput(answers=ballot.answers, comment=ballot.comment)


async def _edit_messages(
    tx: AsyncConnection,
    workspace_id: str,
    keys: Sequence[MessageKey],
    message: Content,
    now: datetime,
) -> None:
    for key in keys:
        await enqueue.edit(tx, workspace_id, of=key, content=message, now=now)
