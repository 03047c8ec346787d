"""App Home: answering there and then, opting out, and coming and going."""

from typing import Any

import pytest

from tests.harness import ANA, BEN, CHIARA, GUEST, HANA, LAUNCH, OWNER, BotHarness
from tests.scenarios.lead import Lead


@pytest.fixture
async def asked(harness: BotHarness) -> BotHarness:
    """A sprint whose first questions are out."""
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


def levels(view: dict[str, Any], level: str) -> dict[str, str]:
    return {
        block["block_id"]: level
        for block in view["blocks"]
        if block["type"] == "input" and block["element"]["type"] == "radio_buttons"
    }


async def test_a_member_answers_in_home(asked: BotHarness) -> None:
    chiara = asked.slack.as_user(CHIARA)
    view = await home(asked, CHIARA)
    await chiara.click("home.send", view_id=view["id"], values=levels(view, "4"))
    await asked.settle()

    assert "Noted. You can still change that" in texts(await home(asked, CHIARA))
    assert chiara.dm_with_bot()[-1]["text"].startswith("Received")


async def test_a_comment_alone_is_taken_along_into_the_form(asked: BotHarness) -> None:
    chiara = asked.slack.as_user(CHIARA)
    view = await home(asked, CHIARA)
    box = next(
        block["block_id"]
        for block in view["blocks"]
        if block["type"] == "input" and block["element"]["type"] == "plain_text_input"
    )
    await chiara.click("home.send", view_id=view["id"], values={box: "Too many meetings."})
    await asked.settle()

    assert chiara.top_view is not None
    assert "Too many meetings." in str(chiara.top_view["blocks"])
    assert "home.send" in texts(await home(asked, CHIARA))  # nothing was saved


async def test_skipping_in_home_stops_the_reminder(asked: BotHarness) -> None:
    view = await home(asked, CHIARA)
    await asked.slack.as_user(CHIARA).click("home.skip", view_id=view["id"])
    await asked.wait(days=1, hours=6)

    told = [message["text"] for message in asked.slack.as_user(CHIARA).dm_with_bot()]
    assert not any("still open" in text for text in told)
    assert any("still open" in m["text"] for m in asked.slack.as_user(BEN).dm_with_bot())


async def test_who_opts_out_is_not_asked_until_they_opt_in(asked: BotHarness) -> None:
    hana = asked.slack.as_user(HANA)
    view = await home(asked, HANA)
    await hana.click("home.opt_out", view_id=view["id"])
    await asked.settle()
    before = len(hana.dm_with_bot())
    await asked.wait(days=7)
    assert len(hana.dm_with_bot()) == before

    view = await home(asked, HANA)
    assert "You are not asked in" in texts(view)
    await hana.click("home.opt_in", view_id=view["id"])
    await asked.wait(days=7)
    assert len(hana.dm_with_bot()) > before


async def test_after_the_end_one_can_still_opt_out_of_what_is_asked_then(asked: BotHarness) -> None:
    hana = asked.slack.as_user(HANA)
    await asked.wait(days=16)
    view = await home(asked, HANA)
    assert "It is over." in texts(view)
    await hana.click("home.opt_out", view_id=view["id"])
    await asked.settle()
    people = (hana, asked.slack.as_user(BEN))
    before = [len(one.dm_with_bot()) for one in people]
    await asked.wait(days=16)

    more = [len(one.dm_with_bot()) - count for one, count in zip(people, before, strict=True)]
    assert more[0] == 0
    assert more[1] > 0
    assert "It is over." not in texts(await home(asked, HANA))


async def test_everyone_sees_the_phases_of_their_channels(asked: BotHarness) -> None:
    assert "phases.extend" in texts(await home(asked, ANA))
    assert "home.opt_out" in texts(await home(asked, BEN))
    guest = texts(await home(asked, GUEST))
    assert "Results sprint until" in guest
    assert "home.opt_out" not in guest
    assert "None runs now" in texts(await home(asked, OWNER))


async def test_help_and_typos(harness: BotHarness) -> None:
    ben = harness.slack.as_user(BEN)
    assert "What Imbalance can do here" in (await ben.command("/imbalance help", LAUNCH)).text
    answer = await ben.command("/imbalance strat", LAUNCH)
    assert "Nothing was done" in answer.text
    assert ben.top_view is None
