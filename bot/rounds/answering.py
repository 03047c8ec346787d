"""Answering a round: send, change, skip. Each is saved and committed before Slack is told so.

An answer holds the round's row FOR SHARE and finds it open, closing holds it FOR UPDATE: no
answer can slip into a round that is being counted.
"""

from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import agenda
from bot.db import schema
from bot.db.writing import put
from bot.keys import KeyMissing
from bot.outbox import outbox
from bot.rounds import ballots, messages, store, team
from bot.rounds.answer_form import Given
from bot.rounds.asking import REMIND, ask_key, remind_key
from bot.rounds.ballots import Ballot
from bot.rounds.facts import Asked, Asking, Round
from bot.slack.content import Content
from bot.slack.errors import Refused
from bot.workspaces.services import Services

CLOSED = (
    "Nothing was saved: these questions are closed, and answers are counted only together. "
    "The next ones come as a message from Imbalance."
)
NOT_ASKED = (
    "Nothing was saved: you are not among the people asked this time. Tell who leads the phase "
    "if you should be."
)
SOMEBODY_ELSES = (
    "Nothing was saved: this message was sent to somebody else. Answer in your own message from "
    "Imbalance."
)
LEFT = (
    "Nothing was saved: you left the team of this phase since the questions went out. Tell who "
    "leads the phase if that is wrong."
)
KEY_RETIRED = (
    "Nothing was saved: whoever runs the bot's server retired the key that protects these "
    "answers. Wait for the next questions; they will have a new one."
)
TOO_LONG = "Nothing was saved: the comment has {length} characters, and {limit} fit. Shorten it."

Place = tuple[str, str]  # the channel and ts of the message that was pressed in


@dataclass(frozen=True, kw_only=True)
class Answering:
    """One person at one round. `place` is None in App Home and in a form."""

    workspace_id: str
    user_id: str
    round_id: str
    place: Place | None


@dataclass(frozen=True, kw_only=True)
class _Admitted:
    round: Round
    person: Asked
    channel_id: str


async def answer(services: Services, who: Answering, given: Given) -> Content:
    """Keep what was given in place of what this person gave before; returns the receipt.

    Raises:
        Refused: the round is closed, or this person may not answer it (here).
    """
    async with services.db.transaction() as tx:
        admitted = await _admitted(tx, services, who, to_write=True)
        said = _checked(admitted.round, given)
        if admitted.person.is_lead:
            await _reflect(tx, who, admitted.round, said)
        else:
            await _cast(tx, services, who, said)
        receipt = _receipt(admitted)
        await _show(tx, services, who, admitted.person, receipt)
    return receipt


async def skip(services: Services, who: Answering) -> Content:
    """Remind this person no more; what they sent before stays. Returns what to show.

    Raises:
        Refused: the round is closed, or this person may not answer it (here).
    """
    async with services.db.transaction() as tx:
        admitted = await _admitted(tx, services, who, to_write=True)
        if admitted.person.is_lead:  # named anyway, so no ballot has to hide it
            subject = f"{who.round_id}:{who.user_id}"
            await agenda.drop(tx, who.workspace_id, action=REMIND, subject=subject)
        elif await _given_before(tx, services, who, admitted) == Given():
            await _cast(tx, services, who, Given())
    found = admitted.round
    return messages.skipped(found.round_id, admitted.channel_id, found.closes_at)


async def to_change(services: Services, who: Answering) -> tuple[Asking, Given]:
    """The questions and what this person gave before, for the form.

    Raises:
        Refused: the round is closed, or this person may not answer it (here).
    """
    async with services.db.reading() as reader:
        admitted = await _admitted(reader, services, who, to_write=False)
        before = await _given_before(reader, services, who, admitted)
        to_lead = admitted.person.is_lead
        asking = await store.asking_of(reader, who.workspace_id, admitted.round, to_lead=to_lead)
    return asking, before


async def show(services: Services, who: Answering, message: Content) -> None:
    """Show it in place of the question by an edit, because Slack did not take it directly."""
    async with services.db.transaction() as tx:
        person = await store.asked_person(tx, who.workspace_id, who.round_id, who.user_id)
        if person is not None:
            await _show(tx, services, replace(who, place=None), person, message)


async def _admitted(
    tx: AsyncConnection, services: Services, who: Answering, *, to_write: bool
) -> _Admitted:
    read = store.round_to_answer if to_write else store.round_of
    found = await read(tx, who.workspace_id, who.round_id)
    if found is None or not found.is_open or services.clock.now() >= found.closes_at:
        raise Refused(CLOSED)
    person = await store.asked_person(tx, who.workspace_id, who.round_id, who.user_id)
    if person is None:
        raise Refused(NOT_ASKED)
    if person.has_left:
        raise Refused(LEFT)
    if who.place is not None and not await _is_theirs(tx, who):
        raise Refused(SOMEBODY_ELSES)
    phase = await team.phase_of(tx, who.workspace_id, found.phase_id)
    assert phase is not None  # a round is deleted with its phase
    return _Admitted(round=found, person=person, channel_id=phase.channel_id)


async def _is_theirs(tx: AsyncConnection, who: Answering) -> bool:
    """Whether the message pressed in was sent to this person about this round.

    A message whose sending is still being proven has no place yet: then the list decides alone.
    """
    assert who.place is not None
    channel, ts = who.place
    key = await outbox.key_at(tx, who.workspace_id, channel=channel, ts=ts)
    return key is None or key.split(":")[1:] == [who.round_id, who.user_id]


def _checked(found: Round, given: Given) -> Given:
    if len(given.comment) > messages.COMMENT_LIMIT:
        block_id = messages.block_id(found.round_id, "comment")
        text = TOO_LONG.format(length=len(given.comment), limit=messages.COMMENT_LIMIT)
        raise Refused(text, {block_id: text})
    asked = [question.key for question in found.questions]
    return replace(given, answers={key: given.answers.get(key) for key in asked})


async def _cast(tx: AsyncConnection, services: Services, who: Answering, given: Given) -> None:
    ballot = Ballot(answers=given.answers, comment=given.comment)
    try:
        await ballots.cast(
            tx,
            services.keys,
            who.workspace_id,
            who.round_id,
            user_id=who.user_id,
            ballot=ballot,
        )
    except KeyMissing as error:
        raise Refused(KEY_RETIRED) from error


async def _reflect(tx: AsyncConnection, who: Answering, found: Round, given: Given) -> None:
    key = {
        "workspace_id": who.workspace_id,
        "phase_id": found.phase_id,
        "moment": found.round_id,
        "user_id": who.user_id,
    }
    answers = dict(given.answers)
    await put(tx, schema.reflections, key, answers=answers, shared=given.shared)


async def _given_before(
    tx: AsyncConnection, services: Services, who: Answering, admitted: _Admitted
) -> Given:
    if admitted.person.is_lead:
        phase_id = admitted.round.phase_id
        kept = await store.reflection(tx, who.workspace_id, phase_id, who.round_id, who.user_id)
        return Given() if kept is None else Given(answers=kept[0], shared=kept[1])
    try:
        ballot = await ballots.of_voter(
            tx, services.keys, who.workspace_id, who.round_id, who.user_id
        )
    except KeyMissing as error:
        raise Refused(KEY_RETIRED) from error
    if ballot is None:
        return Given()
    return Given(answers=ballot.answers, comment=ballot.comment)


def _receipt(admitted: _Admitted) -> Content:
    found = admitted.round
    return messages.received(found.round_id, admitted.channel_id, found.closes_at)


async def _show(
    tx: AsyncConnection, services: Services, who: Answering, person: Asked, message: Content
) -> None:
    """Edit what was not pressed in; the message pressed in is replaced by its response_url."""
    keys = [remind_key(who.round_id, who.user_id)]
    if who.place is None:
        keys.append(ask_key(who.round_id, person))
    for key in keys:
        await outbox.edit(tx, who.workspace_id, of=key, content=message, now=services.clock.now())
