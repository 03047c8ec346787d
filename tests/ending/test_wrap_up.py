"""The wrap-up, before the end and after it: stored once, whoever submits first."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.clock import AdjustableClock
from bot.db import schema
from bot.ending.wrap_up import wrap_up
from bot.on_hold.rules import ItemDecision
from bot.phases.model import ItemOutcome
from bot.services import Services
from bot.slack.errors import Refused
from tests.ending.phase_rows import (
    ENDS_AT,
    SAID,
    by,
    carry_out,
    evidence,
    messages,
    phase_of,
    planned,
    rows,
    running,
)
from tests.harness import ANA, BEN, EXTERNAL, GUEST, HANA, MEMBERS, OWNER
from tests.start.proposals import SPRINT, TRUST

PARKED = ItemDecision(outcome=ItemOutcome.PARKED, until=date(2027, 1, 11))
WITH_DECISIONS = replace(SAID, decisions={0: PARKED, 1: ItemDecision(outcome=ItemOutcome.DROPPED)})


async def test_wrap_up_ends_a_running_phase(services: Services, clock: AdjustableClock) -> None:
    phase_id = await running(services)
    clock.advance(timedelta(days=2))

    await wrap_up(services, by(ANA, phase_id), WITH_DECISIONS)

    phase = await phase_of(services, phase_id)
    assert not phase.is_active
    assert (phase.ended_by, phase.wrapped_up_by) == (ANA, ANA)
    assert phase.ended_at == phase.wrapped_up_at == clock.now()
    assert (phase.outcome, phase.learning) == ("Beta is out.", "Review earlier.")
    assert phase.recovery_until == date(2026, 11, 28)  # three days, of a sprint of three
    assert [(item.outcome, item.parked_until) for item in phase.set_aside_items] == [
        ("parked", date(2027, 1, 11)),
        ("dropped", None),
    ]
    for action in ("refresh_announcement", "warn_end", "end_phase"):
        assert await planned(services, action) == {}
    actions = [one["action"] for one in await rows(services, schema.audit)]
    assert sorted(actions) == ["end", "start_phase", "wrap_up"]


async def test_goodbyes_are_sent_in_each_members_working_hours(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.move_to(datetime(2026, 11, 27, 18, tzinfo=UTC))  # Friday evening in Lisbon

    await wrap_up(services, by(ANA, phase_id), SAID)

    goodbyes = await planned(services, "send_goodbye")
    assert sorted(goodbyes) == sorted(MEMBERS)
    assert goodbyes["U0FIN"] == clock.now()  # 13:00 in New York
    assert goodbyes["U0HAN"] == clock.now()  # 19:00 in Prague
    assert goodbyes["U0EMI"] == datetime(2026, 11, 29, 23, tzinfo=UTC)  # Monday 08:00 in Tokyo


async def test_wrap_up_after_the_end_posts_the_outcome_separately(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.move_to(ENDS_AT)
    assert await carry_out(services, "end_phase") == 1
    clock.advance(timedelta(hours=16))

    await wrap_up(services, by(ANA, phase_id), WITH_DECISIONS)

    phase = await phase_of(services, phase_id)
    assert (phase.ended_by, phase.ended_at) == (None, ENDS_AT)
    assert phase.wrapped_up_at == clock.now()
    (closing,) = (await messages(services, "closing:")).values()
    assert "Beta is out." not in str(closing["payload"])
    (added,) = (await messages(services, "wrapped_up:")).values()
    assert "Beta is out." in str(added["payload"])
    assert "Updated plan for the work on hold:" in str(added["payload"])
    (answered,) = (await messages(services, "edit:wrap_up:")).values()
    assert "Ana wrote it" in str(answered["payload"])
    assert (await planned(services, "send_goodbye"))["U0HAN"] == clock.now()


async def test_late_wrap_up_omits_unchanged_items(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.move_to(ENDS_AT)
    await carry_out(services, "end_phase")

    await wrap_up(services, by(ANA, phase_id), replace(SAID, decisions={0: ItemDecision()}))

    (added,) = (await messages(services, "wrapped_up:")).values()
    assert "Dark mode" not in str(added["payload"])


async def test_only_one_of_two_concurrent_wrap_ups_succeeds(services: Services) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA,)))

    outcomes = await asyncio.gather(
        wrap_up(services, by(ANA, phase_id), SAID),
        wrap_up(services, by(HANA, phase_id), SAID),
        return_exceptions=True,
    )

    assert sorted(isinstance(one, Refused) for one in outcomes) == [False, True]
    assert len(await messages(services, "closing:")) == 1


async def test_wrap_up_racing_with_the_end_ends_the_phase_once(
    services: Services, clock: AdjustableClock
) -> None:
    """The scheduled end and the lead's wrap-up must not deadlock."""
    phase_id = await running(services)
    clock.move_to(ENDS_AT)

    outcomes = await asyncio.gather(
        wrap_up(services, by(ANA, phase_id), SAID),
        carry_out(services, "end_phase"),
        return_exceptions=True,
    )

    assert not isinstance(outcomes[0], BaseException)
    assert len(await messages(services, "closing:")) == 1
    phase = await phase_of(services, phase_id)
    assert phase.outcome == "Beta is out."
    assert len(await planned(services, "send_goodbye")) == len(MEMBERS)


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"outcome": ""}, "outcome", "Say in a sentence what came of it"),
        ({"milestone_outcome": None}, "milestone_outcome", "hit, missed or moved"),
        ({"reason": "x" * 1_001}, "reason", "1,001 characters, but only 1,000 fit"),
        ({"outcome": "x" * 1_001}, "outcome", "1,001 characters, but only 1,000 fit"),
        ({"learning": "x" * 3_001}, "learning", "3,001 characters, but only 1,000 fit"),
        ({"lines": {BEN: "x" * 301}}, f"line:{BEN}", "301 characters, but only 300 fit"),
        ({"decisions": {1: ItemDecision(outcome=ItemOutcome.PARKED)}}, "until:1", "needs a day"),
        (
            {"decisions": {0: ItemDecision(outcome=ItemOutcome.PARKED, until=date(2026, 11, 23))}},
            "until:0",
            "Mon 23 Nov isn't after today. Pick a later day.",
        ),
    ],
)
async def test_invalid_wrap_up_is_refused_at_its_field(
    services: Services, changes: dict[str, Any], field: str, message: str
) -> None:
    phase_id = await running(services)
    before = await evidence(services)

    with pytest.raises(Refused) as refusal:
        await wrap_up(services, by(ANA, phase_id), replace(SAID, **changes))
    assert list(refusal.value.fields) == [field]
    assert message in refusal.value.fields[field]
    assert await evidence(services) == before


@pytest.mark.parametrize(
    ("user_id", "message"),
    [
        (BEN, "Only this phase's leads and workspace admins can do this. Talk to Ana and Hana."),
        (GUEST, "Guests and people from other organizations"),
        (EXTERNAL, "Guests and people from other organizations"),
    ],
)
async def test_members_guests_and_externals_may_not_wrap_up(
    services: Services, user_id: str, message: str
) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA,)))
    before = (await evidence(services))[:3]

    with pytest.raises(Refused, match=message):
        await wrap_up(services, by(user_id, phase_id), SAID)
    assert (await evidence(services))[:3] == before


@pytest.mark.parametrize("user_id", [ANA, HANA, OWNER])
async def test_leads_co_leads_and_admins_may_wrap_up(services: Services, user_id: str) -> None:
    phase_id = await running(services, replace(TRUST, co_lead_ids=(HANA,)))

    await wrap_up(services, by(user_id, phase_id), SAID)

    phase = await phase_of(services, phase_id)
    assert phase.wrapped_up_by == user_id
    assert phase.recovery_until is None


async def test_wrap_up_of_an_unknown_phase_is_refused(services: Services) -> None:
    await running(services)

    with pytest.raises(Refused, match="can't find this phase any more"):
        await wrap_up(services, by(ANA, "nothing"), SAID)
