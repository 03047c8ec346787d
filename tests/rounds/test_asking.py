"""Sending of the weekly questions and of the one reminder: recipients and times."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from bot.agenda import schedule
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.rounds import ballots, questions, store
from bot.rounds.ballot_crypto import Ballot
from bot.rounds.ballots import BallotChange
from bot.services import Services
from tests.harness import ANA, BEN, EMI, LAUNCH, MEMBERS, WORKSPACE
from tests.rounds.evidence import agenda_of, carry_out, delivered, said
from tests.rounds.round_rows import NOW, ROUND, a_person, a_phase, a_round

PLACE = ("D1", "1.1")
ASK_BEN, REMIND_BEN = f"ask:{ROUND}:{BEN}", f"remind:{ROUND}:{BEN}"


@pytest.fixture
async def opened(db: Database, services: Services) -> Database:
    """An open round; the questions to Ana and Ben are due now, at 10:00 in Lagos."""
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_round(tx, questions=store.as_json(questions.about_leads(["Ana"])))
        await ballots.create_secret(tx, services.keys, WORKSPACE, ROUND, NOW + timedelta(days=2))
        for user_id in (ANA, BEN):
            subject = f"{ROUND}:{user_id}"
            await schedule.add(tx, WORKSPACE, action="ask", subject=subject, due_at=NOW)
    return db


async def store_ballot(services: Services, user_id: str, ballot: Ballot) -> None:
    async with services.db.transaction() as tx:
        secret = await ballots.secret_of(tx, WORKSPACE, ROUND)
        change = BallotChange(
            workspace_id=WORKSPACE,
            round_id=ROUND,
            user_id=user_id,
            secret=secret,
            apply=lambda _: ballot,
        )
        assert await ballots.change_all(tx, services.keys, [change]) == [ballot]


async def update_ben(db: Database, **values: object) -> None:
    people = schema.people
    async with db.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == BEN).values(**values))


async def test_member_gets_the_questions_and_one_reminder_a_day_later(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    await carry_out(services, "ask", f"{ROUND}:{BEN}")
    assert (await said(opened))[ASK_BEN]["text"].startswith("Three quick questions")
    assert await agenda_of(opened, "remind") == {f"{ROUND}:{BEN}": NOW + timedelta(days=1)}
    await delivered(opened, ASK_BEN, PLACE)

    clock.advance(timedelta(days=1))
    await carry_out(services, "remind")
    assert REMIND_BEN in await said(opened)
    assert await agenda_of(opened, "remind") == {}


async def test_lead_gets_the_reflection_message(opened: Database, services: Services) -> None:
    await carry_out(services, "ask", f"{ROUND}:{ANA}")

    message = (await said(opened))[f"reflect:{ROUND}:{ANA}"]
    assert message["text"].startswith("Your own view")


async def test_member_who_answered_in_app_home_before_their_slot_is_not_asked(
    opened: Database, services: Services
) -> None:
    await store_ballot(services, BEN, Ballot(answers={"clarity": 3}))
    await carry_out(services, "ask")

    assert ASK_BEN not in await said(opened)


@pytest.mark.parametrize(
    "change", [{"is_deleted": True}, {"is_guest": True}, {"is_bot": True}, {"team_id": "T0OTHER"}]
)
async def test_deleted_guest_bot_and_outside_accounts_are_not_asked(
    opened: Database, services: Services, change: dict[str, object]
) -> None:
    await update_ben(opened, **change)
    await carry_out(services, "ask", f"{ROUND}:{BEN}")

    assert await said(opened) == {}


async def test_opted_out_and_departed_people_are_not_asked(
    opened: Database, services: Services
) -> None:
    people = schema.phase_people
    async with opened.transaction() as tx:
        await tx.execute(
            insert(schema.channel_optouts).values(
                workspace_id=WORKSPACE, channel_id=LAUNCH, user_id=ANA
            )
        )
        await tx.execute(update(people).where(people.c.user_id == BEN).values(left_at=NOW))
    await carry_out(services, "ask")

    assert await said(opened) == {}


async def test_questions_due_at_night_wait_for_local_morning(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(datetime(2026, 11, 23, 21, tzinfo=UTC))  # 22:00 in Lagos
    await carry_out(services, "ask", f"{ROUND}:{BEN}")

    morning = datetime(2026, 11, 24, 7, tzinfo=UTC)
    assert (await agenda_of(opened, "ask"))[f"{ROUND}:{BEN}"] == morning
    assert await said(opened) == {}


async def test_reminder_due_at_night_waits_for_local_morning(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    async with opened.transaction() as tx:
        subject = f"{ROUND}:{EMI}"  # 18:00 in Tokyo
        await schedule.add(tx, WORKSPACE, action="ask", subject=subject, due_at=NOW)
    clock.advance(timedelta(hours=2))
    await carry_out(services, "ask", f"{ROUND}:{EMI}")
    assert (await agenda_of(opened, "remind"))[f"{ROUND}:{EMI}"] == clock.now() + timedelta(days=1)
    await delivered(opened, f"ask:{ROUND}:{EMI}", PLACE)

    clock.advance(timedelta(days=1, hours=1))  # 21:00
    await carry_out(services, "remind")

    assert (await agenda_of(opened, "remind"))[f"{ROUND}:{EMI}"].hour == 23
    assert f"remind:{ROUND}:{EMI}" not in await said(opened)


async def test_reminder_comes_a_day_after_late_delivery(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    """After an outage, a reminder an hour after the questions would only nag."""
    await carry_out(services, "ask", f"{ROUND}:{BEN}")
    clock.advance(timedelta(hours=23))
    async with opened.transaction() as tx:
        messages = schema.messages
        await tx.execute(
            update(messages)
            .where(messages.c.key == ASK_BEN)
            .values(state="sent", sent_at=clock.now(), channel="D1", ts="1.1")
        )
    clock.advance(timedelta(hours=1))
    await carry_out(services, "remind")

    assert REMIND_BEN not in await said(opened)
    day_after = {f"{ROUND}:{BEN}": NOW + timedelta(hours=47)}
    assert await agenda_of(opened, "remind") == day_after


async def test_undelivered_questions_get_no_reminder(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    await carry_out(services, "ask", f"{ROUND}:{BEN}")
    clock.advance(timedelta(days=1))
    await carry_out(services, "remind")

    assert REMIND_BEN not in await said(opened)


async def test_disabled_reminders_are_not_scheduled(opened: Database, services: Services) -> None:
    async with opened.transaction() as tx:
        await tx.execute(update(schema.phases).values(remind=False))
    await carry_out(services, "ask")

    assert await agenda_of(opened, "remind") == {}


async def test_nobody_is_asked_after_closing_time(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.advance(timedelta(days=2))
    await carry_out(services, "ask")

    assert await said(opened) == {}
    assert await agenda_of(opened, "ask") == {}
