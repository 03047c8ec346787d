"""The summary of an ended phase, and the limits and effects of its wrap-up."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.clock import AdjustableClock
from bot.db import schema
from bot.ending import wrap_up_form
from bot.ending.end import end_now
from bot.ending.summary import summarize
from bot.ending.wrap_up import wrap_up
from bot.ending.wrap_up_form import WrapUp
from bot.on_hold.rules import ItemDecision
from bot.phases import store
from bot.phases.model import ItemOutcome, MilestoneOutcome
from bot.results.store import comment_context, comments_of
from bot.round_keys import seal_text
from bot.rounds.questions import about_leads
from bot.rounds.store import as_json
from bot.services import Services
from bot.slack.errors import Refused
from tests.ending.phase_rows import (
    ENDS_AT,
    SAID,
    by,
    carry_out,
    messages,
    phase_of,
    planned,
    running,
)
from tests.harness import ANA, BEN, CHIARA, KEYS, LAUNCH, MEMBERS, OWNER, WORKSPACE
from tests.results.result_rows import latest_reply_text
from tests.rounds.round_rows import NOW, a_phase, a_round, the_phase
from tests.start.proposals import SPRINT, TRUST


async def add_closed_round(services: Services, number: int, **changed: Any) -> None:
    values = {
        "round_id": f"round{number}",
        "phase_id": "over",
        "number": number,
        "state": "closed",
        "reached_minimum": True,
        "questions": as_json(about_leads(["Ana"])),
    }
    async with services.db.transaction() as tx:
        await a_round(tx, **{**values, **changed})
        for key in ("clarity", "trust"):
            await tx.execute(
                insert(schema.question_levels).values(
                    workspace_id=WORKSPACE,
                    round_id=f"round{number}",
                    key=key,
                    level=3.5,
                )
            )


@pytest.fixture
async def seeded_services(services: Services) -> Services:
    """The services, with an ended phase and a running one in the database."""
    async with services.db.transaction() as tx:
        ended: dict[str, Any] = {"state": "ended", "ended_at": ENDS_AT}
        await a_phase(tx, phase_id="over", wrapped_up_by="U0NOBODY", **ended)
        await a_phase(tx, phase_id="runs")
    return services


@pytest.mark.parametrize(
    ("shown", "newest"),
    [
        ((), None),
        ((None,), None),
        ((NOW,), "round1"),
        ((NOW, ENDS_AT + timedelta(days=1)), "round2"),
        ((ENDS_AT + timedelta(days=1), NOW), "round2"),
        ((NOW, None), "round1"),
    ],
)
async def test_summary_pictures_only_results_shown_to_the_team(
    seeded_services: Services, shown: tuple[datetime | None, ...], newest: str | None
) -> None:
    for number, shown_at in enumerate(shown):
        await add_closed_round(seeded_services, number + 1, shown_at=shown_at)

    async with seeded_services.db.reading() as reader:
        found = await summarize(reader, WORKSPACE, await the_phase(reader, "over"))
        with pytest.raises(ValueError, match="still runs"):
            await summarize(reader, WORKSPACE, await the_phase(reader, "runs"))

    assert (found.picture is not None, found.newest_round_id) == (newest is not None, newest)
    assert (found.ended_on, found.wrap_up_author) == (date(2026, 12, 7), "U0NOBODY")


async def test_summary_leaves_out_the_rounds_after_the_end(seeded_services: Services) -> None:
    await add_closed_round(seeded_services, 1, kind="first", shown_at=NOW)
    await add_closed_round(seeded_services, 2, kind="closing", shown_at=NOW)
    await add_closed_round(seeded_services, 3, kind="after", shown_at=ENDS_AT + timedelta(weeks=2))

    async with seeded_services.db.reading() as reader:
        found = await summarize(reader, WORKSPACE, await the_phase(reader, "over"))

    assert found.newest_round_id == "round2"
    assert found.picture is not None
    assert [one["name"] for one in found.picture.facts["rounds"]] == ["First", "Last"]
    assert found.level_lines[0] == "*Clear and doable:* 3.5 at the start, 3.5 at the end"


async def test_summary_tells_only_promises_that_the_team_has_read(
    seeded_services: Services,
) -> None:
    await add_closed_round(seeded_services, 1, note="Read by the team", shown_at=NOW)
    await add_closed_round(seeded_services, 2, note="Read by the leads alone")

    async with seeded_services.db.reading() as reader:
        found = await summarize(reader, WORKSPACE, await the_phase(reader, "over"))

    assert [promise.text for promise in found.promises] == ["Read by the team"]


async def test_latest_reply_text_is_that_of_the_highest_numbered_shown_round(
    seeded_services: Services,
) -> None:
    async def note() -> str | None:
        async with seeded_services.db.reading() as reader:
            return await latest_reply_text(reader, WORKSPACE, "over")

    assert await note() is None
    await add_closed_round(seeded_services, 2, note="Second", shown_at=NOW)
    await add_closed_round(seeded_services, 1, note="First", shown_at=NOW + timedelta(days=1))
    await add_closed_round(seeded_services, 3, note="Not shown yet")
    assert await note() == "Second"


async def test_items_and_comments_are_ordered_by_position(seeded_services: Services) -> None:
    await add_closed_round(seeded_services, 1)
    async with seeded_services.db.transaction() as tx:
        for position in (2, 0, 1):
            here = {"workspace_id": WORKSPACE, "position": position}
            text = str(position)
            item = {**here, "phase_id": "over", "owner_id": BEN, "text": text}
            await tx.execute(schema.set_aside_items.insert().values(**item))
            sealed = seal_text(KEYS, text, comment_context(WORKSPACE, "round1"), NOW.date())
            comment = {**here, "round_id": "round1", **sealed}
            await tx.execute(schema.round_comments.insert().values(**comment))

    async with seeded_services.db.reading() as reader:
        items = (await the_phase(reader, "over")).set_aside_items
        comments = await comments_of(reader, KEYS, WORKSPACE, "round1")

    assert [one.text for one in items] == ["0", "1", "2"]
    assert comments == ("0", "1", "2")


@pytest.mark.parametrize("outcome", [None, *ItemOutcome])
async def test_wrap_up_form_shows_stored_outcomes(
    services: Services, outcome: ItemOutcome | None
) -> None:
    phase = await phase_of(services, await running(services))
    items_with_outcome = tuple(replace(one, outcome=outcome) for one in phase.set_aside_items)

    view = wrap_up_form.build(replace(phase, set_aside_items=items_with_outcome)).to_dict()

    shown = [
        block["element"]["initial_option"]["value"]
        for block in view["blocks"]
        if block.get("block_id", "").startswith("outcome:")
    ]
    assert shown == [outcome or ItemOutcome.RESUMED] * 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"outcome": "x" * 1_000, "learning": "x" * 1_000, "thanks": "x" * 1_000}, None),
        ({"lines": {BEN: "x" * 300}}, None),
        ({"thanks": "x" * 1_001}, "thanks"),
        ({"lines": {BEN: "x", CHIARA: "x" * 301}}, f"line:{CHIARA}"),
        (
            {"decisions": {1: ItemDecision(outcome=ItemOutcome.PARKED, until=date(2026, 11, 24))}},
            None,
        ),
    ],
)
async def test_wrap_up_enforces_text_limits_and_future_parking_dates(
    services: Services, changes: dict[str, Any], field: str | None
) -> None:
    phase_id = await running(services)
    if field is None:
        await wrap_up(services, by(ANA, phase_id), replace(SAID, **changes))
    else:
        with pytest.raises(Refused) as refused:
            await wrap_up(services, by(ANA, phase_id), replace(SAID, **changes))
        assert list(refused.value.fields) == [field]
    assert (await phase_of(services, phase_id)).is_active is (field is not None)


async def test_wrap_up_stores_outcomes_lines_texts_and_audit_rows(services: Services) -> None:
    phase_id = await running(services)
    submitted = WrapUp(
        milestone_outcome=MilestoneOutcome.MISSED,
        outcome="Out.",
        reason="The audit.",
        decisions={1: ItemDecision(outcome=ItemOutcome.PARKED, until=date(2027, 1, 11))},
        lines={BEN: "Your fix held."},
    )
    await wrap_up(services, by(OWNER, phase_id), submitted)

    phase = await phase_of(services, phase_id)
    assert [(one.outcome, one.parked_until) for one in phase.set_aside_items] == [
        ("resumed", None),
        ("parked", date(2027, 1, 11)),
    ]
    lines = {one.user_id: one.thanks_line for one in phase.people}
    assert lines == {**dict.fromkeys((ANA, *MEMBERS)), BEN: "Your fix held."}
    assert (phase.outcome, phase.learning, phase.thanks) == ("Out.", None, None)
    assert (phase.milestone_outcome, phase.protected_outcome) == ("missed", None)
    assert (phase.planned, phase.reason) == (None, "The audit.")
    assert (phase.wrapped_up_by, phase.ended_by, phase.wrapped_up_at) == (OWNER, OWNER, NOW)
    audit = schema.audit
    async with services.db.reading() as reader:
        rows = await reader.execute(select(audit.c.action, audit.c.actor_id, audit.c.after))
    found = {row.action: (row.actor_id, row.after) for row in rows}
    assert found["end"] == (OWNER, {"ended_on": "2026-11-23"})
    assert found["wrap_up"] == (OWNER, None)


@pytest.mark.parametrize(
    ("ended_at", "until"),
    [
        (datetime(2026, 11, 23, 12, tzinfo=UTC), date(2026, 11, 24)),  # on its first day
        (datetime(2026, 11, 27, 12, tzinfo=UTC), date(2026, 12, 2)),
        (ENDS_AT, date(2026, 12, 22)),
        (ENDS_AT + timedelta(days=9), date(2026, 12, 22)),
    ],
)
async def test_recovery_is_as_long_as_the_sprint_and_absent_for_trust_building(
    services: Services, ended_at: datetime, until: date
) -> None:
    ids = [await running(services), await running(services, replace(TRUST, channel_id="C0X"))]
    found = []
    for phase_id in ids:
        async with services.db.transaction() as tx:
            phase = await store.lock(tx, WORKSPACE, phase_id)
            assert phase is not None
            await end_now(tx, WORKSPACE, phase, by=None, now=ended_at)
        found.append((await phase_of(services, phase_id)).recovery_until)

    assert found == [until, None]


async def test_wrap_up_after_the_end_advances_goodbyes_and_sends_late_lines(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.move_to(ENDS_AT)
    await carry_out(services, "end_phase")
    scheduled_before = await planned(services, "send_goodbye")
    agenda = schema.agenda
    async with services.db.transaction() as tx:  # two have received theirs already
        for user_id in (BEN, CHIARA):
            subject = f"{phase_id}:{user_id}"
            await tx.execute(agenda.delete().where(agenda.c.subject == subject))
    clock.move_to(datetime(2026, 12, 8, 12, tzinfo=UTC))

    await wrap_up(services, by(ANA, phase_id), replace(SAID, lines={BEN: "Your fix held."}))

    goodbyes = await planned(services, "send_goodbye")
    assert sorted(goodbyes) == sorted({*MEMBERS} - {BEN, CHIARA})
    assert all(at < scheduled_before[user_id] for user_id, at in goodbyes.items())
    assert await planned(services, "send_late_thanks") == {BEN: clock.now()}
    requests = await messages(services, f"wrap_up:{phase_id}")
    assert {row["conversation"] for row in requests.values()} == {ANA}
    (added,) = (await messages(services, "wrapped_up:")).values()
    assert (added["conversation"], added["not_before"]) == (LAUNCH, clock.now())


@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
async def test_goodbye_uses_the_phases_time_zone_if_the_member_has_none(
    services: Services, clock: AdjustableClock, zone: str | None
) -> None:
    phase_id = await running(services)
    people = schema.people
    async with services.db.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == BEN).values(zone=zone))
    clock.move_to(ENDS_AT)
    await carry_out(services, "end_phase")

    at = (await planned(services, "send_goodbye"))[BEN]
    assert at == datetime(2026, 12, 9, 10 if zone is None else 1, tzinfo=UTC)
    clock.move_to(datetime(2026, 12, 9, 21, tzinfo=UTC))  # night in Lisbon, six in Tokyo
    await carry_out(services, "send_goodbye")
    goodbye = (await messages(services, "goodbye:"))[f"goodbye:{phase_id}:{BEN}"]
    tokyo = datetime(2026, 12, 9, 23, tzinfo=UTC)
    assert goodbye["not_before"] == (
        datetime(2026, 12, 10, 8, tzinfo=UTC) if zone is None else tokyo
    )


async def test_running_phase_has_no_end_and_ordered_items(services: Services) -> None:
    phase_id = await running(services, SPRINT)
    phase = await phase_of(services, phase_id)
    assert (phase.ended_by, phase.ended_at) == (None, None)
    assert [one.position for one in phase.set_aside_items] == [0, 1]
