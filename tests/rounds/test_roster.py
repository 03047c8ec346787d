"""Whom a round asks, names and reminds: bots, opted-out leads, people without a time zone."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from bot.agenda import schedule
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.playground.server import FakeSlack
from bot.rounds import questions, store
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
    ROUND,
    a_person,
    a_phase,
    a_round,
    a_workspace,
    the_phase,
)
from tests.rounds.test_opening import open_first, roster_of

EVE = "W0EVE"  # as Slack calls people of an organisation


def here(user_id: str) -> Request:
    return Request(workspace_id=WORKSPACE, channel_id=LAUNCH, user_id=user_id)


async def of_the_team(db: Database, user_id: str, role: str = "member") -> None:
    who = {"workspace_id": WORKSPACE, "phase_id": PHASE, "user_id": user_id}
    async with db.transaction() as tx:
        await tx.execute(insert(schema.phase_people).values(**who, role=role, joined_at=NOW))


async def opts_out(db: Database, user_id: str, channel_id: str = LAUNCH) -> None:
    who = {"workspace_id": WORKSPACE, "channel_id": channel_id, "user_id": user_id}
    async with db.transaction() as tx:
        await tx.execute(insert(schema.channel_optouts).values(**who))


async def expires(db: Database) -> dict[str, datetime | None]:
    messages = schema.messages
    async with db.reading() as reader:
        rows = await reader.execute(select(messages.c.key, messages.c.expires_at))
        return {row.key: row.expires_at for row in rows}


async def test_an_opted_out_lead_gets_no_reflection(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await opts_out(phase, ANA)
    await opts_out(phase, BEN, channel_id="C0PLATF")  # of another channel: that is no matter
    await open_first(services, clock)

    assert set(await roster_of(phase)) == set(MEMBERS)
    assert (await the_round(phase)).asked == 7


async def test_slackbot_and_bots_are_not_asked_and_an_id_with_w_is(
    phase: Database, services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    async with phase.transaction() as tx:
        await a_person(tx, SLACKBOT, zone=None)
        await a_person(tx, OTHER_BOT, is_bot=True)
        await a_person(tx, EVE)
    for user_id in (SLACKBOT, OTHER_BOT, EVE):
        await of_the_team(phase, user_id)
    fake_slack.workspace.conversations[LAUNCH].members += [SLACKBOT, EVE]
    await open_first(services, clock)

    assert set(await roster_of(phase)) == {ANA, EVE, *MEMBERS}
    opened = await the_round(phase)
    assert (opened.asked, opened.minimum) == (8, 5)  # of eight on five answers are needed
    clock.move_to((await agenda_of(phase, "ask"))[f"{opened.round_id}:{EVE}"])
    await carry_out(services, "ask", f"{opened.round_id}:{EVE}")
    assert f"ask:{opened.round_id}:{EVE}" in await said(phase)


async def test_whose_zone_nobody_knows_is_asked_in_the_workspaces_zone(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id, zone=None)
        await a_workspace(tx, WorkspaceSettings(default_zone="Asia/Tokyo"))
        await a_phase(tx)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    await open_first(services, clock)
    nine = datetime(2026, 11, 24, 0, tzinfo=UTC)  # in Tokyo
    assert set((await agenda_of(db, "ask")).values()) == {nine}

    clock.move_to(datetime(2026, 11, 24, 12, tzinfo=UTC))  # 21:00 there
    await carry_out(services, "ask")
    assert await said(db) == {}
    assert {at.hour for at in (await agenda_of(db, "ask")).values()} == {23}

    clock.move_to(datetime(2026, 11, 24, 23, tzinfo=UTC))
    await carry_out(services, "ask")
    reminded = set((await agenda_of(db, "remind")).values())
    assert reminded == {clock.now() + timedelta(days=1)}


async def test_leads_are_not_named_among_those_asked(db: Database) -> None:
    async with db.transaction() as tx:
        await a_person(tx, ANA, name="Aaron")
        await a_person(tx, BEN, name="Zoe")
        await a_person(tx, CHIARA, name="Chiara")
        await a_phase(tx, members=(BEN, CHIARA, "U0NEW"))
        wording = store.as_json(questions.for_member(["Aaron"]))
        await a_round(tx, members=(BEN, CHIARA, "U0NEW"), questions=wording)
        found = await store.round_of(tx, WORKSPACE, ROUND)
        assert found is not None
        asking = await store.put_to(tx, WORKSPACE, found, to_lead=False)

    assert (asking.members, asking.leads) == (("Chiara", "U0NEW", "Zoe"), ("Aaron",))


async def test_thirty_are_named_and_the_others_counted(db: Database) -> None:
    members = tuple(f"U0{number:02}" for number in range(31))
    async with db.transaction() as tx:
        await a_phase(tx, members=members)
        await a_round(tx, members=members)
        found = await store.round_of(tx, WORKSPACE, ROUND)
        assert found is not None
        asking = await store.put_to(tx, WORKSPACE, found, to_lead=False)

    assert (asking.members, asking.asked) == (members[:30], 31)


async def test_questions_and_reminders_expire_when_they_close(
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

    found = await expires(phase)
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
            await schedule.add(tx, WORKSPACE, action="talk", subject=subject, due_at=due_at)
    clock.move_to(due_at + timedelta(hours=3))
    await carry_out(services, "talk")

    talk = f"talking_points:{PHASE}:2026-11-24"  # and nothing in the channel of a paused phase
    assert await expires(db) == {talk: due_at + timedelta(hours=48)}


@pytest.mark.parametrize(
    ("who", "may"),
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
async def test_leads_and_admins_poll_and_nobody_else(
    phase: Database, services: Services, clock: AdjustableClock, who: str, may: bool
) -> None:
    people = schema.phase_people
    async with phase.transaction() as tx:
        await a_person(tx, GUEST, is_guest=True, is_admin=True)
        await a_person(tx, "U0ADM", is_deleted=True, is_admin=True)
        await a_person(tx, "U0WAS")
        await tx.execute(update(people).where(people.c.user_id == CHIARA).values(role="lead"))
    await of_the_team(phase, "U0WAS", "lead")
    async with phase.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == "U0WAS").values(left_at=NOW))

    if may:
        assert "are asked" in await poll(services, here(who))
    else:
        with pytest.raises(Refused, match="only the leads"):
            await poll(services, here(who))
        assert await the_round(phase) is None


@pytest.mark.parametrize(
    ("state", "phase_id", "hours", "may"),
    [
        ("closed", PHASE, 24 * 5 - 1, False),
        ("open", PHASE, 24 * 5 - 1, False),
        ("closed", PHASE, 24 * 5, True),
        ("cancelled", PHASE, 1, True),  # nobody was asked in it
        ("closed", "earlier", 1, False),  # another phase of this channel
        ("closed", "elsewhere", 1, True),
    ],
)
async def test_a_poll_within_five_days_of_any_questions_in_the_channel_is_refused(
    phase: Database, services: Services, state: str, phase_id: str, hours: int, may: bool
) -> None:
    async with phase.transaction() as tx:
        await a_phase(tx, phase_id="earlier", state="ended")
        await a_phase(tx, phase_id="elsewhere", channel_id="C0PLATF")
        opened_at = services.clock.now() - timedelta(hours=hours)
        await a_round(tx, phase_id=phase_id, state=state, opened_at=opened_at)

    if may:
        assert "are asked" in await poll(services, here(ANA))
    else:
        with pytest.raises(Refused, match="two within five days"):
            await poll(services, here(ANA))


async def test_a_paused_phase_takes_no_poll(phase: Database, services: Services) -> None:
    async with phase.transaction() as tx:
        await tx.execute(update(schema.phases).values(paused_at=NOW, paused_because="archived"))

    with pytest.raises(Refused, match="this phase is paused"):
        await poll(services, here(ANA))


@pytest.mark.parametrize("is_stranger", [True, False])
async def test_who_cannot_be_written_to_is_asked_no_more(
    phase: Database, services: Services, clock: AdjustableClock, is_stranger: bool
) -> None:
    people = schema.people
    async with phase.transaction() as tx:
        if is_stranger:
            await tx.execute(people.delete().where(people.c.user_id == BEN))
        await mark_unreachable(tx, WORKSPACE, BEN, NOW)
    await open_first(services, clock)

    assert set(await roster_of(phase)) == {ANA, *MEMBERS} - {BEN}
