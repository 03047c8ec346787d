"""Published App Home: phases, their order and buttons, opt-outs, and held messages."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.agenda.actions import ActionName
from bot.clock import AdjustableClock
from bot.db import schema
from bot.history.history_page import HISTORY
from bot.home import handlers, held_decisions
from bot.home.lifecycle import show_home
from bot.home.phase_section import HINTS
from bot.operations.message_decisions import Decision
from bot.outbox import enqueue
from bot.phases.opt_outs import opt_in, opt_out
from bot.phases.rules import Actor
from bot.playground.server import FakeSlack
from bot.rounds import ballots
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import (
    ANA,
    BEN,
    CHIARA,
    EXTERNAL,
    GENERAL,
    LAUNCH,
    OWNER,
    PLATFORM,
    SECRET,
    WORKSPACE,
)
from tests.rounds.round_rows import NOW, ROUND, ZONES, a_person, a_phase, a_round

DETAILS, EXTEND, END = "phase.details", "phases.extend", "phases.end"
HOLD = "on_hold.open"
OUT, IN = "home.opt_out", "home.opt_in"
FIRST_TAP, SKIP = "home.tap.clarity.1", "home.skip"
START = "home.start"  # carries nothing


@pytest.fixture
async def people(services: Services) -> Services:
    async with services.db.transaction() as tx:
        for user_id in (*ZONES, EXTERNAL):
            await a_person(tx, user_id, team_id="T0PARTNER" if user_id == EXTERNAL else WORKSPACE)
        await a_person(tx, OWNER, is_admin=True)
    return services


def by(user_id: str, target_id: str = "") -> Request:
    return Request(workspace_id=WORKSPACE, user_id=user_id, target_id=target_id)


async def home_buttons(
    services: Services,
    user_id: str,
    channel_ids: tuple[str, ...] = (LAUNCH, PLATFORM),
    *,
    is_admin: bool = False,
) -> list[tuple[str, str]]:
    """Publish the tab; return the action id and value of each of its buttons."""
    actor = Actor(user_id=user_id, is_full_member=True, is_admin=is_admin)
    await show_home(services, by(user_id), channel_ids=channel_ids, actor=actor)
    blocks = (await published_view(services, user_id))["blocks"]
    elements = [element for block in blocks for element in block.get("elements", [])]
    elements += [block["accessory"] for block in blocks if "accessory" in block]
    return [
        (element["action_id"], element["value"])
        for element in elements
        if element["type"] == "button" and element["action_id"] != START
    ]


async def published_view(services: Services, user_id: str) -> dict[str, Any]:
    messages = schema.messages
    async with services.db.reading() as reader:
        row = await reader.execute(select(messages).where(messages.c.key == f"home:{user_id}"))
        found = row.mappings().one()
    assert found["conversation"] == user_id
    return dict(found["payload"])


async def add_phases(services: Services, *phases: dict[str, Any]) -> None:
    async with services.db.transaction() as tx:
        for phase in phases:
            await a_phase(tx, **phase)


async def insert_row(services: Services, table: Any, **values: Any) -> None:
    async with services.db.transaction() as tx:
        await tx.execute(insert(table).values(workspace_id=WORKSPACE, **values))


async def opted_out_people(services: Services) -> list[tuple[str, str]]:
    optouts = schema.channel_optouts
    async with services.db.reading() as reader:
        found = await reader.execute(select(optouts.c.channel_id, optouts.c.user_id))
        return sorted((row.channel_id, row.user_id) for row in found)


async def set_opt_out(services: Services, user_id: str, channel_id: str, *, out: bool) -> None:
    change = opt_out if out else opt_in
    await change(services, WORKSPACE, channel_id, user_id)


async def test_opt_out_applies_to_one_person_in_one_channel(services: Services) -> None:
    for user_id in (BEN, CHIARA):
        for channel_id in (LAUNCH, PLATFORM):
            await set_opt_out(services, user_id, channel_id, out=True)
    await set_opt_out(services, BEN, LAUNCH, out=True)  # again
    assert len(await opted_out_people(services)) == 4

    await set_opt_out(services, BEN, LAUNCH, out=False)

    assert await opted_out_people(services) == [
        (LAUNCH, CHIARA),
        (PLATFORM, BEN),
        (PLATFORM, CHIARA),
    ]


@pytest.mark.parametrize(
    ("user_id", "has_opted_out", "buttons"),
    [
        (BEN, False, [DETAILS, HISTORY, OUT]),
        (BEN, True, [DETAILS, HISTORY, IN]),
        (ANA, False, [DETAILS, HISTORY, HOLD, EXTEND, END]),
        (ANA, True, [DETAILS, HISTORY, HOLD, EXTEND, END, IN]),  # a lead who had opted out
        (OWNER, False, [DETAILS, HISTORY]),
        (OWNER, True, [DETAILS, HISTORY, IN]),
    ],
)
async def test_home_buttons_depend_on_role_and_opt_out(
    people: Services, user_id: str, has_opted_out: bool, buttons: Sequence[str]
) -> None:
    await add_phases(people, {})
    await set_opt_out(people, user_id, PLATFORM, out=True)  # of another channel
    if has_opted_out:
        await set_opt_out(people, user_id, LAUNCH, out=True)

    assert [action for action, _ in await home_buttons(people, user_id)] == buttons
    text = str(await published_view(people, user_id))
    assert (f"you aren't asked in <#{LAUNCH}>" in text) is has_opted_out


async def test_button_values_are_the_phase_or_channel_id(people: Services) -> None:
    await add_phases(people, {})
    assert dict(await home_buttons(people, BEN)) == {
        DETAILS: "phase1",
        HISTORY: LAUNCH,
        OUT: LAUNCH,
    }
    assert dict(await home_buttons(people, ANA)) == {
        DETAILS: "phase1",
        HISTORY: LAUNCH,
        HOLD: "phase1",
        EXTEND: "phase1",
        END: "phase1",
    }


async def test_phases_are_sorted_by_lead_then_end_date_with_ended_ones_last(
    people: Services, clock: AdjustableClock
) -> None:
    over = {"state": "ended", "ended_at": NOW - timedelta(days=3), "leads": (BEN,), "members": ()}
    mine = {"leads": (ANA,), "members": (BEN,)}
    await add_phases(
        people,
        {**over, "phase_id": "over", "channel_id": SECRET, "ends_on": date(2026, 11, 20)},
        {**mine, "phase_id": "later", "channel_id": LAUNCH, "ends_on": date(2026, 12, 18)},
        {**mine, "phase_id": "sooner", "channel_id": PLATFORM, "ends_on": date(2026, 12, 11)},
        {"phase_id": "led", "channel_id": GENERAL, "leads": (BEN,), "members": (ANA,)},
        {"phase_id": "same-day", "channel_id": "C0A", "leads": (ANA,), "members": (BEN,)},
    )
    await insert_row(
        people,
        schema.agenda,
        action=ActionName.OPEN_ROUND,
        subject="over:after:2026-12-04",
        due_at=NOW,
    )

    shown = [about for action, about in await home_buttons(people, BEN, ()) if action == DETAILS]

    assert shown == ["led", "sooner", "later", "same-day", "over"]
    over_buttons = [
        action for action, about in await home_buttons(people, BEN, ()) if about == "over"
    ]
    assert over_buttons == [DETAILS, END]  # to wrap it up, not to extend it


@pytest.mark.parametrize(
    ("ended_before", "planned_round", "is_shown"),
    [
        (timedelta(weeks=6) - timedelta(seconds=1), "phase1:after:2026-12-04", True),
        (timedelta(weeks=6), "phase1:after:2026-12-04", False),
        (timedelta(days=1), "phase11:after:2026-12-04", False),
        (timedelta(days=1), None, False),
    ],
)
async def test_ended_phase_is_shown_while_a_later_round_is_planned(
    people: Services, ended_before: timedelta, planned_round: str | None, is_shown: bool
) -> None:
    await add_phases(people, {"state": "ended", "ended_at": NOW - ended_before})
    if planned_round:
        await insert_row(
            people, schema.agenda, action=ActionName.OPEN_ROUND, subject=planned_round, due_at=NOW
        )

    assert bool(await home_buttons(people, BEN)) is is_shown
    assert ("Finished. There'll be" in str(await published_view(people, BEN))) is is_shown


async def test_leavers_see_the_phase_only_if_they_are_in_its_channel(people: Services) -> None:
    await add_phases(people, {})
    participants = schema.phase_people
    async with people.db.transaction() as tx:
        left = (
            update(participants).where(participants.c.user_id.in_((BEN, ANA))).values(left_at=NOW)
        )
        await tx.execute(left)

    for user_id in (BEN, ANA):
        assert await home_buttons(people, user_id, ()) == []
        assert await home_buttons(people, user_id, (LAUNCH,)) == [
            (DETAILS, "phase1"),
            (HISTORY, LAUNCH),
        ]
    assert await home_buttons(people, CHIARA, ()) != []


async def test_open_questions_are_sorted_by_closing_time_without_overdue_ones(
    people: Services,
) -> None:
    channels = {"a-late": LAUNCH, "z-early": PLATFORM, "closing": GENERAL, "past": SECRET}
    hours = {"a-late": 9, "z-early": 8, "closing": 0, "past": -1}
    await add_phases(
        people, *({"phase_id": name, "channel_id": channels[name]} for name in channels)
    )
    async with people.db.transaction() as tx:
        for name in channels:
            closes = NOW + timedelta(hours=hours[name])
            await a_round(tx, round_id=f"round-{name}", phase_id=name, closes_at=closes)
            await ballots.create_secret(tx, people.keys, WORKSPACE, f"round-{name}", closes)

    buttons = await home_buttons(people, BEN, ())
    asked = [(action, about) for action, about in buttons if action in (FIRST_TAP, SKIP)]

    assert asked == [
        *((FIRST_TAP, "round-z-early"), (SKIP, "round-z-early")),
        *((FIRST_TAP, "round-a-late"), (SKIP, "round-a-late")),
    ]


async def test_leavers_get_no_questions_in_home(people: Services) -> None:
    await add_phases(people, {})
    async with people.db.transaction() as tx:
        await a_round(tx)
        await ballots.create_secret(tx, people.keys, WORKSPACE, ROUND, NOW + timedelta(days=2))
        participants = schema.phase_people
        await tx.execute(
            update(participants).where(participants.c.user_id == BEN).values(left_at=NOW)
        )

    assert FIRST_TAP not in dict(await home_buttons(people, BEN))
    assert FIRST_TAP in dict(await home_buttons(people, CHIARA))
    assert "do I make time" not in str(await published_view(people, CHIARA))
    assert FIRST_TAP in dict(await home_buttons(people, ANA))
    assert "do I make time" in str(await published_view(people, ANA))


async def add_messages(services: Services, *to: str, state: str = "held") -> None:
    for number, conversation in enumerate(to):
        await insert_row(
            services,
            schema.messages,
            message_id=f"{state}{number}",
            key=f"announcement:{state}{number}",
            operation="post",
            conversation=conversation,
            payload={"text": "Hello", "blocks": []},
            state=state,
            not_before=NOW,
            created_at=NOW,
        )


async def test_admins_see_held_messages_with_their_actions(people: Services) -> None:
    await add_messages(people, LAUNCH, BEN, "W0CHI", LAUNCH)
    await add_messages(people, LAUNCH, state="failed")

    assert await home_buttons(people, OWNER) == []
    assert await home_buttons(people, OWNER, is_admin=True) == [
        *(("home.held_again", "held0"), ("home.held_there", "held0"), ("home.held_drop", "held0")),
        *(("home.held_again", "held1"), ("home.held_drop", "held1")),
        *(("home.held_again", "held2"), ("home.held_drop", "held2")),
    ]
    text = str(await published_view(people, OWNER))
    assert "And 1 more," in text
    assert text.count("to one person") == 2


@pytest.mark.parametrize("changed", [{"is_guest": True}, {"is_deleted": True}, {"is_admin": False}])
async def test_only_active_admins_can_decide_about_held_messages(
    people: Services, changed: dict[str, bool]
) -> None:
    await add_messages(people, LAUNCH)
    async with people.db.transaction() as tx:
        await a_person(tx, "U0ADM", **{"is_admin": True, **changed})

    request = by("U0ADM", "held0")
    for decision in Decision:
        with pytest.raises(Refused, match="Only workspace admins can decide"):
            await held_decisions.decide(people, decision, request)
    with pytest.raises(Refused, match="Only workspace admins can decide"):
        await held_decisions.held_message(people, request)


@pytest.mark.parametrize(
    ("state", "is_allowed"),
    [("held", True), ("unknown", True), ("pending", False), ("sent", False)],
)
async def test_link_is_requested_only_for_held_or_unknown_messages(
    people: Services, state: str, is_allowed: bool
) -> None:
    await add_messages(people, LAUNCH, state=state)

    if is_allowed:
        found = await held_decisions.held_message(people, by(OWNER, f"{state}0"))
        assert (found.channel_id, found.due_at) == (LAUNCH, NOW)
    else:
        with pytest.raises(Refused, match="Nothing was changed"):
            await held_decisions.held_message(people, by(OWNER, f"{state}0"))
    with pytest.raises(Refused, match="no message has this id"):
        await held_decisions.held_message(people, by(OWNER, "unknown id"))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"error": "message_not_found"}, "Slack can't find a message at this link"),
        ({"status": 500}, "Slack didn't answer"),
        (None, "isn't a link to a message"),
    ],
)
async def test_bad_link_is_refused_on_the_link_field(
    people: Services, fake_slack: FakeSlack, fault: dict[str, Any] | None, reason: str
) -> None:
    await add_messages(people, LAUNCH)
    link = f"https://example.slack.com/archives/{LAUNCH}/p1763892000123456" if fault else "here"
    if fault:
        fake_slack.faults.fail_next("chat.getPermalink", **fault)

    request = by(OWNER, "held0")
    with pytest.raises(Refused, match=reason) as refused:
        await held_decisions.decide(people, Decision.THERE, request, link=link)
    assert list(refused.value.fields) == ["link"]


async def test_home_shows_at_most_twelve_phases(people: Services) -> None:
    await add_phases(
        people,
        *(
            {"phase_id": f"{number:02}", "channel_id": f"C{number}", "members": (BEN,)}
            for number in range(13)
        ),
    )

    shown = [about for action, about in await home_buttons(people, BEN, ()) if action == DETAILS]
    assert shown == [f"{number:02}" for number in range(12)]


@pytest.mark.parametrize("tab", ["messages", "about", None])
async def test_only_the_home_tab_publishes_a_view(people: Services, tab: str | None) -> None:
    context = SimpleNamespace(team_id=WORKSPACE)
    event = {"user": BEN, **({"tab": tab} if tab else {})}
    await handlers.on_home_opened(people, {"event": event}, context)  # type: ignore[arg-type]
    async with people.db.reading() as reader:
        assert (await reader.execute(select(schema.messages))).all() == []

    await handlers.on_home_opened(people, {"event": {**event, "tab": "home"}}, context)  # type: ignore[arg-type]
    assert (await published_view(people, BEN))["type"] == "home"


async def test_home_is_published_when_channel_and_admin_lookups_fail(
    people: Services, fake_slack: FakeSlack
) -> None:
    await add_phases(people, {})
    fake_slack.faults.fail_next("users.conversations", error="user_not_found")
    fake_slack.faults.fail_next("users.info", status=500)
    context = SimpleNamespace(team_id=WORKSPACE)
    for user_id in (BEN, "U0NOBODY"):
        event = {"user": user_id, "tab": "home"}
        await handlers.on_home_opened(people, {"event": event}, context)  # type: ignore[arg-type]

    assert OUT in str(await published_view(people, BEN))
    assert "Out of balance on purpose" in str(await published_view(people, "U0NOBODY"))
    (lookup,) = [
        call
        for call in fake_slack.calls
        if call.method == "users.conversations" and call.args["user"] == BEN
    ]
    assert lookup.args["types"] == "public_channel,private_channel"
    assert str(lookup.args["exclude_archived"]).lower() in ("1", "true")


LEVELS = "*Results of week 1:* Clear and doable 2 of 5, Room for mistakes 4.5 of 5."


@pytest.mark.parametrize("shown", [True, False])
async def test_latest_results_are_shown_once_the_team_has_read_them_and_hints_to_leads_alone(
    people: Services, shown: bool
) -> None:
    """The leads read results, and get their hints, a working day before the team."""
    labels = {"clarity": "Clear and doable", "trust": "Trust first", "ego": "Room for mistakes?"}
    await add_phases(people, {"ends_on": date(2026, 12, 7)})
    async with people.db.transaction() as tx:
        await a_round(
            tx,
            state="closed",
            reached_minimum=True,
            questions=[{"key": key, "label": label} for key, label in labels.items()],
            shown_at=NOW if shown else None,
        )
    for key, level in (("clarity", 2.0), ("ego", 4.5)):  # too few answered the third
        await insert_row(people, schema.question_levels, round_id=ROUND, key=key, level=level)

    for user_id, is_lead in ((ANA, True), (BEN, False), (OWNER, False)):
        await home_buttons(people, user_id)
        text = str(await published_view(people, user_id))
        assert (LEVELS in text) is shown
        assert (HINTS in text) is is_lead


async def test_views_of_one_home_are_read_and_published_one_after_the_other(
    people: Services,
) -> None:
    await home_buttons(people, BEN)
    async with people.db.transaction() as tx:
        await enqueue.lock_published(tx, WORKSPACE, user_id=BEN)
        publishing = asyncio.create_task(home_buttons(people, BEN))
        done, _ = await asyncio.wait({publishing}, timeout=0.2)
        assert not done
    await publishing
