"""Expectations: every action is refused after the end of the phase, none in a pause."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.announcement import expectations
from bot.clock import AdjustableClock
from bot.db import schema
from bot.phases.model import ExpectationReply
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, WORKSPACE
from tests.start.proposals import begin, store_people
from tests.start.test_begin import end

Action = Callable[[Services, str], Awaitable[Any]]


def by(user_id: str, phase_id: str) -> Request:
    return Request(workspace_id=WORKSPACE, target_id=phase_id, user_id=user_id)


def reply(services: Services, phase_id: str) -> Awaitable[None]:
    return expectations.send_reply(
        services, by(BEN, phase_id), ExpectationReply.TOO_MUCH, words="Not both.", view_id="V1"
    )


ACTIONS: dict[str, Action] = {
    "open the lines": lambda services, phase_id: expectations.phase_to_write(
        services, by(ANA, phase_id)
    ),
    "save a line": lambda services, phase_id: expectations.save_expectations(
        services, by(ANA, phase_id), {BEN: "One review a day."}
    ),
    "open a reply": lambda services, phase_id: expectations.member_with_line(
        services, by(BEN, phase_id)
    ),
    "say that it fits": lambda services, phase_id: expectations.note_fits(
        services, by(BEN, phase_id)
    ),
    "reply": reply,
}


@pytest.fixture
async def written(services: Services) -> str:
    """A running phase in which Ana counts on Ben for something; its id."""
    await store_people(services)
    phase_id = await begin(services)
    await expectations.save_expectations(services, by(ANA, phase_id), {BEN: "Two reviews a day."})
    return phase_id


@pytest.mark.parametrize("action", list(ACTIONS))
async def test_action_on_expectations_is_refused_after_the_end(
    services: Services, clock: AdjustableClock, written: str, action: str
) -> None:
    await end(services, clock, days=14)

    with pytest.raises(Refused, match="This phase has ended"):
        await ACTIONS[action](services, written)


@pytest.mark.parametrize("action", list(ACTIONS))
async def test_action_on_expectations_works_in_a_paused_phase(
    services: Services, clock: AdjustableClock, written: str, action: str
) -> None:
    async with services.db.transaction() as tx:
        await tx.execute(update(schema.phases).values(paused_at=clock.now()))

    await ACTIONS[action](services, written)


@pytest.mark.parametrize("gone", ["is_deleted", "left_at"])
async def test_reply_is_kept_for_a_lead_who_cannot_be_reached(
    services: Services, written: str, clock: AdjustableClock, gone: str
) -> None:
    """The words are stored nowhere else, and the person was told that they are on their way."""
    table = schema.people if gone == "is_deleted" else schema.phase_people
    async with services.db.transaction() as tx:
        value = True if gone == "is_deleted" else clock.now()
        await tx.execute(update(table).where(table.c.user_id == ANA).values({gone: value}))

    await reply(services, written)

    messages = schema.messages
    async with services.db.reading() as reader:
        to = messages.c.key.startswith("expectation_reply:")
        assert list(await reader.scalars(select(messages.c.conversation).where(to))) == [ANA]
