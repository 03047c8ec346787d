"""Work on hold in the database: one change at a time, audited, and followed up when it is due."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bot.clock import AdjustableClock
from bot.db import schema
from bot.on_hold import lifecycle, parked, proposals, store
from bot.on_hold.proposal_forms import Answer
from bot.on_hold.rules import Change, HoldProposal, ItemChange, ItemDecision, ListChanges
from bot.phases import store as phases
from bot.phases.model import ItemOutcome, Phase
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, CHIARA, DEV, MEMBERS, WORKSPACE
from tests.start.proposals import SPRINT, begin, store_people
from tests.start.test_begin import item, planned, rows

UNTIL = date(2027, 1, 9)  # a Saturday
DUE = datetime(2027, 1, 11, 9, tzinfo=UTC)
PARK = ItemChange(position=0, was=None, change=Change.PARK, until=UNTIL)
BACK = ItemChange(position=0, was=None, change=Change.BACK)


@pytest.fixture
async def phase_id(services: Services) -> str:
    """A sprint led by Ana and Chiara, with dark mode (Ben's) and hiring (Ana's) on hold."""
    await store_people(services)
    members = tuple(user_id for user_id in MEMBERS if user_id != CHIARA)
    return await begin(services, replace(SPRINT, co_lead_ids=(CHIARA,), member_ids=members))


def by(user_id: str, phase_id: str) -> Request:
    return Request(workspace_id=WORKSPACE, user_id=user_id, target_id=phase_id)


async def change(
    services: Services, phase_id: str, *changes: ItemChange, user_id: str = ANA, **more: Any
) -> None:
    submitted = ListChanges(changes=changes, **more)
    request = by(user_id, phase_id)
    await lifecycle.change_list(services, request, submitted, view_id=f"V{user_id}")


async def propose(services: Services, phase_id: str, user_id: str, text: str) -> None:
    await proposals.propose(services, by(user_id, phase_id), text, view_id=f"V{user_id}")


async def loaded(services: Services, phase_id: str) -> Phase:
    async with services.db.reading() as reader:
        phase = await phases.load(reader, WORKSPACE, phase_id)
    assert phase is not None
    return phase


async def proposed(services: Services, phase_id: str) -> tuple[HoldProposal, ...]:
    async with services.db.reading() as reader:
        return await store.proposals_of(reader, WORKSPACE, phase_id)


async def keys(services: Services, *kinds: str) -> list[str]:
    messages = await rows(services, schema.messages, "message_id")
    return [row["key"] for row in messages if row["key"].split(":")[0] in kinds]


async def at_once(*calls: Any) -> list[Any]:
    """Return the refusals of calls made at the same time; others are raised."""
    done = await asyncio.gather(*calls, return_exceptions=True)
    for error in done:
        if isinstance(error, BaseException) and not isinstance(error, Refused):
            raise error
    return [error for error in done if error is not None and not isinstance(error, Phase)]


async def test_changes_are_stored_and_audited_without_words(
    services: Services, phase_id: str
) -> None:
    await change(services, phase_id, BACK, reason="A customer asked.", new_text="The report")

    phase = await loaded(services, phase_id)
    stored = [(one.text, one.owner_id, one.outcome, one.back_on) for one in phase.set_aside_items]
    assert stored == [
        ("Dark mode", BEN, "resumed", date(2026, 11, 23)),
        ("hiring", ANA, None, None),
        ("The report", ANA, None, None),
    ]
    assert phase.set_aside_items[0].back_reason == "A customer asked."
    audit = (await rows(services, schema.audit, "at"))[-1]
    assert (audit["actor_id"], audit["action"]) == (ANA, "change_on_hold")
    assert audit["before"] == {"0": "on hold", "1": "on hold"}
    assert audit["after"] == {"0": "resumed", "1": "on hold", "2": "on hold"}


async def test_form_sent_unchanged_leaves_no_trace(services: Services, phase_id: str) -> None:
    before = await rows(services, schema.audit), await rows(services, schema.messages)
    await change(services, phase_id, replace(BACK, change=Change.STAY))

    assert (await rows(services, schema.audit), await rows(services, schema.messages)) == before


async def test_only_one_of_two_leads_changes_an_item(services: Services, phase_id: str) -> None:
    refusals = await at_once(
        change(services, phase_id, BACK, reason="A customer asked."),
        change(services, phase_id, PARK, user_id=CHIARA),
    )

    assert len(refusals) == 1
    item = (await loaded(services, phase_id)).set_aside_items[0]
    assert (item.back_on is None) is (item.outcome == "parked")
    assert len(await keys(services, "back_early")) == (item.outcome == "resumed")


async def test_work_added_by_two_leads_at_once_is_added_once(
    services: Services, phase_id: str
) -> None:
    refusals = await at_once(
        change(services, phase_id, new_text="The report"),
        change(services, phase_id, new_text="the REPORT", user_id=CHIARA),
    )

    assert len(refusals) == 1
    assert len((await loaded(services, phase_id)).set_aside_items) == 3


async def test_work_proposed_by_two_members_at_once_is_proposed_once(
    services: Services, phase_id: str
) -> None:
    refusals = await at_once(
        propose(services, phase_id, BEN, "The report"),
        propose(services, phase_id, DEV, "The report."),
    )

    assert "has already proposed that" in str(refusals)
    assert len(await proposed(services, phase_id)) == 1
    assert len(await keys(services, "hold_proposal")) == 1


async def test_only_one_of_two_leads_answers_a_proposal(services: Services, phase_id: str) -> None:
    await propose(services, phase_id, BEN, "The report")
    (proposal,) = await proposed(services, phase_id)
    given = Answer(line="So be it.", owner_id=DEV)

    refusals = await at_once(
        proposals.answer(services, by(ANA, phase_id), proposal.proposal_id, given, accepts=True),
        proposals.answer(
            services, by(CHIARA, phase_id), proposal.proposal_id, given, accepts=False
        ),
    )

    (answered,) = await proposed(services, phase_id)
    items = (await loaded(services, phase_id)).set_aside_items
    assert "has already answered this" in str(refusals)
    assert [one.owner_id for one in items[2:]] == ([DEV] if answered.accepted else [])
    assert len(await keys(services, "hold_answer")) == 1


async def test_parked_work_is_due_on_the_morning_of_its_day_where_the_owner_lives(
    services: Services, phase_id: str
) -> None:
    await change(services, phase_id, PARK)
    assert (await planned(services))["follow_up_parked"] == DUE
    people = schema.people
    async with services.db.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == BEN).values(zone="Asia/Tokyo"))

    again = replace(PARK, was=UNTIL, until=date(2027, 1, 12))
    await change(services, phase_id, again)

    assert (await planned(services))["follow_up_parked"] == datetime(2027, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, ["parked"]),
        ({"is_deleted": True}, ["parked_unowned"]),
        ({"team_id": "T0OTHER"}, ["parked_unowned"]),
    ],
)
async def test_parked_work_is_followed_up_with_whoever_can_be_reached(
    services: Services, clock: AdjustableClock, phase_id: str, changed: Any, told: list[str]
) -> None:
    await change(services, phase_id, PARK)
    people = schema.people
    async with services.db.transaction() as tx:
        if changed:
            await tx.execute(update(people).where(people.c.user_id == BEN).values(**changed))
        await tx.execute(update(schema.phases).values(state="ended", ended_at=DUE))
    clock.move_to(DUE + timedelta(hours=14))  # late in the evening, after downtime

    await parked.follow_up_parked(services, await item(services, "follow_up_parked"))

    (row,) = [
        one
        for one in await rows(services, schema.messages)
        if one["key"].split(":")[0] in ("parked", "parked_unowned")
    ]
    assert [row["key"].split(":")[0]] == told
    assert row["not_before"] == DUE + timedelta(hours=23)
    assert "follow_up_parked" not in await planned(services)


async def test_nobody_is_reminded_of_work_of_a_closed_account_in_a_closed_channel(
    services: Services, clock: AdjustableClock, phase_id: str
) -> None:
    await change(services, phase_id, PARK)
    people = schema.people
    async with services.db.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == BEN).values(is_deleted=True))
        closed = {"paused_at": DUE, "pause_reason": "archived"}
        await tx.execute(update(schema.phases).values(state="ended", ended_at=DUE, **closed))
    clock.move_to(DUE)

    await parked.follow_up_parked(services, await item(services, "follow_up_parked"))

    assert await keys(services, "parked", "parked_unowned") == []


async def test_end_resumes_what_waits_and_leaves_the_rest_as_it_is(
    services: Services, phase_id: str
) -> None:
    await change(services, phase_id, new_text="The report")
    await change(services, phase_id, PARK, replace(BACK, position=1), reason="The board asked.")
    phase = await loaded(services, phase_id)
    dropped = ItemDecision(outcome=ItemOutcome.DROPPED)
    async with services.db.transaction() as tx:
        decided = await lifecycle.decide_items(tx, WORKSPACE, phase, {1: dropped})

    after = (await loaded(services, phase_id)).set_aside_items
    assert after == decided
    assert [(one.outcome, one.parked_until) for one in after] == [
        ("parked", UNTIL),
        ("resumed", None),  # it came back before, whatever an old form says
        ("resumed", None),
    ]
