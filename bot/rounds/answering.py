"""Answering a round: taps, forms and skips, each committed before it is acknowledged to Slack.

An answer locks the round's row FOR SHARE and checks that it is open, closing locks it FOR UPDATE:
no answer can be added to a round that is being counted. What people send while others' answers
are being committed is stored in one transaction.

The same transaction enqueues the edits of the person's messages, as they are after the answer. The
message pressed in is also replaced at once through its response_url, so its edit waits until that
has ended one way or the other, and for further taps: whatever gets lost, comes late or overtakes
another, the last to arrive is an edit that shows what is stored.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.engine import skip_delivery_wakeup
from bot.outbox import enqueue
from bot.outbox.enqueue import SentMessageEdit
from bot.outbox.keys import MessageKey, MessageKind, remind
from bot.round_keys import RoundKeys
from bot.rounds import messages, own_answers, store
from bot.rounds.answer_authorization import AuthorizedAnswer, authorize_all
from bot.rounds.answer_changes import (
    NOTHING_YET,
    AnswerChange,
    AnswerInput,
    CommentInput,
    FormInput,
    Progress,
    Tap,
)
from bot.rounds.model import OpenQuestionnaire, QuestionnaireView
from bot.rounds.own_answers import AcceptedChange
from bot.rounds.question_sending import question_key
from bot.services import Services
from bot.slack.content import Content
from bot.slack.errors import Refused
from bot.slack.inputs import UNKNOWN_TEXT
from bot.slack.request import Request
from bot.workspaces.rules import TEXT_TOO_LONG

#: A response_url is waited for no longer than two seconds.
EDIT_AFTER = timedelta(seconds=4)


@dataclass(frozen=True, kw_only=True)
class _Submission:
    request: Request
    change: AnswerChange


@dataclass(frozen=True, kw_only=True)
class Redraw:
    """The message pressed in, as it is after the answer."""

    content: Content
    closes_at: datetime


async def change(services: Services, request: Request, answer_change: AnswerChange) -> Redraw:
    """Store the change of this person's answers, and return what to show.

    Raises:
        Refused: the round is closed, or this person may not answer it, or not in this message.
    """
    return await services.db.group_commit(_store_all, services).submit(
        _Submission(request=request, change=answer_change)
    )


async def questionnaire_to_change(
    services: Services, request: Request
) -> tuple[QuestionnaireView, AnswerInput]:
    """Return the questions and this person's earlier answers, for a form.

    Raises:
        Refused: the round is closed, or this person may not answer it, or not in this message.
    """
    async with services.db.reading() as reader:
        (authorized,) = await authorize_all(reader, [request], services.clock.now(), to_write=False)
        if isinstance(authorized, Refused):
            raise authorized
        earlier = await own_answers.read(reader, services.keys, request, authorized)
    return authorized.questionnaire, earlier


async def open_questionnaires_for(
    tx: AsyncConnection, workspace_id: str, user_id: str, keys: RoundKeys, now: datetime
) -> tuple[OpenQuestionnaire, ...]:
    """Return the rounds this person may answer now, the one that closes first in front."""
    requests = [
        Request(workspace_id=workspace_id, user_id=user_id, target_id=round_.round_id)
        for round_ in await store.open_rounds_of(tx, workspace_id, user_id)
    ]
    if not requests:
        return ()
    authorizations = await authorize_all(tx, requests, now, to_write=False)
    return tuple(
        [
            OpenQuestionnaire(
                questionnaire=authorized.questionnaire,
                progress=await _progress(tx, keys, request, authorized),
            )
            for request, authorized in zip(requests, authorizations, strict=True)
            if isinstance(authorized, AuthorizedAnswer)
        ]
    )


async def redraw(services: Services, request: Request) -> None:
    """Edit this person's messages about the round so that they show what is stored.

    For a message whose replacement failed, may still arrive, or arrived after the questions closed.
    """
    now = services.clock.now()
    async with services.db.transaction() as tx:
        (authorized,) = await authorize_all(tx, [request], now, to_write=True)
        if isinstance(authorized, Refused):
            await _redraw_closed(tx, request, now)
            return
        progress = await _progress(tx, services.keys, request, authorized)
        await _edit_messages(tx, [(request, authorized, progress)], now, now + EDIT_AFTER)


async def _store_all(
    tx: AsyncConnection, services: Services, submissions: Sequence[_Submission]
) -> list[Redraw | Exception]:
    """Store the submissions, in the same few statements however many they are."""
    now = services.clock.now()
    authorizations = await authorize_all(
        tx, [submission.request for submission in submissions], now, to_write=True
    )
    checked = [
        _check(submission, authorization)
        for submission, authorization in zip(submissions, authorizations, strict=True)
    ]
    accepted = [result for result in checked if isinstance(result, AcceptedChange)]
    stored = await own_answers.change_all(tx, services.keys, accepted)
    shown = [
        (change.request, change.authorized, answers.progress)
        for change, answers in stored.items()
        if isinstance(answers, AnswerInput)
    ]
    # Where nothing was pressed in a message, nothing else shows the answer.
    pressed = [part for part in shown if part[0].message is not None]
    elsewhere = [part for part in shown if part[0].message is None]
    await _edit_messages(tx, elsewhere, now, now)
    await _edit_messages(tx, pressed, now, now + EDIT_AFTER)
    if not any(authorized.sent for _, authorized, _ in elsewhere):
        skip_delivery_wakeup(tx)
    return [
        _redraw(result, stored[result]) if isinstance(result, AcceptedChange) else result
        for result in checked
    ]


def _check(
    submission: _Submission, authorization: AuthorizedAnswer | Refused
) -> AcceptedChange | Refused:
    if isinstance(authorization, Refused):
        return authorization
    asked = authorization.questionnaire
    change = submission.change
    if isinstance(change, Tap) and not asked.offers(change.key, change.level):
        return Refused(UNKNOWN_TEXT)
    comment = ""
    if isinstance(change, FormInput):
        comment = change.given.comment
        given = change.given.answers.items()
        answers = {key: level for key, level in given if asked.offers(key, level)}
        change = FormInput(given=replace(change.given, answers=answers))
    elif isinstance(change, CommentInput):
        comment = change.comment
    if len(comment) > messages.COMMENT_LIMIT:
        block_id = messages.block_id(authorization.round.round_id, "comment")
        text = TEXT_TOO_LONG.format(length=len(comment), limit=messages.COMMENT_LIMIT)
        return Refused(text, {block_id: text})
    return AcceptedChange(request=submission.request, authorized=authorization, change=change)


def _redraw(accepted: AcceptedChange, stored: AnswerInput | Exception) -> Redraw | Exception:
    if isinstance(stored, Exception):
        return stored
    authorized = accepted.authorized
    pressed = [key for key, place in authorized.sent.items() if place == accepted.request.message]
    is_reminder = any(key.kind == MessageKind.REMIND for key in pressed)
    content = messages.questions_message(
        authorized.questionnaire, stored.progress, is_reminder=is_reminder
    )
    return Redraw(content=content, closes_at=authorized.round.closes_at)


async def _progress(
    tx: AsyncConnection, keys: RoundKeys, request: Request, authorized: AuthorizedAnswer
) -> Progress:
    try:
        return (await own_answers.read(tx, keys, request, authorized)).progress
    except (Refused, ValueError):  # the key is missing, or the ballot was tampered with
        return NOTHING_YET


async def _edit_messages(
    tx: AsyncConnection,
    shown: Iterable[tuple[Request, AuthorizedAnswer, Progress]],
    now: datetime,
    not_before: datetime,
) -> None:
    """Edit the messages of these people about the round, which show this much of their answers."""
    edits: list[SentMessageEdit] = []
    for request, authorized, progress in shown:
        for key, (channel, _) in authorized.sent.items():
            content = messages.questions_message(
                authorized.questionnaire, progress, is_reminder=key.kind == MessageKind.REMIND
            )
            if channel is None:
                await enqueue.edit(tx, request.workspace_id, of=key, content=content, now=now)
            else:
                edits.append(
                    SentMessageEdit(
                        workspace_id=request.workspace_id,
                        of=key,
                        conversation=request.user_id,
                        content=content,
                    )
                )
    if edits:
        await enqueue.edit_sent(tx, edits, now=now, not_before=not_before)


async def _redraw_closed(tx: AsyncConnection, request: Request, now: datetime) -> None:
    """Edit this person's messages to say once more that the round is closed, if it is."""
    workspace_id, round_id = request.workspace_id, request.target_id
    ended = await store.how_it_ended(tx, workspace_id, round_id)
    person = await store.roster_entry(tx, workspace_id, round_id, request.user_id)
    if ended is None or person is None:  # its closing edits the messages
        return
    content = messages.closed(ended, to_lead=person.is_lead)
    keys: tuple[MessageKey, ...] = question_key(round_id, person), remind(round_id, person.user_id)
    for key in keys:
        await enqueue.edit(tx, workspace_id, of=key, content=content, now=now + EDIT_AFTER)
