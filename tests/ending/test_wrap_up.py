"""The wrap-up, before the end and after it: kept once, whoever was first."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.clock import AdjustableClock
from bot.db import schema
from bot.ending.wrap_up import wrap_up
from bot.ending.wrap_up_form import ItemDecision
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
DECIDED = replace(SAID, decisions={0: PARKED, 1: ItemDecision(outcome=ItemOutcome.DROPPED)})


async def test_a_running_phase_ends_with_it(services: Services, clock: AdjustableClock) -> None:
    phase_id = await running(services)
    clock.advance(timedelta(days=2))

    await wrap_up(services, by(ANA, phase_id), DECIDED)

    phase = await phase_of(services, phase_id)
    assert not phase.is_active
    assert (phase.ended_by, phase.wrapped_up_by) == (ANA, ANA)
    assert phase.ended_at == phase.wrapped_up_at == clock.now()
    assert (phase.outcome, phase.learning) == ("Beta is out.", "Review earlier.")
    assert phase.recovery_until == date(2026, 11, 28)  # three days, of a sprint of three
    assert [(item.outcome, item.parked_until) for item in phase.items] == [
        ("parked", date(2027, 1, 11)),
        ("dropped", None),
    ]
    for action in ("refresh_announcement", "warn_end", "end_phase"):
        assert await planned(services, action) == {}
    actions = [one["action"] for one in await rows(services, schema.audit)]
    assert sorted(actions) == ["end", "start_phase", "wrap_up"]


async def test_the_channel_hears_it_once_and_the_pin_goes(services: Services) -> None:
    phase_id = await running(services)

    await wrap_up(services, by(ANA, phase_id), DECIDED)

    (closing,) = (await messages(services, "closing:")).values()
    assert "Beta is out." in str(closing["payload"])
    assert "parked with <@U0BEN> until Mon 11 Jan" in str(closing["payload"])
    assert await messages(services, "wrapped_up:") == {}
    assert await messages(services, "wrap_up:") == {}
    operations = [one["operation"] for one in await rows(services, schema.messages)]
    assert {"unpin", "unbookmark", "update"} <= set(operations)


async def test_goodbyes_come_in_each_ones_working_hours(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.move_to(datetime(2026, 11, 27, 18, tzinfo=UTC))  # Friday evening in Lisbon

    await wrap_up(services, by(ANA, phase_id), SAID)

    goodbyes = await planned(services, "say_goodbye")
    assert sorted(goodbyes) == sorted(MEMBERS)
    assert goodbyes["U0FIN"] == clock.now()  # 13:00 in New York
    assert goodbyes["U0HAN"] == clock.now()  # 19:00 in Prague
    assert goodbyes["U0EMI"] == datetime(2026, 11, 29, 23, tzinfo=UTC)  # Monday 08:00 in Tokyo


async def test_after_the_end_the_outcome_is_added(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.move_to(ENDS_AT)
    assert await carry_out(services, "end_phase") == 1
    clock.advance(timedelta(hours=16))

    await wrap_up(services, by(ANA, phase_id), DECIDED)

    phase = await phase_of(services, phase_id)
    assert (phase.ended_by, phase.ended_at) == (None, ENDS_AT)
    assert phase.wrapped_up_at == clock.now()
    (closing,) = (await messages(services, "closing:")).values()
    assert "Beta is out." not in str(closing["payload"])
    (added,) = (await messages(services, "wrapped_up:")).values()
    assert "Beta is out." in str(added["payload"])
    assert "decided differently" in str(added["payload"])
    (answered,) = (await messages(services, "edit:wrap_up:")).values()
    assert "Ana wrote it" in str(answered["payload"])
    assert (await planned(services, "say_goodbye"))["U0HAN"] == clock.now()


async def test_what_stays_as_it_was_is_not_said_again(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.move_to(ENDS_AT)
    await carry_out(services, "end_phase")

    await wrap_up(services, by(ANA, phase_id), replace(SAID, decisions={0: ItemDecision()}))

    (added,) = (await messages(services, "wrapped_up:")).values()
    assert "Dark mode" not in str(added["payload"])


async def test_lines_are_private_and_signed(services: Services, clock: AdjustableClock) -> None:
    phase_id = await running(services)
    await wrap_up(services, by(OWNER, phase_id), replace(SAID, lines={BEN: "Your fix held."}))
    clock.advance(timedelta(days=1))

    assert await carry_out(services, "say_goodbye") == len(MEMBERS)

    said = await messages(services, "goodbye:")
    assert "*Olivia to you:* Your fix held." in str(said[f"goodbye:{phase_id}:{BEN}"]["payload"])
    others = [row for key, row in said.items() if not key.endswith(BEN)]
    assert "Your fix held" not in str(others)
    assert "Your fix held" not in str(await messages(services, "closing:"))


async def test_a_line_written_after_the_goodbyes_comes_by_itself(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.move_to(ENDS_AT)
    await carry_out(services, "end_phase")
    clock.advance(timedelta(days=3))
    await carry_out(services, "say_goodbye")

    await wrap_up(services, by(ANA, phase_id), replace(SAID, lines={BEN: "Your fix held."}))
    clock.advance(timedelta(days=1))
    await carry_out(services, "say_goodbye")
    assert await carry_out(services, "say_line") == 1

    assert len(await messages(services, "goodbye:")) == len(MEMBERS)
    (line,) = (await messages(services, "line:")).values()
    assert line["conversation"] == BEN
    assert "Your fix held." in str(line["payload"])


async def test_the_same_twice_changes_nothing(services: Services) -> None:
    phase_id = await running(services)
    await wrap_up(services, by(ANA, phase_id), SAID)
    before = await evidence(services)

    with pytest.raises(Refused, match="this phase is wrapped up"):
        await wrap_up(services, by(ANA, phase_id), replace(SAID, outcome="Something else"))
    assert await evidence(services) == before


async def test_two_at_the_same_moment_are_one(services: Services) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA,)))

    done = await asyncio.gather(
        wrap_up(services, by(ANA, phase_id), SAID),
        wrap_up(services, by(HANA, phase_id), SAID),
        return_exceptions=True,
    )

    assert sorted(isinstance(one, Refused) for one in done) == [False, True]
    assert len(await messages(services, "closing:")) == 1


async def test_the_last_minute_and_the_date_are_one_end(
    services: Services, clock: AdjustableClock
) -> None:
    """The tick and the lead meet; neither waits for the other for ever, and it ends once."""
    phase_id = await running(services)
    clock.move_to(ENDS_AT)

    done = await asyncio.gather(
        wrap_up(services, by(ANA, phase_id), SAID),
        carry_out(services, "end_phase"),
        return_exceptions=True,
    )

    assert not isinstance(done[0], BaseException)
    assert len(await messages(services, "closing:")) == 1
    phase = await phase_of(services, phase_id)
    assert phase.outcome == "Beta is out."
    assert len(await planned(services, "say_goodbye")) == len(MEMBERS)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"outcome": ""}, "outcome", "the outcome is empty"),
        ({"outcome": "x" * 1_001}, "outcome", "1,001 characters, and 1,000 fit"),
        ({"learning": "x" * 3_001}, "learning", "3,001 characters, and 1,000 fit"),
        ({"lines": {BEN: "x" * 301}}, f"line:{BEN}", "301 characters, and 300 fit"),
        ({"decisions": {1: ItemDecision(outcome=ItemOutcome.PARKED)}}, "until:1", "needs a day"),
        (
            {"decisions": {0: ItemDecision(outcome=ItemOutcome.PARKED, until=date(2026, 11, 23))}},
            "until:0",
            "Mon 23 Nov is not after today",
        ),
    ],
)
async def test_what_cannot_be_is_said_at_its_field(
    services: Services, changes: dict[str, Any], field: str, said: str
) -> None:
    phase_id = await running(services)
    before = await evidence(services)

    with pytest.raises(Refused) as refusal:
        await wrap_up(services, by(ANA, phase_id), replace(SAID, **changes))
    assert list(refusal.value.fields) == [field]
    assert said in refusal.value.fields[field]
    assert refusal.value.text.startswith("Nothing was sent: ")
    assert await evidence(services) == before


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (BEN, "only the leads of this phase and workspace admins do this. Ask Ana and Hana"),
        (GUEST, "guests and people from other organisations"),
        (EXTERNAL, "guests and people from other organisations"),
    ],
)
async def test_who_does_not_lead_may_not(services: Services, who: str, said: str) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA,)))
    before = (await evidence(services))[:3]

    with pytest.raises(Refused, match=said):
        await wrap_up(services, by(who, phase_id), SAID)
    assert (await evidence(services))[:3] == before


@pytest.mark.parametrize("who", [ANA, HANA, OWNER])
async def test_leads_co_leads_and_admins_may(services: Services, who: str) -> None:
    phase_id = await running(services, replace(TRUST, co_lead_ids=(HANA,)))

    await wrap_up(services, by(who, phase_id), SAID)

    phase = await phase_of(services, phase_id)
    assert phase.wrapped_up_by == who
    assert phase.recovery_until is None


async def test_a_phase_nobody_knows_is_not_ended(services: Services) -> None:
    await running(services)

    with pytest.raises(Refused, match="not known any more"):
        await wrap_up(services, by(ANA, "nothing"), SAID)
