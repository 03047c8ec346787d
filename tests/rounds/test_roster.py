"""People a round asks, names and reminds: bots, opted-out leads, unknown time zones."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from bot.agenda import schedule
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.playground.server import FakeSlack
from bot.rounds.lifecycle import plan_rounds
from bot.rounds.poll import poll
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.people import SLACKBOT, mark_unreachable
from bot.slack.request import Request
from bot.workspaces.rules import WorkspaceSettings
from tests.harness import ANA, BEN, CHIARA, GUEST, LAUNCH, MEMBERS, OTHER_BOT, OWNER, WORKSPACE
from tests.rounds.evidence import agenda_of, carry_out, delivered, said, the_round
from tests.rounds.round_rows import (
    NOW,
    PHASE,
    a_person,
    a_phase,
    a_round,
    a_workspace,
    the_phase,
)
from tests.rounds.test_opening import open_first, roster_of

EVE = "W0EVE"  # user ids in an Enterprise organisation start with W


def by(user_id: str) -> Request:
    return Request(workspace_id=WORKSPACE, channel_id=LAUNCH, user_id=user_id)


async def add_to_team(db: Database, user_id: str, role: str = "member") -> None:
    key = {"workspace_id": WORKSPACE, "phase_id": PHASE, "user_id": user_id}
    async with db.transaction() as tx:
        await tx.execute(insert(schema.phase_people).values(**key, role=role, joined_at=NOW))


async def opt_out(db: Database, user_id: str, channel_id: str = LAUNCH) -> None:
    key = {"workspace_id": WORKSPACE, "channel_id": channel_id, "user_id": user_id}
    async with db.transaction() as tx:
        await tx.execute(insert(schema.channel_optouts).values(**key))


async def expiry_times(db: Database) -> dict[str, datetime | None]:
    messages = schema.messages
    async with db.reading() as reader:
        rows = await reader.execute(select(messages.c.key, messages.c.expires_at))
        return {row.key: row.expires_at for row in rows}


async def test_opted_out_lead_gets_no_reflection(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await opt_out(phase, ANA)
    await opt_out(phase, BEN, channel_id="C0PLATF")  # of another channel, so still asked
    await open_first(services, clock)

    assert set(await roster_of(phase)) == set(MEMBERS)
    assert (await the_round(phase)).asked == 7


async def test_bots_are_not_asked_and_enterprise_users_are(
    phase: Database, services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    async with phase.transaction() as tx:
        await a_person(tx, SLACKBOT, zone=None)
        await a_person(tx, OTHER_BOT, is_bot=True)
        await a_person(tx, EVE)
    for user_id in (SLACKBOT, OTHER_BOT, EVE):
        await add_to_team(phase, user_id)
    fake_slack.workspace.conversations[LAUNCH].members += [SLACKBOT, EVE]
    await open_first(services, clock)

    assert set(await roster_of(phase)) == {ANA, EVE, *MEMBERS}
    opened = await the_round(phase)
    assert (opened.asked, opened.minimum) == (8, 5)  # from eight people on, five answers are needed
    clock.move_to((await agenda_of(phase, "ask"))[f"{opened.round_id}:{EVE}"])
    await carry_out(services, "ask", f"{opened.round_id}:{EVE}")
    assert f"ask:{opened.round_id}:{EVE}" in await said(phase)


async def test_unknown_time_zone_falls_back_to_the_workspace_default(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id, zone=None)
        await a_workspace(tx, WorkspaceSettings(default_zone="Asia/Tokyo"))
        await a_phase(tx)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    await open_first(services, clock)
    nine_oclock = datetime(2026, 11, 24, 0, tzinfo=UTC)  # in Tokyo
    assert set((await agenda_of(db, "ask")).values()) == {nine_oclock}

    clock.move_to(datetime(2026, 11, 24, 12, tzinfo=UTC))  # 21:00 there
    await carry_out(services, "ask")
    assert await said(db) == {}
    assert {at.hour for at in (await agenda_of(db, "ask")).values()} == {23}

    clock.move_to(datetime(2026, 11, 24, 23, tzinfo=UTC))
    await carry_out(services, "ask")
    reminded = set((await agenda_of(db, "remind")).values())
    assert reminded == {clock.now() + timedelta(days=1)}


async def test_questions_and_reminders_expire_at_closing_time(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await open_first(services, clock)
    opened = await the_round(phase)
    subject = f"{opened.round_id}:{BEN}"
    for action in ("ask", "remind"):
        clock.move_to((await agenda_of(phase, action))[subject])
        await carry_out(services, action, subject)
        if action == "ask":
            await delivered(phase, f"ask:{subject}", ("D1", "1.1"))

    found = await expiry_times(phase)
    assert found[f"ask:{subject}"] == found[f"remind:{subject}"] == opened.closes_at


async def test_talking_points_expire_two_days_after_they_were_due(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    due_at = datetime(2026, 11, 24, 10, tzinfo=UTC)
    async with db.transaction() as tx:
        await a_phase(tx, phase_id="other", state="active", channel_id="C0PLATF", paused_at=NOW)
        await a_phase(tx)
        for phase_id in (PHASE, "other", "gone"):
            subject = f"{phase_id}:2026-11-24"
            await schedule.add(
                tx, WORKSPACE, action="post_talking_points", subject=subject, due_at=due_at
            )
    clock.move_to(due_at + timedelta(hours=3))
    await carry_out(services, "post_talking_points")

    talk = f"talking_points:{PHASE}:2026-11-24"  # and nothing in the channel of a paused phase
    assert await expiry_times(db) == {talk: due_at + timedelta(hours=48)}


@pytest.mark.parametrize(
    ("user_id", "is_allowed"),
    [
        (ANA, True),
        (CHIARA, True),  # leads as well
        (OWNER, True),
        (BEN, False),
        (GUEST, False),
        ("U0ADM", False),  # an admin whose account is closed
        ("U0WAS", False),  # led, and left
    ],
)
async def test_only_leads_and_admins_can_poll(
    phase: Database, services: Services, clock: AdjustableClock, user_id: str, is_allowed: bool
) -> None:
    people = schema.phase_people
    async with phase.transaction() as tx:
        await a_person(tx, GUEST, is_guest=True, is_admin=True)
        await a_person(tx, "U0ADM", is_deleted=True, is_admin=True)
        await a_person(tx, "U0WAS")
        await tx.execute(update(people).where(people.c.user_id == CHIARA).values(role="lead"))
    await add_to_team(phase, "U0WAS", "lead")
    async with phase.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == "U0WAS").values(left_at=NOW))

    if is_allowed:
        assert "are asked" in await poll(services, by(user_id))
    else:
        with pytest.raises(Refused, match=r"workspace admins can do this|Guests and people"):
            await poll(services, by(user_id))
        assert await the_round(phase) is None


@pytest.mark.parametrize(
    ("state", "phase_id", "hours", "is_allowed"),
    [
        ("closed", PHASE, 24 * 5 - 1, False),
        ("open", PHASE, 24 * 5 - 1, False),
        ("closed", PHASE, 24 * 5, True),
        ("cancelled", PHASE, 1, True),  # nobody was asked
        ("closed", "earlier", 1, False),  # another phase of this channel
        ("closed", "elsewhere", 1, True),
    ],
)
async def test_poll_within_five_days_of_the_channels_last_round_is_refused(
    phase: Database, services: Services, state: str, phase_id: str, hours: int, is_allowed: bool
) -> None:
    async with phase.transaction() as tx:
        await a_phase(tx, phase_id="earlier", state="ended")
        await a_phase(tx, phase_id="elsewhere", channel_id="C0PLATF")
        opened_at = services.clock.now() - timedelta(hours=hours)
        await a_round(tx, phase_id=phase_id, state=state, opened_at=opened_at)

    if is_allowed:
        assert "are asked" in await poll(services, by(ANA))
    else:
        with pytest.raises(Refused, match="You can ask again from"):
            await poll(services, by(ANA))


async def test_poll_in_a_paused_phase_is_refused(phase: Database, services: Services) -> None:
    async with phase.transaction() as tx:
        await tx.execute(update(schema.phases).values(paused_at=NOW, pause_reason="archived"))

    with pytest.raises(Refused, match="This phase is paused"):
        await poll(services, by(ANA))


@pytest.mark.parametrize("is_unknown", [True, False])
async def test_unreachable_member_is_not_asked(
    phase: Database, services: Services, clock: AdjustableClock, is_unknown: bool
) -> None:
    people = schema.people
    async with phase.transaction() as tx:
        if is_unknown:
            await tx.execute(people.delete().where(people.c.user_id == BEN))
        await mark_unreachable(tx, WORKSPACE, BEN, NOW)
    await open_first(services, clock)

    assert set(await roster_of(phase)) == {ANA, *MEMBERS} - {BEN}
