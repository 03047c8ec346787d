"""Once the announcement is posted again, every lead's notice that it is missing says so."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.channel_health import messages as words
from bot.channel_health import pause
from bot.channel_health.failure_policy import FailureAction
from bot.clock import AdjustableClock
from bot.db import schema
from bot.outbox import keys
from bot.outbox.keys import MessageKey
from bot.phases.model import Phase
from bot.services import Services
from tests.ending.phase_rows import messages, phase_of, running
from tests.harness import ANA, BEN, HANA, WORKSPACE
from tests.rounds.evidence import delivered
from tests.start.proposals import SPRINT

LEADS = (ANA, HANA, BEN)


def notice_keys(phase: Phase, user_id: str) -> tuple[MessageKey, MessageKey]:
    """Return the keys of both notices: it was deleted, or couldn't be posted."""
    announcement = keys.announcement(phase.phase_id)
    return keys.announcement_missing(phase.phase_id, user_id), keys.not_delivered(
        announcement, user_id
    )


async def told_that_it_is_missing(services: Services) -> Phase:
    """Start a phase of three leads and tell each of them, in both ways."""
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA, BEN)))
    phase = await phase_of(services, phase_id)
    contents = (
        words.missing(phase),
        words.not_posted(phase, "announcement", FailureAction.REPORT, post_again=True),
    )
    async with services.db.transaction() as tx:
        for lead in phase.leads:
            for key, content in zip(notice_keys(phase, lead.user_id), contents, strict=True):
                now = services.clock.now()
                await pause.send_once(tx, WORKSPACE, phase, lead, key, content, now)
    return phase


async def posted_again(services: Services, phase_id: str) -> None:
    phase = await phase_of(services, phase_id)
    async with services.db.transaction() as tx:
        await pause.update_missing_notices(tx, WORKSPACE, phase, services.clock.now())


async def close_account(services: Services, user_id: str) -> None:
    people = schema.people
    async with services.db.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == user_id).values(is_deleted=True))


@pytest.mark.parametrize("closed", [None, ANA, BEN])
async def test_what_a_lead_has_read_is_edited_also_where_the_account_is_closed_by_now(
    services: Services, clock: AdjustableClock, closed: str | None
) -> None:
    phase = await told_that_it_is_missing(services)
    for number, user_id in enumerate(LEADS):
        for key in notice_keys(phase, user_id):
            await delivered(services.db, key, (f"D{number}", f"{number}.1"))
    if closed:
        await close_account(services, closed)
    clock.advance(timedelta(minutes=5))

    await posted_again(services, phase.phase_id)

    edited = {key.removeprefix("edit:") for key in await messages(services, "edit:")}
    assert edited == {str(key) for user_id in LEADS for key in notice_keys(phase, user_id)}


@pytest.mark.parametrize("closed", [None, ANA, BEN])
async def test_what_no_lead_has_read_yet_is_never_sent(
    services: Services, closed: str | None
) -> None:
    phase = await told_that_it_is_missing(services)
    if closed:
        await close_account(services, closed)

    await posted_again(services, phase.phase_id)

    assert await messages(services, "missing:") == {}
    assert await messages(services, "not_said:") == {}
