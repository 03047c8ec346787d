"""App Home: answering, skipping, opting out and in; and the help command."""

from typing import Any

import pytest
from sqlalchemy import update

from bot.db import schema
from tests.harness import ANA, ARCHIVED, BEN, CHIARA, GUEST, HANA, LAUNCH, OWNER, BotHarness
from tests.scenarios.lead import Lead
from tests.taps import newest_message, tap


@pytest.fixture
async def round_open(harness: BotHarness) -> BotHarness:
    """A sprint whose first questions have been sent."""
    await Lead(harness).starts("results 2w")
    await harness.wait(days=1)
    return harness


async def home(harness: BotHarness, user_id: str) -> dict[str, Any]:
    await harness.slack.as_user(user_id).open_home()
    await harness.settle()
    view = harness.slack.as_user(user_id).home
    assert view is not None
    return view


def texts(view: dict[str, Any]) -> str:
    return str(view["blocks"])


async def tap_in_home(harness: BotHarness, user_id: str, **levels: int) -> dict[str, Any]:
    """Tap these levels in the person's App Home; return the tab as it is then."""
    person = harness.slack.as_user(user_id)
    for key, level in levels.items():
        assert person.home is not None
        await person.click(f"home.tap.{key}.{level}", view_id=person.home["id"])
    await harness.settle()
    assert person.home is not None
    return person.home


async def test_member_answers_in_app_home(round_open: BotHarness) -> None:
    await home(round_open, CHIARA)
    half = await tap_in_home(round_open, CHIARA, clarity=4)
    assert "Clear and doable ✓" in texts(half)

    whole = await tap_in_home(round_open, CHIARA, trust=4, ego=4)

    assert "Thanks, that's it. You can change your answers" in texts(whole)
    assert newest_message(round_open, CHIARA)["text"].startswith("Thanks, that's it.")


async def test_change_in_the_form_opened_from_home_is_shown_there(round_open: BotHarness) -> None:
    await home(round_open, CHIARA)
    half = await tap_in_home(round_open, CHIARA, clarity=4)
    chiara = Lead(round_open, CHIARA)
    await chiara.me.click("home.change", view_id=half["id"])
    fields = {block_id.rpartition(":")[2]: block_id for block_id in chiara.inputs}

    assert await chiara.sends(**{fields["trust"]: "3", fields["ego"]: "2"}) == {}

    assert chiara.me.home is not None
    assert "Thanks, that's it. You can change your answers" in texts(chiara.me.home)


async def test_app_home_shows_what_was_answered_in_the_message(round_open: BotHarness) -> None:
    await tap(round_open, CHIARA, ego=1)

    assert "Room for mistakes ✓" in texts(await home(round_open, CHIARA))


async def test_skipping_in_app_home_stops_the_reminder(round_open: BotHarness) -> None:
    view = await home(round_open, CHIARA)
    await round_open.slack.as_user(CHIARA).click("home.skip", view_id=view["id"])
    await round_open.wait(days=1, hours=6)

    received = [message["text"] for message in round_open.slack.as_user(CHIARA).dm_with_bot()]
    assert not any("Still open" in text for text in received)
    assert any("Still open" in m["text"] for m in round_open.slack.as_user(BEN).dm_with_bot())


async def test_opted_out_member_is_not_asked_until_opting_in(round_open: BotHarness) -> None:
    hana = round_open.slack.as_user(HANA)
    view = await home(round_open, HANA)
    await hana.click("home.opt_out", view_id=view["id"])
    await round_open.settle()
    before = len(hana.dm_with_bot())
    await round_open.wait(days=7)
    assert len(hana.dm_with_bot()) == before

    view = await home(round_open, HANA)
    assert "you aren't asked in" in texts(view)
    await hana.click("home.opt_in", view_id=view["id"])
    await round_open.wait(days=7)
    assert len(hana.dm_with_bot()) > before


async def test_member_can_opt_out_of_the_questions_asked_after_the_end(
    round_open: BotHarness,
) -> None:
    hana = round_open.slack.as_user(HANA)
    await round_open.wait(days=16)
    view = await home(round_open, HANA)
    assert "Finished. There'll be" in texts(view)
    await hana.click("home.opt_out", view_id=view["id"])
    await round_open.settle()
    people = (hana, round_open.slack.as_user(BEN))
    before = [len(one.dm_with_bot()) for one in people]
    await round_open.wait(days=16)

    more = [len(one.dm_with_bot()) - count for one, count in zip(people, before, strict=True)]
    assert more[0] == 0
    assert more[1] > 0
    assert "Finished. There'll be" not in texts(await home(round_open, HANA))


async def test_app_home_shows_phases_and_buttons_by_role(round_open: BotHarness) -> None:
    assert "phases.extend" in texts(await home(round_open, ANA))
    assert "home.opt_out" in texts(await home(round_open, BEN))
    guest = texts(await home(round_open, GUEST))
    assert "Results sprint until" in guest
    assert "home.opt_out" not in guest
    assert "Out of balance on purpose" in texts(await home(round_open, OWNER))


async def test_first_visit_teaches_by_example_and_later_ones_show_the_phase(
    harness: BotHarness, ana: Lead
) -> None:
    await harness.settle()
    first = texts(await home(harness, BEN))
    for shown in (
        "Example: how a phase is announced in its channel",
        ">*What's at stake:* If we miss it, two customers leave.",
        "Example: what each person is asked once a week",
        "home.start",
    ):
        assert shown in first
    assert "home.start" not in texts(await home(harness, GUEST))

    await ana.starts()

    later = texts(await home(harness, BEN))
    assert "Results sprint until Mon 7 Dec: ship the beta" in later
    assert "Example" not in later


async def test_start_button_asks_for_the_channel_and_opens_the_start_form(
    harness: BotHarness, ana: Lead
) -> None:
    await harness.settle()
    view = await home(harness, ANA)

    await ana.me.click("home.start", view_id=view["id"])
    assert ana.page == "Start a Phase"
    assert await ana.sends(channel=LAUNCH) == {}

    assert ana.page == "Is this the moment?"


async def test_chosen_channel_where_nothing_can_start_is_refused_beside_it(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    ben = Lead(harness, BEN)
    view = await home(harness, BEN)
    await ben.me.click("home.start", view_id=view["id"])

    errors = await ben.sends(channel=LAUNCH)

    assert errors["channel"].startswith(
        "A results sprint led by Ana is running here until Mon 7 Dec."
    )
    assert ben.typed("channel") == LAUNCH
    assert "archived" in (await ben.sends(channel=ARCHIVED))["channel"]


async def test_start_button_from_before_the_settings_changed_says_whom_to_ask(
    harness: BotHarness, ana: Lead
) -> None:
    await harness.settle()
    view = await home(harness, ANA)
    async with harness.bot.db.transaction() as tx:
        await tx.execute(update(schema.workspaces).values(settings={"starters": [BEN]}))

    await ana.me.click("home.start", view_id=view["id"])

    assert ana.page == "Not done"
    assert "phases are started by Ben. Ask them to start yours." in str(ana.blocks)


async def test_help_is_shown_and_a_mistyped_command_does_nothing(harness: BotHarness) -> None:
    ben = harness.slack.as_user(BEN)
    assert "What Imbalance can do here" in (await ben.command("/imbalance help", LAUNCH)).text
    answer = await ben.command("/imbalance strat", LAUNCH)
    assert "That isn't one of my commands" in answer.text
    assert ben.top_view is None
