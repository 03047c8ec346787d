"""Log lines name phases, rounds and messages, but hold no answers and no user ids."""

import io
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.agenda import actions
from bot.log import hide_people
from bot.outbox.keys import MessageKey
from bot.rounds.lifecycle import plan_rounds
from tests.harness import ANA, BEN, CHIARA, LAUNCH, MEMBERS, WORKSPACE, BotHarness
from tests.rounds.round_rows import NOW, a_phase, the_phase
from tests.scenarios.lead import Lead
from tests.taps import tap, write_comment

TUESDAY_EVENING = datetime(2026, 11, 24, 20, tzinfo=UTC)
PHASE = "f" * 32
ROUND = "a" * 32
COMMENT = "violet giraffe"
QUESTIONS = ("clarity", "trust", "ego")
#: Every field of our log lines in a round. Before adding one: could it hold an answer?
FIELDS = {
    *("event", "level", "logger", "timestamp", "workspace", "request", "mode", "version"),
    *("keys", "phase", "round", "message", "key", "operation", "action", "subject", "kind"),
    *("reason", "until", "asked", "attempts", "sent", "left", "expected_end"),
}


@pytest.fixture
def lines(written: io.StringIO) -> Any:
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


async def ask(harness: BotHarness) -> None:
    async with harness.bot.db.transaction() as tx:
        await a_phase(tx, phase_id=PHASE)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx, PHASE), NOW)
    await harness.travel_to(TUESDAY_EVENING)


async def answer(harness: BotHarness, user_id: str, value: str) -> None:
    if user_id != ANA:
        await write_comment(harness, user_id, f"{COMMENT} {user_id}")
    await tap(harness, user_id, **dict.fromkeys(QUESTIONS, int(value)))


async def run_round(harness: BotHarness, value: str) -> None:
    """Ask, answer, change, skip, remind, reflect, close, and show the results."""
    await ask(harness)
    for user_id in (*MEMBERS[:6], ANA):
        await answer(harness, user_id, value)
    chiara = harness.slack.as_user(CHIARA)
    await chiara.click("rounds.change")
    await chiara.submit()
    await harness.slack.as_user(MEMBERS[-1]).click("rounds.skip")
    await harness.wait(days=6)


async def test_round_leaves_no_answer_in_the_log(
    written: io.StringIO, lines: Any, harness: BotHarness
) -> None:
    await run_round(harness, "2")

    shown = [m["text"] for m in harness.slack.as_user(BEN).visible(LAUNCH)]
    assert [text.split(":")[0] for text in shown] == [f"First results in <#{LAUNCH}>"]
    assert "message_sent" in {line["event"] for line in lines()}
    for word in (COMMENT, "giraffe", "selected_option", "block_id", "answer:", "rounds.tap"):
        assert word not in written.getvalue()
    for user_id in (ANA, *MEMBERS):
        assert user_id not in written.getvalue()


@pytest.mark.parametrize("written", ["DEBUG json", "DEBUG text"], indirect=True)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_failed_submission_is_logged_without_the_answer(
    written: io.StringIO, harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(harness)
    monkeypatch.setattr("bot.rounds.answer_form.parse_comment", lambda *_: 1 // 0)
    monkeypatch.setattr("bot.rounds.handlers.read_tap", lambda *_: 1 // 0)
    await answer(harness, BEN, "2")

    assert "request_failed" in written.getvalue()
    assert "ZeroDivisionError" in written.getvalue()
    for word in (COMMENT, "giraffe", "selected_option", BEN):
        assert word not in written.getvalue()


async def test_log_lines_have_only_allowed_fields(lines: Any, harness: BotHarness) -> None:
    await run_round(harness, "2")

    ours = [line for line in lines() if line["logger"] == "imbalance"]
    assert set[str]().union(*ours) <= FIELDS


def test_log_fields_of_messages_and_agenda_actions() -> None:
    def of_message(key: str) -> dict[str, Any]:
        return dict(hide_people(None, "info", MessageKey(key).log_fields))

    def of_action(action: str, subject: str) -> dict[str, Any]:
        return dict(hide_people(None, "info", actions.log_fields(action, subject)))

    assert of_message(f"announcement:{PHASE}")["phase"] == PHASE
    assert of_message(f"unbookmark:bookmark:announcement:{PHASE}")["phase"] == PHASE
    asked = of_message(f"edit:ask:{ROUND}:{BEN}")
    assert (asked["round"], asked["key"]) == (ROUND, f"edit:ask:{ROUND}:somebody")
    assert of_action("open_round", f"{PHASE}:weekly:2026-11-24")["phase"] == PHASE
    reminded = of_action("ask", f"{ROUND}:{BEN}")
    assert (reminded["round"], reminded["subject"]) == (ROUND, f"{ROUND}:somebody")
    assert of_message(f"home:{BEN}") == {"key": "home:somebody"}
    assert hide_people(None, "info", {"event": "started"}) == {"event": "started"}


async def test_delivery_and_agenda_lines_carry_their_ids(lines: Any, harness: BotHarness) -> None:
    await run_round(harness, "4")

    delivery = [line for line in lines() if line["event"].startswith("message_")]
    assert {"workspace", "key", "operation"} <= set.intersection(*map(set, delivery))
    # The id leads to the recipient, and the key to the round.
    assert {"message" in line for line in delivery if "somebody" in line["key"]} == {False}
    about_rounds = [line for line in delivery if not line["key"].startswith("home:")]
    assert all(line.keys() & {"phase", "round"} for line in about_rounds)
    agenda = [line for line in lines() if line["event"].startswith("agenda_action")]
    assert {"workspace", "action", "subject"} <= set.intersection(*map(set, agenda))
    assert {line["phase"] for line in agenda if line["action"] == "open_round"} == {PHASE}
    opened = [line for line in lines() if line["event"] == "round_opened"]
    assert {line["phase"] for line in opened} == {PHASE}


async def round_without_picture(harness: BotHarness) -> None:
    harness.slack.faults.fail_next("files.getUploadURLExternal", error="file_upload_disabled")
    await run_round(harness, "4")


async def round_left_out(harness: BotHarness) -> None:
    await Lead(harness).starts("results 2w")
    harness.slack.faults.fail_next("conversations.members", error="method_deprecated")
    await harness.wait(days=1)


@pytest.mark.parametrize(
    ("scenario", "event"),
    [(round_without_picture, "picture_failed"), (round_left_out, "round_skipped")],
)
async def test_log_lines_of_a_phase_name_their_workspace(
    lines: Any, harness: BotHarness, scenario: Callable[[BotHarness], Awaitable[None]], event: str
) -> None:
    await scenario(harness)

    ours = [line for line in lines() if line["logger"] == "imbalance"]
    assert event in {line["event"] for line in ours}
    assert {line["event"] for line in ours if "workspace" not in line} <= {"started", "stopped"}
