"""The roster of a phase is fixed: joiners wait for each other, leavers keep their place."""

from typing import Any

import pytest
from sqlalchemy import select, update

from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.phases import store as phase_store
from bot.playground.server import FakeSlack
from bot.rounds import membership
from bot.rounds.answer_changes import AnswerInput
from bot.rounds.lifecycle import plan_rounds
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, CHIARA, DEV, LAUNCH, MEMBERS, PLATFORM, WORKSPACE
from tests.rounds.answers import answer
from tests.rounds.evidence import agenda_of, carry_out, said
from tests.rounds.round_rows import NOW, PHASE, a_person, a_phase, the_phase
from tests.rounds.test_opening import FIRST, WEEKLY, open_first
from tests.rounds.test_roster import opt_out

SECOND_WEEKLY = f"{PHASE}:weekly:2026-12-08"
EVE, LEO = "U0EVE", "U0LEO"


@pytest.fixture
async def joiners(phase: Database, fake_slack: FakeSlack) -> Database:
    """The phase of seven members, in whose channel Slack knows two more people."""
    async with phase.transaction() as tx:
        for user_id in (EVE, LEO):
            await a_person(tx, user_id)
        await membership.set_baseline(tx, WORKSPACE, PHASE, [], NOW)
    set_channel(fake_slack)
    return phase


def set_channel(fake_slack: FakeSlack, *joined: str, without: tuple[str, ...] = ()) -> None:
    there = [user_id for user_id in (ANA, *MEMBERS) if user_id not in without]
    fake_slack.workspace.conversations[LAUNCH].members = [*there, *joined]


async def open_round(services: Services, clock: AdjustableClock, subject: str) -> Any:
    """Open a planned round and return its row."""
    clock.move_to((await agenda_of(services.db, "open_round"))[subject])
    await carry_out(services, "open_round", subject)
    rounds = schema.rounds
    async with services.db.reading() as reader:
        query = select(rounds).order_by(rounds.c.number.desc()).limit(1)
        return (await reader.execute(query)).one_or_none()


async def asked_in(db: Database, round_id: str) -> set[str]:
    asks = await agenda_of(db, "ask")
    return {user_id for one, user_id in (key.split(":") for key in asks) if one == round_id}


async def test_lone_joiner_of_a_small_team_waits_for_a_second_one(
    joiners: Database, services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    await open_first(services, clock)
    set_channel(fake_slack, EVE)
    alone = await open_round(services, clock, WEEKLY)
    waiting = await asked_in(joiners, alone.round_id)
    set_channel(fake_slack, EVE, LEO)
    both = await open_round(services, clock, SECOND_WEEKLY)

    assert (alone.asked, alone.minimum, alone.rounding) == (7, 4, "half")
    assert waiting == {ANA, *MEMBERS}
    assert (both.asked, both.minimum, both.rounding) == (9, 5, "half")
    assert await asked_in(joiners, both.round_id) == {ANA, *MEMBERS, EVE, LEO}


async def test_waiting_joiner_cannot_answer_and_is_not_counted_in_the_announcement(
    joiners: Database, services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    await open_first(services, clock)
    set_channel(fake_slack, EVE)
    round_ = await open_round(services, clock, WEEKLY)

    request = Request(workspace_id=WORKSPACE, user_id=EVE, target_id=round_.round_id)
    with pytest.raises(Refused, match="weren't asked this time"):
        await answer(services, request, AnswerInput(answers={"clarity": 1}))
    async with joiners.reading() as reader:
        phase = await the_phase(reader)
    assert EVE in phase.member_ids
    assert set(phase.roster_ids) == set(MEMBERS)


async def test_lone_joiner_of_eight_is_asked_and_levels_are_whole_until_another_joins(
    joiners: Database, services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    set_channel(fake_slack, LEO)
    first = await open_round(services, clock, FIRST)
    set_channel(fake_slack, LEO, EVE)
    second = await open_round(services, clock, WEEKLY)
    third = await open_round(services, clock, SECOND_WEEKLY)

    assert (first.asked, first.rounding) == (8, "half")
    assert (second.asked, second.rounding) == (9, "whole")
    assert EVE in await asked_in(joiners, second.round_id)
    assert (third.asked, third.rounding) == (9, "whole")  # the first can still be compared with it


async def test_joiner_before_the_first_questions_is_asked_like_everybody(
    joiners: Database, services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    set_channel(fake_slack, EVE, without=(BEN,))

    first = await open_round(services, clock, FIRST)

    assert (first.asked, first.rounding) == (7, "half")
    assert await asked_in(joiners, first.round_id) == {ANA, *MEMBERS, EVE} - {BEN}


async def test_leaver_keeps_their_place_and_levels_are_whole_until_another_leaves(
    joiners: Database, services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    await open_first(services, clock)
    set_channel(fake_slack, without=(BEN,))
    second = await open_round(services, clock, WEEKLY)
    set_channel(fake_slack, without=(BEN, CHIARA))
    third = await open_round(services, clock, SECOND_WEEKLY)

    assert (second.asked, second.minimum, second.rounding) == (7, 4, "whole")
    assert BEN not in await asked_in(joiners, second.round_id)
    assert (third.asked, third.rounding) == (7, "half")


async def test_person_who_opted_out_changes_no_number_and_is_not_asked(
    joiners: Database, services: Services, clock: AdjustableClock
) -> None:
    await open_first(services, clock)
    await opt_out(joiners, BEN)

    second = await open_round(services, clock, WEEKLY)

    assert (second.asked, second.minimum, second.rounding) == (7, 4, "half")
    assert BEN not in await asked_in(joiners, second.round_id)
    request = Request(workspace_id=WORKSPACE, user_id=BEN, target_id=second.round_id)
    with pytest.raises(Refused, match="weren't asked this time"):
        await answer(services, request, AnswerInput(answers={"clarity": 1}))


async def test_team_left_with_fewer_people_than_the_minimum_gets_talking_points(
    joiners: Database, services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    first = await open_round(services, clock, FIRST)
    set_channel(fake_slack, without=MEMBERS[:4])

    latest = await open_round(services, clock, WEEKLY)

    assert latest.round_id == first.round_id
    assert list(await agenda_of(joiners, "post_talking_points")) == [f"{PHASE}:2026-12-01"]


@pytest.mark.parametrize(
    ("others", "started_before", "is_similar"),
    [
        (MEMBERS[:-1], True, True),
        ((*MEMBERS, EVE), True, True),
        (MEMBERS[:-2], True, False),
        (MEMBERS, True, False),
        (MEMBERS[:-1], False, False),  # the first phase's levels are never withheld
    ],
)
async def test_phase_beside_another_with_the_same_team_but_one_gets_talking_points(
    joiners: Database,
    services: Services,
    clock: AdjustableClock,
    others: tuple[str, ...],
    started_before: bool,
    is_similar: bool,
) -> None:
    started = NOW.replace(hour=8 if started_before else 10)
    async with joiners.transaction() as tx:
        await a_phase(tx, phase_id="other", channel_id=PLATFORM, members=others, started_at=started)

    opened = await open_round(services, clock, FIRST)

    assert (opened is None) is is_similar
    async with joiners.reading() as reader:
        phase = await the_phase(reader)
    assert phase.too_similar_to == ("other" if is_similar else None)
    if is_similar:
        clock.move_to((await agenda_of(joiners, "post_talking_points"))[f"{PHASE}:2026-11-24"])
        await carry_out(services, "post_talking_points")
        posted = str((await said(joiners))[f"talking_points:{PHASE}:2026-11-24"])
        assert "the same team except for one person" in posted


@pytest.mark.parametrize(
    ("changed", "is_similar"),
    [
        ({}, True),
        ({"state": "ended", "ended_at": NOW.replace(hour=12)}, True),  # they overlapped
        ({"state": "ended", "ended_at": NOW}, False),  # one after the other
        ({"lead_id": CHIARA}, False),
    ],
)
async def test_only_overlapping_phases_of_a_shared_lead_are_too_similar(
    joiners: Database, changed: dict[str, Any], is_similar: bool
) -> None:
    people = schema.phase_people
    async with joiners.transaction() as tx:
        facts: dict[str, Any] = {
            "phase_id": "other",
            "channel_id": PLATFORM,
            "started_at": NOW.replace(hour=1),
        }
        await a_phase(tx, members=MEMBERS[1:], **facts, **changed)
        if "lead_id" in changed:
            other_lead = (people.c.phase_id == "other") & (people.c.role == "lead")
            await tx.execute(update(people).where(other_lead).values(user_id="U0ZOE"))
        found = await phase_store.too_similar_to(tx, WORKSPACE, await the_phase(tx))

    assert found == ("other" if is_similar else None)


async def test_team_of_four_with_one_person_opted_out_is_still_asked(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    """Talking points instead would tell everybody that somebody wants no messages."""
    team = MEMBERS[:4]
    async with db.transaction() as tx:
        for user_id in (ANA, *team):
            await a_person(tx, user_id)
        await a_phase(tx, members=team)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    await opt_out(db, DEV)

    first = await open_round(services, clock, FIRST)

    assert (first.asked, first.minimum) == (4, 4)
    assert await asked_in(db, first.round_id) == {ANA, *team} - {DEV}
