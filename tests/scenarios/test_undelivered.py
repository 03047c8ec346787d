"""What people wrote arrives, however long it is; what Slack refuses is kept, and told of."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from bot.db import schema
from tests.harness import ANA, BEN, CHIARA, LAUNCH, MEMBERS, OWNER, BotHarness
from tests.operations.stuck_messages import command
from tests.scenarios.lead import Lead, count, shown
from tests.scenarios.screen import failed, posts_to, said, told
from tests.scenarios.test_rounds import send

#: Over the weekend nothing is said but concerns, on Monday morning.
FRIDAY = datetime(2026, 11, 27, 16, tzinfo=UTC)
WORRY = "Two of us worked on Sunday."


async def raises(harness: BotHarness, *texts: str) -> None:
    """Members write to the leads, one each."""
    for user_id, text in zip(MEMBERS, texts, strict=False):
        me = Lead(harness, user_id)
        await me.me.click("phase.concern")
        assert await me.sends(**{"phase.concern.text": text}) == {}
        await me.me.close()


async def kept(harness: BotHarness, kind: str = "concerns") -> list[str]:
    """What is in the messages of this kind that the outbox still has."""
    messages = schema.messages
    async with harness.bot.db.reading() as reader:
        rows = await reader.scalars(
            select(messages.c.payload).where(messages.c.key.startswith(f"{kind}:"))
        )
        return [shown(payload["blocks"]) for payload in rows if payload]


def read(harness: BotHarness, user_id: str = ANA) -> str:
    """Everything that stands in this person's conversation with the bot."""
    return "\n".join(shown(m["blocks"]) for m in harness.slack.as_user(user_id).dm_with_bot())


async def test_six_long_concerns_of_a_night_are_read_in_full(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    letters = "ABCDEF"
    await raises(harness, *[f"{letter} " * 1_498 + "End" for letter in letters])

    await harness.wait(days=1, hours=1)

    found = [m for m in ana.me.dm_with_bot() if "concerns from your team" in m["text"]]
    heads = [shown(m["blocks"][:1]) for m in found]
    assert [f"Message {n} of {len(found)}." in head for n, head in enumerate(heads, 1)] == [
        True,
        True,
    ]
    for letter in letters:
        assert sum(shown(m["blocks"]).count(f"{letter} ") for m in found) == 1_498
    assert read(harness).count("End") == 6
    assert harness.slack.problems == []
    assert await failed(harness) == []
    assert await count(harness, schema.concerns) == 0
    assert await kept(harness) == []


async def test_refused_concerns_are_kept_told_of_and_read_when_sent_again(
    harness: BotHarness, ana: Lead, database_url: str
) -> None:
    await ana.starts()
    await harness.travel_to(FRIDAY)
    await raises(harness, WORRY)
    harness.slack.faults.fail_next("chat.postMessage", error="msg_blocks_too_long")

    with capture_logs() as logs:
        await harness.wait(days=2, hours=18)

    notice = said(harness, ANA, "did not reach you")
    assert notice["text"] == f"Concerns from your team in <#{LAUNCH}> did not reach you."
    assert "Nothing is lost" in shown(notice["blocks"])
    assert WORRY not in read(harness)
    (held,) = await kept(harness)
    assert WORRY in held
    (noted,) = [line for line in logs if line["event"] == "words_not_delivered"]
    assert (noted["kind"], noted["reason"]) == ("concerns", "msg_blocks_too_long")
    assert WORRY not in str(logs)
    listed = await command(database_url, "outbox", "list", "--state", "failed")
    assert "notes to a lead without names" in listed.out
    assert "dropping it loses what people wrote" in listed.out
    assert WORRY not in listed.out

    done = await command(database_url, "outbox", "retry", noted["message"])
    assert done.code == 0, done.out
    await harness.settle()

    assert read(harness).count(WORRY) == 1
    assert await kept(harness) == []
    assert await failed(harness) == []
    assert told(harness, OWNER) == []


async def test_each_morning_that_fails_is_told_of(harness: BotHarness, ana: Lead) -> None:
    await ana.starts("results 3w")
    for number, text in enumerate(("first worry", "second worry")):
        await harness.travel_to(FRIDAY + timedelta(weeks=number))
        await raises(harness, text)
        harness.slack.faults.fail_next("chat.postMessage", error="invalid_blocks")
        await harness.wait(days=2, hours=18)

    assert sum("did not reach you" in text for text in told(harness)) == 2
    assert len(await kept(harness)) == 2


async def test_concerns_for_a_lead_whose_account_is_closed_wait_for_it(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await raises(harness, WORRY)
    harness.slack.workspace.users[ANA].deleted = True

    await harness.wait(days=1)

    assert [WORRY in one for one in await kept(harness)] == [True]
    assert told(harness, OWNER) == [f"A phase in <#{LAUNCH}> has no lead whom I can write to."]
    assert "What the team wrote to its lead is kept" in read(harness, OWNER)
    assert WORRY not in read(harness, OWNER)

    harness.slack.change_user(ANA, deleted=False)
    await harness.settle()
    await harness.wait(hours=1)

    assert read(harness).count(WORRY) == 1
    assert await kept(harness) == []


async def test_admins_hear_of_concerns_of_a_phase_that_is_over(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts("results 1w")
    await harness.wait(days=7)
    await raises(harness, WORRY)
    await harness.wait(hours=8, minutes=30)
    harness.slack.workspace.users[ANA].deleted = True

    await harness.wait(days=4)

    assert f"What a team wrote in <#{LAUNCH}> reaches nobody." in told(harness, OWNER)
    assert WORRY not in read(harness, OWNER)
    assert any(WORRY in one for one in await kept(harness))


async def test_a_co_lead_reads_what_the_other_cannot(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    async with harness.bot.db.transaction() as tx:
        people = schema.phase_people
        await tx.execute(update(people).where(people.c.user_id == CHIARA).values(role="lead"))
    await raises(harness, WORRY)
    harness.slack.workspace.users[ANA].deleted = True

    await harness.wait(days=1)

    assert read(harness, CHIARA).count(WORRY) == 1
    assert told(harness, OWNER) == []


async def test_two_deliveries_of_one_day_are_both_read(harness: BotHarness, ana: Lead) -> None:
    """The first one was late: nobody was there in the morning it was for."""
    await ana.starts()
    await raises(harness, "first worry")
    await harness.wait(days=1)
    await raises(harness, "second worry")
    async with harness.bot.db.transaction() as tx:
        agenda = schema.agenda
        await tx.execute(
            update(agenda)
            .where(agenda.c.action == "deliver_concerns")
            .values(due_at=harness.clock.now())
        )
    await harness.settle()

    assert read(harness).count("first worry") == 1
    assert read(harness).count("second worry") == 1


@pytest.mark.parametrize("comments_to", ["leads", "team"])
async def test_long_comments_of_a_week_are_read_in_full(
    harness: BotHarness, ana: Lead, comments_to: str
) -> None:
    await ana.starts()
    async with harness.bot.db.transaction() as tx:
        await tx.execute(update(schema.phases).values(comments_to=comments_to))
    await harness.wait(days=1, hours=8)
    for number, member in enumerate(MEMBERS):
        comment = f"N{number}" + "&" * 995 + "End"
        await send(harness, member, clarity="4", trust="3", ego="3", comment=comment)
    await harness.wait(days=5)

    seen = read(harness)
    assert [seen.count(f"N{n}&amp;") for n in range(len(MEMBERS))] == [1] * len(MEMBERS)
    assert seen.count("&amp;") == 995 * len(MEMBERS)
    assert harness.slack.problems == []
    assert await failed(harness) == []


async def test_comments_for_a_lead_whose_account_is_closed_wait_for_it(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.wait(days=1, hours=8)
    for member in MEMBERS[:5]:
        await send(harness, member, clarity="4", trust="3", ego="3", comment=f"{WORRY} {member}")
    harness.slack.change_user(ANA, deleted=True)
    await harness.settle()

    await harness.wait(days=7)

    assert WORRY in str(await kept(harness, "lead_results"))
    assert WORRY not in read(harness, OWNER)
    assert told(harness, OWNER) == [f"A phase in <#{LAUNCH}> has no lead whom I can write to."]

    harness.slack.change_user(ANA, deleted=False)
    await harness.settle()
    await harness.wait(days=1)

    assert all(f"{WORRY} {member}" in read(harness) for member in MEMBERS[:5])
    assert await kept(harness, "lead_results") == []


async def test_a_line_that_a_member_never_gets_is_told_of(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await harness.wait(days=2)
    async with harness.bot.db.transaction() as tx:
        people = schema.phase_people
        line = update(people).where(people.c.user_id == BEN).values(thanks_line="For the night.")
        await tx.execute(line)
    await harness.wait(days=13)
    harness.slack.workspace.users[BEN].deleted = True

    await harness.wait(days=5)

    notice = said(harness, ANA, "The line to Ben")
    assert notice["text"] == f"The line to Ben in <#{LAUNCH}> did not arrive."
    assert "sent if the account is opened again" in shown(notice["blocks"])
    assert any("For the night." in one for one in await kept(harness, "goodbye"))
    assert posts_to(harness, BEN) >= 1
    harness.slack.change_user(BEN, deleted=False)
    await harness.settle()
    await harness.wait(days=3)
    assert "For the night." in read(harness, BEN)
