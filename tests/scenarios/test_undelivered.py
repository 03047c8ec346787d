"""Concerns, comments and personal lines: delivered in full, or kept and reported."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from bot.db import schema
from bot.outbox.sealed_content import unseal_payload
from tests.harness import ANA, BEN, CHIARA, LAUNCH, MEMBERS, OWNER, WORKSPACE, BotHarness
from tests.operations.stuck_messages import command
from tests.scenarios.lead import Lead, count, shown
from tests.scenarios.screen import dm_containing, dm_texts, failed_messages, posts_to
from tests.taps import tap_all

#: After this nothing is sent over the weekend; concerns follow on Monday morning.
FRIDAY = datetime(2026, 11, 27, 16, tzinfo=UTC)
CONCERN = "Two of us worked on Sunday."


async def raise_concerns(harness: BotHarness, *texts: str) -> None:
    """Let one member per text raise a concern."""
    for user_id, text in zip(MEMBERS, texts, strict=False):
        member = Lead(harness, user_id)
        await member.me.click("phase.concern")
        assert await member.sends(**{"phase.concern.text": text}) == {}
        await member.me.close()


async def stored_messages(harness: BotHarness, kind: str = "concerns") -> list[str]:
    """Return the contents of the messages of this kind that the outbox still holds."""
    messages = schema.messages
    async with harness.bot.db.reading() as reader:
        rows = await reader.scalars(
            select(messages.c.payload).where(messages.c.key.startswith(f"{kind}:"))
        )
        keys = harness.bot.services.keys
        opened = [unseal_payload(keys, WORKSPACE, payload) for payload in rows if payload]
        return [shown(payload["blocks"]) for payload in opened]


def dm_transcript(harness: BotHarness, user_id: str = ANA) -> str:
    """Return the text of all direct messages from the bot to this person."""
    return "\n".join(shown(m["blocks"]) for m in harness.slack.as_user(user_id).dm_with_bot())


async def test_long_concerns_are_delivered_in_full_over_several_messages(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    letters = "ABCDEF"
    await raise_concerns(harness, *[f"{letter} " * 1_498 + "End" for letter in letters])

    await harness.wait(days=1, hours=1)

    found = [m for m in ana.me.dm_with_bot() if "concerns from your team" in m["text"]]
    heads = [shown(m["blocks"][:1]) for m in found]
    assert [f"Message {n} of {len(found)}." in head for n, head in enumerate(heads, 1)] == [
        True,
        True,
    ]
    for letter in letters:
        assert sum(shown(m["blocks"]).count(f"{letter} ") for m in found) == 1_498
    assert dm_transcript(harness).count("End") == 6
    assert harness.slack.problems == []
    assert await failed_messages(harness) == []
    assert await count(harness, schema.concerns) == 0
    assert await stored_messages(harness) == []


async def test_refused_concerns_are_kept_reported_and_delivered_on_retry(
    harness: BotHarness, ana: Lead, database_url: str
) -> None:
    await ana.starts()
    await harness.travel_to(FRIDAY)
    await raise_concerns(harness, CONCERN)
    harness.slack.faults.fail_next("chat.postMessage", error="msg_blocks_too_long")

    with capture_logs() as logs:
        await harness.wait(days=2, hours=18)

    notice = dm_containing(harness, ANA, "didn't reach you")
    assert notice["text"] == f"Concerns from your team in <#{LAUNCH}> didn't reach you."
    assert "Nothing is lost" in shown(notice["blocks"])
    assert CONCERN not in dm_transcript(harness)
    (held,) = await stored_messages(harness)
    assert CONCERN in held
    (noted,) = [line for line in logs if line["event"] == "personal_message_not_delivered"]
    assert (noted["kind"], noted["reason"]) == ("concerns", "msg_blocks_too_long")
    assert CONCERN not in str(logs)
    listed = await command(database_url, "outbox", "list", "--state", "failed")
    assert "notes to a lead without names" in listed.out
    assert "dropping it loses what people wrote" in listed.out
    assert CONCERN not in listed.out

    done = await command(database_url, "outbox", "retry", noted["message"])
    assert done.code == 0, done.out
    await harness.settle()

    assert dm_transcript(harness).count(CONCERN) == 1
    assert await stored_messages(harness) == []
    assert await failed_messages(harness) == []
    assert dm_texts(harness, OWNER) == []


async def test_each_failed_concern_delivery_is_reported(harness: BotHarness, ana: Lead) -> None:
    await ana.starts("results 3w")
    for number, text in enumerate(("first worry", "second worry")):
        await harness.travel_to(FRIDAY + timedelta(weeks=number))
        await raise_concerns(harness, text)
        harness.slack.faults.fail_next("chat.postMessage", error="invalid_blocks")
        await harness.wait(days=2, hours=18)

    assert sum("didn't reach you" in text for text in dm_texts(harness)) == 2
    assert len(await stored_messages(harness)) == 2


async def test_concerns_wait_for_a_deactivated_lead_to_return(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await raise_concerns(harness, CONCERN)
    harness.slack.workspace.users[ANA].deleted = True

    await harness.wait(days=1)

    assert [CONCERN in one for one in await stored_messages(harness)] == [True]
    assert dm_texts(harness, OWNER) == [f"I can't reach any lead of the phase in <#{LAUNCH}>."]
    assert "What the team wrote to its lead is kept" in dm_transcript(harness, OWNER)
    assert CONCERN not in dm_transcript(harness, OWNER)

    harness.slack.change_user(ANA, deleted=False)
    await harness.settle()
    await harness.wait(hours=1)

    assert dm_transcript(harness).count(CONCERN) == 1
    assert await stored_messages(harness) == []


async def test_admins_are_told_of_undeliverable_concerns_after_the_end(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts("results 1w")
    await harness.wait(days=7)
    await raise_concerns(harness, CONCERN)
    await harness.wait(hours=8, minutes=30)
    harness.slack.workspace.users[ANA].deleted = True

    await harness.wait(days=4)

    assert f"What the team in <#{LAUNCH}> wrote can't reach its lead." in dm_texts(harness, OWNER)
    assert CONCERN not in dm_transcript(harness, OWNER)
    assert any(CONCERN in one for one in await stored_messages(harness))


async def test_co_lead_gets_concerns_if_the_lead_is_deactivated(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    async with harness.bot.db.transaction() as tx:
        people = schema.phase_people
        await tx.execute(update(people).where(people.c.user_id == CHIARA).values(role="lead"))
    await raise_concerns(harness, CONCERN)
    harness.slack.workspace.users[ANA].deleted = True

    await harness.wait(days=1)

    assert dm_transcript(harness, CHIARA).count(CONCERN) == 1
    assert dm_texts(harness, OWNER) == []


async def test_two_concern_deliveries_on_one_day_both_arrive(
    harness: BotHarness, ana: Lead
) -> None:
    """The second delivery is made due at once."""
    await ana.starts()
    await raise_concerns(harness, "first worry")
    await harness.wait(days=1)
    await raise_concerns(harness, "second worry")
    async with harness.bot.db.transaction() as tx:
        agenda = schema.agenda
        await tx.execute(
            update(agenda)
            .where(agenda.c.action == "deliver_concerns")
            .values(due_at=harness.clock.now())
        )
    await harness.settle()

    assert dm_transcript(harness).count("first worry") == 1
    assert dm_transcript(harness).count("second worry") == 1


@pytest.mark.parametrize("comments_to", ["leads", "team"])
async def test_long_comments_are_delivered_in_full(
    harness: BotHarness, ana: Lead, comments_to: str
) -> None:
    await ana.starts()
    async with harness.bot.db.transaction() as tx:
        await tx.execute(update(schema.phases).values(comments_to=comments_to))
    await harness.wait(days=1, hours=8)
    for number, member in enumerate(MEMBERS):
        comment = f"N{number}" + "&" * 995 + "End"
        await tap_all(harness, member, 4, comment)
    await harness.wait(days=5)

    seen = dm_transcript(harness)
    assert [seen.count(f"N{n}&amp;") for n in range(len(MEMBERS))] == [1] * len(MEMBERS)
    assert seen.count("&amp;") == 995 * len(MEMBERS)
    assert harness.slack.problems == []
    assert await failed_messages(harness) == []


async def test_comments_wait_for_a_deactivated_lead_to_return(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.wait(days=1, hours=8)
    for member in MEMBERS[:5]:
        await tap_all(harness, member, 4, f"{CONCERN} {member}")
    harness.slack.change_user(ANA, deleted=True)
    await harness.settle()

    await harness.wait(days=7)

    assert CONCERN in str(await stored_messages(harness, "comments"))
    assert CONCERN not in dm_transcript(harness, OWNER)
    assert dm_texts(harness, OWNER) == [f"I can't reach any lead of the phase in <#{LAUNCH}>."]

    harness.slack.change_user(ANA, deleted=False)
    await harness.settle()
    await harness.wait(days=1)

    assert all(f"{CONCERN} {member}" in dm_transcript(harness) for member in MEMBERS[:5])
    assert await stored_messages(harness, "comments") == []


async def test_undelivered_personal_line_is_reported_and_sent_on_reactivation(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.wait(days=2)
    async with harness.bot.db.transaction() as tx:
        people = schema.phase_people
        line = update(people).where(people.c.user_id == BEN).values(thanks_line="For the night.")
        await tx.execute(line)
    await harness.wait(days=13)
    harness.slack.workspace.users[BEN].deleted = True

    await harness.wait(days=5)

    notice = dm_containing(harness, ANA, "Your line to Ben")
    assert notice["text"] == f"Your line to Ben in <#{LAUNCH}> didn't arrive."
    assert "sent if the account is opened again" in shown(notice["blocks"])
    assert any("For the night." in one for one in await stored_messages(harness, "goodbye"))
    assert posts_to(harness, BEN) >= 1
    harness.slack.change_user(BEN, deleted=False)
    await harness.settle()
    await harness.wait(days=3)
    assert "For the night." in dm_transcript(harness, BEN)
