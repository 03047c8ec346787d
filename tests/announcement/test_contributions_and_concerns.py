"""Contributions of team members, and concerns, which carry neither author nor time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.agenda.schedule import AgendaItem
from bot.announcement import concerns
from bot.announcement.contributions import phase_for_member, save_contribution, visible_phase
from bot.clock import AdjustableClock, shuffled
from bot.db import schema
from bot.phases import store
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, CHIARA, GENERAL, LAUNCH, OWNER, WORKSPACE
from tests.rounds.evidence import opened
from tests.start.proposals import SPRINT, begin, store_people
from tests.start.test_begin import end, item, planned, rows


def by(user_id: str, phase_id: str, channel_id: str | None = None) -> Request:
    return Request(
        workspace_id=WORKSPACE, target_id=phase_id, user_id=user_id, channel_id=channel_id
    )


async def contribute(services: Services, phase_id: str, user_id: str, text: str) -> None:
    await save_contribution(services, by(user_id, phase_id), text=text, field="text")


async def raise_concern(
    services: Services, phase_id: str, user_id: str, text: str, form: str | None = None
) -> None:
    await concerns.raise_concern(
        services,
        by(user_id, phase_id),
        text=text,
        field="text",
        view_id=form or f"{user_id} {text}",
    )


async def stored_contribution(services: Services, phase_id: str, user_id: str) -> str | None:
    async with services.db.reading() as reader:
        phase = await store.load(reader, WORKSPACE, phase_id)
    assert phase is not None
    return next(one.contribution for one in phase.people if one.user_id == user_id)


async def test_contributions_and_concerns_are_refused_outside_the_team(services: Services) -> None:
    phase_id = await begin(services)

    with pytest.raises(Refused, match="aren't on this phase's team"):
        await contribute(services, phase_id, OWNER, "I watch.")
    with pytest.raises(Refused, match="aren't on this phase's team"):
        await raise_concern(services, phase_id, OWNER, "I watch.")


async def test_contributions_and_concerns_are_refused_after_the_end(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await begin(services)
    await end(services, clock, days=14)

    for submit in (contribute, raise_concern):
        with pytest.raises(Refused, match="This phase has ended"):
            await submit(services, phase_id, BEN, "Late.")


async def test_concern_is_stored_sealed_and_without_author_and_time(services: Services) -> None:
    phase_id = await begin(services)
    await raise_concern(services, phase_id, BEN, "We worked on Sunday.")

    (row,) = await rows(services, schema.concerns)
    assert set(row) == {"workspace_id", "phase_id", "concern_id", "key_id", "sealed"}
    assert b"Sunday" not in row["sealed"]


async def test_form_submitted_twice_stores_one_concern(services: Services) -> None:
    phase_id = await begin(services)
    for text in ("Too much", "Too much at once"):
        await raise_concern(services, phase_id, BEN, text, form="V1")

    async with services.db.transaction() as tx:
        texts = await concerns._take(tx, services.keys, WORKSPACE, phase_id)
    assert list(texts.values()) == ["Too much at once"]


async def test_later_concern_does_not_delay_the_delivery(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await begin(services)
    await raise_concern(services, phase_id, BEN, "First")
    clock.advance(timedelta(hours=23))
    await raise_concern(services, phase_id, CHIARA, "Second")

    assert (await planned(services))["deliver_concerns"] == datetime(2026, 11, 24, 9, tzinfo=UTC)


async def test_concerns_are_delivered_to_each_lead_and_deleted(
    services: Services, clock: AdjustableClock
) -> None:
    await store_people(services)
    phase_id = await begin(services, replace(SPRINT, co_lead_ids=(CHIARA,)))
    texts = [f"Concern {number}" for number in range(8)]
    for text in texts:
        await raise_concern(services, phase_id, BEN, text)
    due: AgendaItem = await item(services, "deliver_concerns")
    clock.move_to(due.due_at)

    await concerns.deliver_concerns(services, due)

    assert await rows(services, schema.concerns) == []
    async with services.db.reading() as reader:
        found = (
            await reader.execute(
                select(schema.messages).where(schema.messages.c.key.startswith("concerns:"))
            )
        ).mappings()
        messages = list(found)
    assert {one["conversation"] for one in messages} == {ANA, CHIARA}
    for lead in (ANA, CHIARA):
        mine = str([opened(one["payload"]) for one in messages if one["conversation"] == lead])
        assert all(text in mine for text in texts)


async def test_concerns_are_delivered_in_shuffled_order(
    services: Services, clock: AdjustableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is that of `bot.clock.shuffled`, not the one they were stored in."""
    await store_people(services)
    phase_id = await begin(services)
    for text in ("One", "Two", "Three"):
        await raise_concern(services, phase_id, BEN, text)
    due = await item(services, "deliver_concerns")
    clock.move_to(due.due_at)
    monkeypatch.setattr(concerns, "shuffled", sorted)

    await concerns.deliver_concerns(services, due)

    (message,) = [one for one in await rows(services, schema.messages) if "concerns" in one["key"]]
    text = str(opened(message["payload"]))
    assert text.index(">One") < text.index(">Three") < text.index(">Two")
    assert sorted(shuffled("abc")) == ["a", "b", "c"]
    assert len({tuple(shuffled(range(9))) for _ in range(9)}) > 1


@pytest.mark.parametrize(
    ("length", "count", "messages"),
    [(0, 1, 1), (0, 16, 1), (0, 17, 2), (2_900, 7, 3)],
)
async def test_concerns_are_delivered_whole_in_as_many_messages_as_needed(
    services: Services, clock: AdjustableClock, length: int, count: int, messages: int
) -> None:
    phase_id = await begin(services)
    for number in range(count):
        await raise_concern(services, phase_id, BEN, f"<{number}>" + "x" * length)
    due = await item(services, "deliver_concerns")
    clock.move_to(due.due_at)

    await concerns.deliver_concerns(services, due)

    sent = [one for one in await rows(services, schema.messages) if "concerns" in one["key"]]
    assert len(sent) == messages
    text = str([opened(one["payload"]) for one in sent])
    assert all(text.count(f"&lt;{number}&gt;{'x' * length}") == 1 for number in range(count))


async def test_texts_are_accepted_up_to_their_maximum_length(
    services: Services,
) -> None:
    phase_id = await begin(services)
    await contribute(services, phase_id, BEN, "x" * 240)
    await raise_concern(services, phase_id, BEN, "x" * 3_000)
    for submit, text in (
        (contribute, "x" * 241),
        (raise_concern, "x" * 3_001),
        (raise_concern, ""),
    ):
        with pytest.raises(Refused) as refused:
            await submit(services, phase_id, BEN, text)
        assert list(refused.value.fields) == ["text"]
    assert len(await rows(services, schema.concerns)) == 1


async def test_contribution_of_a_member_can_be_saved_changed_and_removed(
    services: Services,
) -> None:
    phase_id = await begin(services)
    await contribute(services, phase_id, CHIARA, "I test it.")
    for text in ("I carry it.", "We carry it.", ""):
        await contribute(services, phase_id, BEN, text)

        assert await stored_contribution(services, phase_id, BEN) == (text or None)
    assert await stored_contribution(services, phase_id, CHIARA) == "I test it."
    assert await stored_contribution(services, phase_id, ANA) is None


@pytest.mark.parametrize("user_id", [BEN, ANA])
async def test_departed_person_can_neither_contribute_nor_see_details(
    services: Services, clock: AdjustableClock, user_id: str
) -> None:
    phase_id = await begin(services)
    people = schema.phase_people
    async with services.db.transaction() as tx:
        left = update(people).where(people.c.user_id == user_id).values(left_at=clock.now())
        await tx.execute(left)
    request = by(user_id, phase_id)

    with pytest.raises(Refused, match="aren't on this phase's team"):
        await contribute(services, phase_id, user_id, "Late.")
    with pytest.raises(Refused, match="aren't on this phase's team"):
        await phase_for_member(services, request)
    with pytest.raises(Refused, match="Join the channel first"):
        await visible_phase(services, request)


async def test_concern_is_delivered_to_a_lead_who_has_left(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await begin(services)
    await raise_concern(services, phase_id, BEN, "Who leads now?")
    async with services.db.transaction() as tx:
        people = schema.phase_people
        await tx.execute(update(people).where(people.c.user_id == ANA).values(left_at=clock.now()))
    due = await item(services, "deliver_concerns")
    clock.move_to(due.due_at)

    await concerns.deliver_concerns(services, due)

    messages = await rows(services, schema.messages)
    payloads = {one["conversation"]: str(opened(one["payload"])) for one in messages}
    assert [person for person, said in payloads.items() if "Who leads now?" in said] == [ANA]


async def test_details_are_visible_to_the_team_and_from_the_channel_only(
    services: Services,
) -> None:
    phase_id = await begin(services)

    await visible_phase(services, by(OWNER, phase_id, LAUNCH))
    await visible_phase(services, by(BEN, phase_id))
    for channel_id in (GENERAL, None):
        with pytest.raises(Refused, match="Join the channel first"):
            await visible_phase(services, by(OWNER, phase_id, channel_id))
