"""Messages that nobody can prove: admins decide in App Home, and members still answer there."""

from typing import Any

import pytest
from sqlalchemy import select

from bot.db import schema
from bot.home.held_messages import SHOWN
from tests.harness import ANA, BEN, LAUNCH, OWNER, WORKSPACE, BotHarness
from tests.operations.stuck_messages import held
from tests.scenarios.lead import Lead, shown

AGAIN, THERE, DROP = "home.held_again", "home.held_there", "home.held_drop"


def lose_an_announcement(harness: BotHarness, *, arrives: bool) -> None:
    """Slack's answer is lost, its event too, and it does not let us look."""
    harness.slack.core.manifest.events.discard("message_metadata_posted")
    harness.slack.faults.fail_next("chat.postMessage", status=500, after_accept=arrives)
    harness.slack.faults.fail_next("conversations.history", error="missing_scope")


@pytest.fixture
async def lost(harness: BotHarness) -> BotHarness:
    """An announcement that is held, and is not in Slack."""
    lose_an_announcement(harness, arrives=False)
    await Lead(harness).starts("results 2w")
    return harness


async def home(harness: BotHarness, user_id: str) -> dict[str, Any]:
    await harness.slack.as_user(user_id).open_home()
    await harness.settle()
    view = harness.slack.as_user(user_id).home
    assert view is not None
    return view


def announcements(harness: BotHarness) -> list[dict[str, Any]]:
    said = harness.slack.as_user(BEN).visible(LAUNCH)
    return [one for one in said if "Results sprint until" in one["text"]]


async def pastes(harness: BotHarness, link: str) -> dict[str, str]:
    """The owner fills in the form; returns the errors beside its fields."""
    owner = harness.slack.as_user(OWNER)
    assert owner.top_view is not None
    await owner.fill(owner.top_view["id"], {"link": link})
    return (await owner.submit()).errors


async def state(harness: BotHarness) -> str:
    messages = schema.messages
    async with harness.bot.db.reading() as reader:
        found = await reader.scalar(
            select(messages.c.state).where(messages.c.key.startswith("announcement:"))
        )
    return str(found)


async def marks(harness: BotHarness) -> list[Any]:
    """The pins and bookmarks of the channel."""
    listed = await harness.bot.client.bookmarks_list(channel_id=LAUNCH)
    return [*harness.slack.core.workspace.pins(LAUNCH), *listed["bookmarks"]]


async def notes(harness: BotHarness) -> list[tuple[str, Any]]:
    audit = schema.audit
    async with harness.bot.db.reading() as reader:
        rows = await reader.execute(select(audit).where(audit.c.action == "message"))
        return [(row.actor_id, row.after) for row in rows]


async def test_only_admins_see_what_is_held(lost: BotHarness) -> None:
    seen = shown((await home(lost, OWNER))["blocks"])

    assert await state(lost) == "held"
    assert "Messages to decide about" in seen
    assert f"*The announcement of a phase* in <#{LAUNCH}>" in seen
    assert "Messages to decide about" not in shown((await home(lost, ANA))["blocks"])


async def test_posted_again_it_stands_there_once(lost: BotHarness) -> None:
    await home(lost, OWNER)
    await lost.slack.as_user(OWNER).click(AGAIN)
    await lost.settle()

    assert len(announcements(lost)) == 1
    assert await state(lost) == "sent"
    assert len(await marks(lost)) == 2
    assert await notes(lost) == [(OWNER, {"decision": "again"})]
    assert "Messages to decide about" not in shown((await home(lost, OWNER))["blocks"])


async def test_one_that_is_there_is_kept_up_to_date_again(harness: BotHarness) -> None:
    lose_an_announcement(harness, arrives=True)
    await Lead(harness).starts("results 2w")
    owner = harness.slack.as_user(OWNER)
    await home(harness, OWNER)
    (stands,) = announcements(harness)

    await owner.click(THERE)
    said = await pastes(harness, "https://example.com")
    assert "no link to a message" in said["link"]
    said = await pastes(harness, f"{harness.slack.url}/archives/{LAUNCH}/p1999999999000000")
    assert "Slack knows no message at this link" in said["link"]
    ts = stands["ts"].replace(".", "")
    assert await pastes(harness, f"{harness.slack.url}/archives/{LAUNCH}/p{ts}") == {}
    await harness.wait(days=1)

    (after,) = announcements(harness)
    assert after["ts"] == stands["ts"]
    assert shown(after["blocks"]) != shown(stands["blocks"])  # one day less is left
    assert len(await marks(harness)) == 2
    assert await notes(harness) == [(OWNER, {"decision": "there"})]


@pytest.mark.parametrize("days", [0, 20])
async def test_one_that_slack_tells_of_late_stands_as_if_it_was_never_in_doubt(
    harness: BotHarness, days: int
) -> None:
    harness.slack.core.events.hold()
    harness.slack.faults.fail_next("chat.postMessage", status=500, after_accept=True)
    harness.slack.faults.fail_next("conversations.history", error="missing_scope")
    await Lead(harness).starts("results 2w")
    assert await state(harness) == "held"
    assert await marks(harness) == []
    await harness.wait(days=days)  # the phase runs, or is over by then

    await harness.slack.core.events.release()
    await harness.settle()

    assert await state(harness) == "sent"
    (stands,) = harness.slack.as_user(BEN).visible(LAUNCH)[:1]
    assert ("ended" in stands["text"]) == bool(days)
    assert len(await marks(harness)) == (0 if days else 2)


async def test_dropped_it_is_said_no_more(lost: BotHarness) -> None:
    await home(lost, OWNER)
    await lost.slack.as_user(OWNER).click(DROP)
    await lost.wait(days=1)

    assert announcements(lost) == []
    assert await state(lost) == "expired"


async def test_authority_is_checked_again_at_the_click(lost: BotHarness) -> None:
    await home(lost, OWNER)
    owner = lost.slack.as_user(OWNER)
    async with lost.bot.db.transaction() as tx:
        people = schema.people
        await tx.execute(people.update().where(people.c.user_id == OWNER).values(is_admin=False))
    await owner.click(AGAIN)
    await lost.settle()

    assert "only workspace admins decide" in shown((owner.top_view or {})["blocks"])
    assert await state(lost) == "held"


async def test_what_was_decided_meanwhile_is_not_decided_twice(lost: BotHarness) -> None:
    await home(lost, OWNER)
    owner = lost.slack.as_user(OWNER)
    messages = schema.messages
    async with lost.bot.db.transaction() as tx:
        mine = messages.c.workspace_id == WORKSPACE
        await tx.execute(
            messages.update().where(mine, messages.c.state == "held").values(state="failed")
        )
        await tx.execute(
            messages.update().where(mine, messages.c.state == "failed").values(state="sent")
        )
    await owner.click(AGAIN)
    await lost.settle()

    assert "it is in Slack" in shown((owner.top_view or {})["blocks"])
    assert announcements(lost) == []


async def test_many_are_counted(lost: BotHarness) -> None:
    for number in range(4):
        await held(lost.bot.db, f"results:{number}", now=lost.clock.now())
    seen = shown((await home(lost, OWNER))["blocks"])

    assert seen.count("To be posted") == SHOWN
    assert "And 2 more. They come when these are decided." in seen


async def test_who_was_not_reached_answers_in_home(harness: BotHarness) -> None:
    await Lead(harness).starts("results 2w")
    harness.slack.core.manifest.events.discard("message_metadata_posted")
    harness.slack.faults.fail_next("chat.postMessage", status=500, times=20)
    harness.slack.faults.fail_next("conversations.history", error="missing_scope", times=20)
    await harness.wait(days=1)
    ben = harness.slack.as_user(BEN)
    asked = [m for m in ben.dm_with_bot() if "Three questions" in m["text"]]
    view = await home(harness, BEN)

    levels = {
        block["block_id"]: "4"
        for block in view["blocks"]
        if block["type"] == "input" and block["element"]["type"] == "radio_buttons"
    }
    await ben.click("home.send", view_id=view["id"], values=levels)
    await harness.settle()

    assert asked == []
    assert "Noted. You can still change that" in shown((await home(harness, BEN))["blocks"])
