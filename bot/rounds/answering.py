"""Answering a round: send, change, skip. Each is saved and committed before Slack is told so.

An answer holds the round's row FOR SHARE and finds it open, closing holds it FOR UPDATE: no
answer can slip into a round that is being counted. What people send while others' answers are
being committed is kept in one transaction.
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
from bot.db.upserts import put_all
from bot.keys import KeyMissing
from bot.outbox import enqueue
from bot.outbox.keys import MessageKey, remind
from bot.rounds import ballots, messages, store
from bot.rounds.answer_authorization import AuthorizedAnswer, authorize_all
from bot.rounds.answer_form import AnswerInput
from bot.rounds.asking import ask_key
from bot.rounds.ballot_crypto import Ballot
from bot.rounds.ballots import Cast
from bot.rounds.model import QuestionnaireView, Round
from bot.services import Services
from bot.slack.content import Content
from bot.slack.errors import Refused
from bot.slack.request import Request

KEY_RETIRED = (
    "Nothing was saved: whoever runs the bot's server retired the key that protects these "
    "answers. Wait for the next questions; they will have a new one."
)
TOO_LONG = "Nothing was saved: the comment has {length} characters, and {limit} fit. Shorten it."


@dataclass(frozen=True, kw_only=True)
class _Pressed:
    """Send, with what was put in, or Skip (None)."""

    request: Request
    given: AnswerInput | None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Accepted:
    """What is to be kept of it."""

    request: Request
    found: AuthorizedAnswer
    given: AnswerInput | None


async def answer(services: Services, request: Request, given: AnswerInput) -> Content:
    """Keep what was given in place of what this person gave before; returns the receipt.

    Raises:
        Refused: the round is closed, or this person may not answer it (here).
    """
    return await services.db.together(_keep_all, services).do(
        _Pressed(request=request, given=given)
    )


async def skip(services: Services, request: Request) -> Content:
    """Remind this person no more; what they sent before stays. Returns what to show.

    Raises:
        Refused: the round is closed, or this person may not answer it (here).
    """
    return await services.db.together(_keep_all, services).do(_Pressed(request=request, given=None))


async def to_change(services: Services, request: Request) -> tuple[QuestionnaireView, AnswerInput]:
    """The questions and what this person gave before, for the form.

    Raises:
        Refused: the round is closed, or this person may not answer it (here).
    """
    async with services.db.reading() as reader:
        (found,) = await authorize_all(reader, [request], services.clock.now(), to_write=False)
        if isinstance(found, Refused):
            raise found
        before = await _given_before(reader, services, request, found)
        to_lead = found.person.is_lead
        asking = await store.put_to(reader, request.workspace_id, found.round, to_lead=to_lead)
    return asking, before


async def show(services: Services, request: Request, message: Content) -> None:
    """Show it in place of the question by an edit, because Slack did not take it directly."""
    async with services.db.transaction() as tx:
        person = await store.asked_person(
            tx, request.workspace_id, request.target_id, request.user_id
        )
        if person is None:
            return
        sent = [remind(request.target_id, request.user_id), ask_key(request.target_id, person)]
        await _show(tx, request.workspace_id, sent, message, services.clock.now())


async def _keep_all(
    tx: AsyncConnection, services: Services, many: Sequence[_Pressed]
) -> list[Content | Exception]:
    """What people pressed, in the same few statements however many they are."""
    now = services.clock.now()
    admitted = await authorize_all(tx, [one.request for one in many], now, to_write=True)
    checked = [_checked(one, found) for one, found in zip(many, admitted, strict=True)]
    accepted = [one for one in checked if isinstance(one, _Accepted)]
    await _reflect(tx, [one for one in accepted if one.found.person.is_lead])
    wrong = await _cast(tx, services, [one for one in accepted if not one.found.person.is_lead])
    if not any(map(_others, accepted)):
        skip_delivery_wakeup(tx)
    return [await _told(tx, one, wrong, now) for one in checked]


def _checked(pressed: _Pressed, found: AuthorizedAnswer | Refused) -> _Accepted | Refused:
    if isinstance(found, Refused):
        return found
    given = pressed.given
    if given is None:
        return _Accepted(request=pressed.request, found=found, given=None)
    if len(given.comment) > messages.COMMENT_LIMIT:
        block_id = messages.block_id(found.round.round_id, "comment")
        text = TOO_LONG.format(length=len(given.comment), limit=messages.COMMENT_LIMIT)
        return Refused(text, {block_id: text})
    asked = [question.key for question in found.round.questions]
    given = replace(given, answers={key: given.answers.get(key) for key in asked})
    return _Accepted(request=pressed.request, found=found, given=given)


async def _cast(
    tx: AsyncConnection, services: Services, members: Sequence[_Accepted]
) -> dict[_Accepted, Exception]:
    """Keep the ballots; returns those that could not be, and why."""
    if not members:
        return {}
    casts = [_ballot_of(one) for one in members]
    wrong = await ballots.cast_all(tx, services.keys, casts)
    return {
        one: Refused(KEY_RETIRED) if isinstance(error, KeyMissing) else error
        for one, error in zip(members, wrong, strict=True)
        if error is not None
    }


def _ballot_of(one: _Accepted) -> Cast:
    request, given = one.request, one.given
    return Cast(
        workspace_id=request.workspace_id,
        round_id=request.target_id,
        user_id=request.user_id,
        secret=one.found.secret,
        ballot=None if given is None else Ballot(answers=given.answers, comment=given.comment),
    )


async def _reflect(tx: AsyncConnection, leads: Sequence[_Accepted]) -> None:
    rows = [_reflection(one.request, one.found.round, one.given) for one in leads if one.given]
    await put_all(tx, schema.reflections, rows)
    for one in leads:
        if one.given is None:  # a lead's are named anyway, so no ballot has to hide it
            subject = str(RoundPerson(one.request.target_id, one.request.user_id))
            for action in (ActionName.ASK, ActionName.REMIND):
                await schedule.remove(tx, one.request.workspace_id, action=action, subject=subject)


def _reflection(request: Request, found: Round, given: AnswerInput) -> dict[str, Any]:
    return {
        "workspace_id": request.workspace_id,
        "phase_id": found.phase_id,
        "moment": found.round_id,
        "user_id": request.user_id,
        "answers": dict(given.answers),
        "shared": given.shared,
    }


async def _told(
    tx: AsyncConnection,
    one: _Accepted | Refused,
    wrong: dict[_Accepted, Exception],
    now: datetime,
) -> Content | Exception:
    """What the person is shown; messages they did not press in are edited to say it, too."""
    if isinstance(one, Refused):
        return one
    if one in wrong:
        return wrong[one]
    found = one.found.round
    if one.given is None:
        return messages.skipped(found.round_id, one.found.channel_id, found.closes_at)
    receipt = messages.received(found.round_id, one.found.channel_id, found.closes_at)
    await _show(tx, one.request.workspace_id, _others(one), receipt, now)
    return receipt


def _others(one: _Accepted) -> list[MessageKey]:
    """Messages to be edited: what was pressed in is replaced by its response_url, or stays."""
    if one.given is None:
        return []
    asked = ask_key(one.found.round.round_id, one.found.person)
    return [key for key in one.found.sent if one.request.message is None or key != asked]


async def _given_before(
    tx: AsyncConnection, services: Services, request: Request, found: AuthorizedAnswer
) -> AnswerInput:
    if found.person.is_lead:
        phase_id = found.round.phase_id
        kept = await store.reflection(
            tx, request.workspace_id, phase_id, request.target_id, request.user_id
        )
        return AnswerInput() if kept is None else AnswerInput(answers=kept[0], shared=kept[1])
    try:
        ballot = await ballots.of_voter(
            tx, services.keys, request.workspace_id, request.target_id, request.user_id
        )
    except KeyMissing as error:
        raise Refused(KEY_RETIRED) from error
    if ballot is None:
        return AnswerInput()
    return AnswerInput(answers=ballot.answers, comment=ballot.comment)


async def _show(
    tx: AsyncConnection,
    workspace_id: str,
    keys: Sequence[MessageKey],
    message: Content,
    now: datetime,
) -> None:
    for key in keys:
        await enqueue.edit(tx, workspace_id, of=key, content=message, now=now)
