"""Recipients of the news that what people wrote did not arrive: a lead, the leads, or admins."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import update

from bot.agenda import schedule
from bot.agenda.actions import ActionName, UndeliveredMessage
from bot.channel_health.failure_policy import FailureAction
from bot.db import schema
from bot.outbox import enqueue, keys
from bot.outbox.keys import MessageKey
from bot.services import Services
from bot.slack.content import content
from tests.ending.phase_rows import carry_out, messages, planned, running
from tests.harness import ANA, BEN, CHIARA, HANA, WORKSPACE
from tests.start.proposals import SPRINT

DROPPED, UNSAID, DEFECT = FailureAction.DROP_PERSON, FailureAction.REPORT, FailureAction.MALFORMED


async def close_accounts(services: Services, *user_ids: str) -> None:
    people = schema.people
    async with services.db.transaction() as tx:
        named = people.c.user_id.in_(user_ids)
        await tx.execute(update(people).where(named).values(is_deleted=True))


async def write_line(services: Services, user_id: str) -> None:
    people = schema.phase_people
    async with services.db.transaction() as tx:
        member = people.c.user_id == user_id
        await tx.execute(update(people).where(member).values(thanks_line="Thank you."))


async def report_lost(
    services: Services, key: MessageKey, to: str, consequence: FailureAction
) -> tuple[set[str], bool]:
    """Refuse a message; return who is told of it, and whether admins are to be told."""
    async with services.db.transaction() as tx:
        now = services.clock.now()
        await enqueue.post(tx, WORKSPACE, key=key, to=to, content=content("Words."), now=now)
        mine = schema.messages.c.key == key
        failed = update(schema.messages).where(mine).values(state="failed", error="refused")
        message_id = await tx.scalar(failed.returning(schema.messages.c.message_id))
        await schedule.add(
            tx,
            WORKSPACE,
            action=ActionName.REPORT_UNDELIVERED,
            subject=str(UndeliveredMessage(str(message_id), consequence)),
            due_at=now,
        )
    assert await carry_out(services, "report_undelivered") == 1
    told = {row["conversation"] for row in (await messages(services, "not_said:")).values()}
    return told, bool(await planned(services, "tell_admins"))


@pytest.mark.parametrize(
    ("leads", "closed", "consequence", "told", "admins"),
    [
        ((), (), DROPPED, set(), True),  # the account is not stored as closed yet
        ((), (ANA,), DROPPED, set(), True),
        ((), (ANA,), UNSAID, set(), True),
        ((), (), UNSAID, {ANA}, False),
        ((), (), DEFECT, {ANA}, False),
        ((HANA,), (), DROPPED, set(), False),  # the co-lead has received the same
        ((HANA,), (ANA,), DROPPED, set(), False),
        ((HANA,), (HANA,), DROPPED, set(), True),
        ((HANA,), (ANA, HANA), DROPPED, set(), True),
        ((HANA,), (HANA,), UNSAID, {ANA}, False),
        ((HANA, CHIARA), (HANA,), DROPPED, set(), False),
    ],
)
async def test_what_was_for_a_lead(
    services: Services,
    leads: tuple[str, ...],
    closed: tuple[str, ...],
    consequence: FailureAction,
    told: set[str],
    admins: bool,
) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=leads))
    await close_accounts(services, *closed)
    key = keys.concerns(phase_id, "batch", 1, ANA)

    assert await report_lost(services, key, ANA, consequence) == (told, admins)


@pytest.mark.parametrize(
    ("has_line", "closed", "told"),
    [
        (True, (), {ANA, HANA}),
        (True, (BEN,), {ANA, HANA}),
        (True, (ANA,), {HANA}),
        (True, (ANA, HANA), set()),
        (False, (), set()),
    ],
)
@pytest.mark.parametrize("build", [keys.goodbye, keys.late_thanks])
@pytest.mark.parametrize("consequence", [DROPPED, UNSAID])
async def test_a_line_for_a_member_is_missed_by_the_leads_who_wrote_it(
    services: Services,
    build: Callable[[str, str], MessageKey],
    has_line: bool,
    closed: tuple[str, ...],
    told: set[str],
    consequence: FailureAction,
) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA,)))
    if has_line:
        await write_line(services, BEN)
    await close_accounts(services, *closed)

    assert await report_lost(services, build(phase_id, BEN), BEN, consequence) == (told, False)
