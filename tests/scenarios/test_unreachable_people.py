"""Unreachable members and leads: dropped, and reported to the people concerned."""

from typing import Any

import pytest
from sqlalchemy import func, select

from bot.db import schema
from tests.harness import ANA, BEN, CHIARA, LAUNCH, MEMBERS, OWNER, BotHarness
from tests.scenarios.lead import Lead
from tests.scenarios.screen import dm_texts, failed_messages, posts_to


def change_user_without_event(harness: BotHarness, user_id: str, **changes: Any) -> None:
    """Change an account as if Slack's event had been lost."""
    for name, value in changes.items():
        setattr(harness.slack.workspace.users[user_id], name, value)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"deleted": True}, "user_disabled"),
        ({"is_bot": True}, "cannot_dm_bot"),
    ],
)
async def test_unreachable_member_is_dropped_after_one_attempt(
    harness: BotHarness, ana: Lead, changes: dict[str, Any], error: str
) -> None:
    await ana.starts()
    change_user_without_event(harness, BEN, **changes)

    await harness.wait(days=1, hours=8)
    assert ("ask", error) in await failed_messages(harness)
    assert all(dm_texts(harness, member) for member in MEMBERS if member != BEN)
    await harness.wait(days=40)

    assert posts_to(harness, BEN) == 1
    async with harness.bot.db.reading() as reader:
        asked = await reader.scalar(
            select(schema.rounds.c.asked).where(schema.rounds.c.number == 1)
        )
    assert asked == 7
    assert "Ben" not in str([m["text"] for m in ana.me.dm_with_bot()])
    assert harness.slack.problems == []


@pytest.mark.parametrize("error", ["user_not_found", "user_not_visible", "channel_not_found"])
async def test_member_is_dropped_on_any_unreachable_error(
    harness: BotHarness, ana: Lead, error: str
) -> None:
    await ana.starts()
    harness.slack.faults.fail_next("chat.postMessage", error=error)  # for the first member asked

    await harness.wait(days=1)
    await harness.wait(days=2)

    dropped = [member for member in MEMBERS if not dm_texts(harness, member)]
    assert len(dropped) == 1
    assert posts_to(harness, dropped[0]) == 1


async def test_reactivated_member_is_asked_again(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    change_user_without_event(harness, BEN, deleted=True)
    await harness.wait(days=3)
    assert dm_texts(harness, BEN) == []

    harness.slack.change_user(BEN, deleted=False)
    await harness.settle()
    await harness.wait(days=6)

    assert any("questions" in text for text in dm_texts(harness, BEN))


async def test_co_lead_is_told_of_an_unreachable_lead(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    async with harness.bot.db.transaction() as tx:
        people = schema.phase_people
        await tx.execute(people.update().where(people.c.user_id == CHIARA).values(role="lead"))
    change_user_without_event(harness, ANA, deleted=True)

    await harness.wait(days=16)

    assert [text for text in dm_texts(harness, CHIARA) if "I can't reach" in text] == [
        f"I can't reach Ana, who leads the phase in <#{LAUNCH}> with you."
    ]
    assert posts_to(harness, ANA) == 1
    assert any("What came of it?" in text for text in dm_texts(harness, CHIARA))
    assert dm_texts(harness, OWNER) == []


async def test_admins_are_told_when_the_only_lead_is_unreachable(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    change_user_without_event(harness, ANA, deleted=True)

    await harness.wait(days=16)

    (text,) = dm_texts(harness, OWNER)
    assert text == f"I can't reach any lead of the phase in <#{LAUNCH}>."
    assert posts_to(harness, ANA) == 1
    assert any("has wrapped up" in one for one in dm_texts(harness, BEN))


async def test_stored_profiles_are_used_when_the_users_scope_is_missing(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    harness.slack.scopes.discard("users:read")

    await harness.wait(days=9)

    assert sum("questions" in text for text in dm_texts(harness, BEN)) >= 2
    async with harness.bot.db.reading() as reader:
        attempts = await reader.scalar(select(func.max(schema.agenda.c.attempts)))
    assert not attempts
