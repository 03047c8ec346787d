"""App Home and an admin's link while Slack refuses, fails, does not answer or cannot be reached."""

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from bot.db import schema
from bot.home import handlers, held_decisions
from bot.operations.message_decisions import Decision
from bot.playground.server import FakeSlack
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import BEN, LAUNCH, OWNER, PLATFORM, WORKSPACE
from tests.rounds.round_rows import NOW, ZONES, a_person, a_phase

FAILURES: dict[str, dict[str, Any]] = {
    "refused": {"error": "user_not_found"},
    "broken": {"status": 500},
    "limited": {"status": 429},
    "cut": {"drop": True, "times": 5},  # the HTTP client itself tries again
    "silent": {"hang": 60},
}
LINK = f"https://example.slack.com/archives/{LAUNCH}/p1763892000123456"


@pytest.fixture
async def in_two_phases(services: Services) -> Services:
    """Ben is in the team of one phase, and in the channel of another; Slack answers in time."""
    services.client_for(WORKSPACE).timeout = 1
    async with services.db.transaction() as tx:
        for user_id in ZONES:
            await a_person(tx, user_id)
        await a_person(tx, OWNER, is_admin=True)
        await a_phase(tx, phase_id="mine")
        await a_phase(tx, phase_id="beside", channel_id=PLATFORM, members=())
        await tx.execute(
            insert(schema.messages).values(
                workspace_id=WORKSPACE,
                message_id="held",
                key="announcement:held",
                operation="post",
                conversation=LAUNCH,
                payload={"text": "Hello", "blocks": []},
                state="held",
                not_before=NOW,
                created_at=NOW,
            )
        )
    return services


async def home_of(services: Services, user_id: str) -> str:
    """Open App Home; return what is published."""
    event = {"user": user_id, "tab": "home"}
    await handlers.on_home_opened(services, {"event": event}, SimpleNamespace(team_id=WORKSPACE))  # type: ignore[arg-type]
    messages = schema.messages
    async with services.db.reading() as reader:
        return str(
            await reader.scalar(
                select(messages.c.payload).where(messages.c.key.contains(f"home:{user_id}"))
            )
        )


@pytest.mark.parametrize("failure", FAILURES)
async def test_home_shows_the_own_phases_where_slack_does_not_say_their_channels(
    in_two_phases: Services, fake_slack: FakeSlack, failure: str
) -> None:
    shown = await home_of(in_two_phases, BEN)
    assert f"<#{LAUNCH}>" in shown
    assert f"<#{PLATFORM}>" in shown

    fake_slack.faults.fail_next("users.conversations", **FAILURES[failure])
    shown = await home_of(in_two_phases, BEN)

    assert f"<#{LAUNCH}>" in shown
    assert f"<#{PLATFORM}>" not in shown


@pytest.mark.parametrize("failure", FAILURES)
async def test_home_shows_no_held_messages_where_slack_does_not_say_who_is_an_admin(
    in_two_phases: Services, fake_slack: FakeSlack, failure: str
) -> None:
    assert "home.held_drop" in await home_of(in_two_phases, OWNER)
    async with in_two_phases.db.transaction() as tx:
        await tx.execute(delete(schema.people).where(schema.people.c.user_id == OWNER))

    fake_slack.faults.fail_next("users.info", **FAILURES[failure])
    shown = await home_of(in_two_phases, OWNER)

    assert "Out of balance on purpose" in shown or f"<#{LAUNCH}>" in shown
    assert "home.held_drop" not in shown


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_link_that_slack_does_not_confirm_is_refused_beside_it(
    in_two_phases: Services, fake_slack: FakeSlack, failure: str
) -> None:
    fake_slack.faults.fail_next("chat.getPermalink", **FAILURES[failure])
    request = Request(workspace_id=WORKSPACE, user_id=OWNER, target_id="held")

    with pytest.raises(Refused) as refused:
        await held_decisions.decide(in_two_phases, Decision.THERE, request, link=LINK)

    says = "find a message at this link" if failure == "refused" else "Slack didn't answer"
    assert says in refused.value.fields["link"]
