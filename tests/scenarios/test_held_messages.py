"""Messages held because their delivery is uncertain: admins decide about them in App Home."""

from typing import Any

import pytest
from sqlalchemy import select

from bot.db import schema
from bot.home.held_messages import SHOWN
from tests.harness import ANA, BEN, LAUNCH, OWNER, WORKSPACE, BotHarness
from tests.operations.stuck_messages import held
from tests.scenarios.lead import Lead, shown
from tests.scenarios.test_home import tap_in_home

AGAIN, THERE, DROP = "home.held_again", "home.held_there", "home.held_drop"


def lose_announcement_response(harness: BotHarness, *, arrives: bool) -> None:
    """Lose Slack's response and its event, and refuse the bot the channel's history."""
    harness.slack.core.manifest.events.discard("message_metadata_posted")
    harness.slack.faults.fail_next("chat.postMessage", status=500, after_accept=arrives)
    harness.slack.faults.fail_next("conversations.history", error="missing_scope")


@pytest.fixture
async def held_announcement(harness: BotHarness) -> BotHarness:
    """The harness with a held announcement that never reached Slack."""
    lose_announcement_response(harness, arrives=False)
    await Lead(harness).starts("results 2w")
    return harness


async def home(harness: BotHarness, user_id: str) -> dict[str, Any]:
    await harness.slack.as_user(user_id).open_home()
    await harness.settle()
    view = harness.slack.as_user(user_id).home
    assert view is not None
    return view


def announcements(harness: BotHarness) -> list[dict[str, Any]]:
    messages = harness.slack.as_user(BEN).visible(LAUNCH)
    return [one for one in messages if "Results sprint until" in one["text"]]


async def submit_link(harness: BotHarness, link: str) -> dict[str, str]:
    """Submit a link in the owner's form; return the errors by field."""
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


async def pins_and_bookmarks(harness: BotHarness) -> list[Any]:
    """Return the pins and bookmarks of the channel."""
    listed = await harness.bot.client.bookmarks_list(channel_id=LAUNCH)
    return [*harness.slack.core.workspace.pins(LAUNCH), *listed["bookmarks"]]


async def audit_entries(harness: BotHarness) -> list[tuple[str, Any]]:
    audit = schema.audit
    async with harness.bot.db.reading() as reader:
        rows = await reader.execute(select(audit).where(audit.c.action == "message"))
        return [(row.actor_id, row.after) for row in rows]


async def test_only_admins_see_held_messages_in_app_home(held_announcement: BotHarness) -> None:
    seen = shown((await home(held_announcement, OWNER))["blocks"])

    assert await state(held_announcement) == "held"
    assert "Messages to decide about" in seen
    assert f"*The announcement of a phase* in <#{LAUNCH}>" in seen
    assert "Messages to decide about" not in shown((await home(held_announcement, ANA))["blocks"])


async def test_reposting_a_held_announcement_posts_it_once(held_announcement: BotHarness) -> None:
    await home(held_announcement, OWNER)
    await held_announcement.slack.as_user(OWNER).click(AGAIN)
    await held_announcement.settle()

    assert len(announcements(held_announcement)) == 1
    assert await state(held_announcement) == "sent"
    assert len(await pins_and_bookmarks(held_announcement)) == 2
    assert await audit_entries(held_announcement) == [(OWNER, {"decision": "again"})]
    assert "Messages to decide about" not in shown((await home(held_announcement, OWNER))["blocks"])


async def test_held_message_confirmed_by_link_gets_its_updates_again(harness: BotHarness) -> None:
    lose_announcement_response(harness, arrives=True)
    await Lead(harness).starts("results 2w")
    owner = harness.slack.as_user(OWNER)
    await home(harness, OWNER)
    (posted,) = announcements(harness)

    await owner.click(THERE)
    errors = await submit_link(harness, "https://example.com")
    assert "isn't a link to a message" in errors["link"]
    errors = await submit_link(harness, f"{harness.slack.url}/archives/{LAUNCH}/p1999999999000000")
    assert "Slack can't find a message at this link" in errors["link"]
    ts = posted["ts"].replace(".", "")
    assert await submit_link(harness, f"{harness.slack.url}/archives/{LAUNCH}/p{ts}") == {}
    await harness.wait(days=1)

    (after,) = announcements(harness)
    assert after["ts"] == posted["ts"]
    assert shown(after["blocks"]) != shown(posted["blocks"])  # fewer days are left
    assert len(await pins_and_bookmarks(harness)) == 2
    assert await audit_entries(harness) == [(OWNER, {"decision": "there"})]


@pytest.mark.parametrize("days", [0, 20])
async def test_held_announcement_is_marked_sent_when_its_event_arrives_late(
    harness: BotHarness, days: int
) -> None:
    harness.slack.core.events.hold()
    harness.slack.faults.fail_next("chat.postMessage", status=500, after_accept=True)
    harness.slack.faults.fail_next("conversations.history", error="missing_scope")
    await Lead(harness).starts("results 2w")
    assert await state(harness) == "held"
    assert await pins_and_bookmarks(harness) == []
    await harness.wait(days=days)  # the phase still runs, or has ended

    await harness.slack.core.events.release()
    await harness.settle()

    assert await state(harness) == "sent"
    (announcement,) = harness.slack.as_user(BEN).visible(LAUNCH)[:1]
    assert ("ended" in announcement["text"]) == bool(days)
    assert len(await pins_and_bookmarks(harness)) == (0 if days else 2)


async def test_dropping_a_held_announcement_expires_it(held_announcement: BotHarness) -> None:
    await home(held_announcement, OWNER)
    await held_announcement.slack.as_user(OWNER).click(DROP)
    await held_announcement.wait(days=1)

    assert announcements(held_announcement) == []
    assert await state(held_announcement) == "expired"


async def test_admin_rights_are_checked_again_on_click(held_announcement: BotHarness) -> None:
    await home(held_announcement, OWNER)
    owner = held_announcement.slack.as_user(OWNER)
    async with held_announcement.bot.db.transaction() as tx:
        people = schema.people
        await tx.execute(people.update().where(people.c.user_id == OWNER).values(is_admin=False))
    await owner.click(AGAIN)
    await held_announcement.settle()

    assert "Only workspace admins can decide" in shown((owner.top_view or {})["blocks"])
    assert await state(held_announcement) == "held"


async def test_decision_on_an_already_sent_message_is_refused(
    held_announcement: BotHarness,
) -> None:
    await home(held_announcement, OWNER)
    owner = held_announcement.slack.as_user(OWNER)
    messages = schema.messages
    async with held_announcement.bot.db.transaction() as tx:
        mine = messages.c.workspace_id == WORKSPACE
        await tx.execute(
            messages.update().where(mine, messages.c.state == "held").values(state="failed")
        )
        await tx.execute(
            messages.update().where(mine, messages.c.state == "failed").values(state="sent")
        )
    await owner.click(AGAIN)
    await held_announcement.settle()

    assert "it's in Slack" in shown((owner.top_view or {})["blocks"])
    assert announcements(held_announcement) == []


async def test_held_messages_beyond_the_display_limit_are_counted(
    held_announcement: BotHarness,
) -> None:
    for number in range(4):
        await held(held_announcement.bot.db, f"results:{number}", now=held_announcement.clock.now())
    seen = shown((await home(held_announcement, OWNER))["blocks"])

    assert seen.count("To be posted") == SHOWN
    assert "And 2 more, once you've decided these." in seen


async def test_member_whose_question_was_not_delivered_answers_in_app_home(
    harness: BotHarness,
) -> None:
    await Lead(harness).starts("results 2w")
    harness.slack.core.manifest.events.discard("message_metadata_posted")
    harness.slack.faults.fail_next("chat.postMessage", status=500, times=20)
    harness.slack.faults.fail_next("conversations.history", error="missing_scope", times=20)
    await harness.wait(days=1)
    ben = harness.slack.as_user(BEN)
    asked = [m for m in ben.dm_with_bot() if "Three quick questions" in m["text"]]
    await home(harness, BEN)

    await tap_in_home(harness, BEN, clarity=4, trust=4, ego=4)

    assert asked == []
    assert "Thanks, that's it. You can change your answers" in shown(
        (await home(harness, BEN))["blocks"]
    )
