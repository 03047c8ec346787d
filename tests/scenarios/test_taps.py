"""Taps in any order, lost, late and overtaking: one ballot, and each message shows what is stored.

And an attack: nothing that the bot sends to Slack depends on the levels that were tapped.
"""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from bot.checks.model import CheckKind
from bot.db import schema
from bot.rounds import answering, messages
from bot.rounds.answer_changes import (
    AnswerChange,
    AnswerInput,
    CommentInput,
    FormInput,
    SharingInput,
    Skip,
    Tap,
)
from bot.rounds.lifecycle import plan_rounds
from bot.slack import views
from bot.slack.request import Request
from tests.harness import ANA, BEN, CHIARA, MEMBERS, WORKSPACE, BotHarness
from tests.rounds.evidence import carry_out
from tests.rounds.round_rows import NOW, a_phase, the_phase
from tests.taps import KEYS, buttons_in, newest_message, shown_text, tap, write_comment

TUESDAY_EVENING = datetime(2026, 11, 24, 20, tzinfo=UTC)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
#: How often everybody presses; one round of presses is a second or two.
REPETITIONS = 3
#: What may become of the replacement of a message through its response_url.
FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "refused": {"status": 500},
    "lost": {"drop": True},
    "taken, and its answer lost": {"drop": True, "after_accept": True},
    "late": {"hang": 0.2},  # the bot gives up after 0.1 s here, and Slack carries it out later
}


@pytest.fixture
async def round_open(harness: BotHarness) -> BotHarness:
    """A phase started on Monday, on Tuesday evening: everyone has the first questions."""
    async with harness.bot.db.transaction() as tx:
        await a_phase(tx)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    await harness.travel_to(TUESDAY_EVENING)
    return harness


# --- rules ----------------------------------------------------------------------------------

levels = st.integers(1, 5)
keys = st.sampled_from(KEYS)
changes: st.SearchStrategy[AnswerChange] = st.one_of(
    st.builds(Tap, key=keys, level=levels),
    st.builds(CommentInput, comment=st.text(max_size=3)),
    st.builds(SharingInput, shared=st.booleans()),
    st.builds(Skip),
    st.builds(
        FormInput,
        given=st.builds(
            AnswerInput,
            answers=st.dictionaries(keys, st.none() | levels),
            comment=st.text(max_size=3),
            shared=st.booleans(),
        ),
    ),
)


@given(st.lists(changes, max_size=12))
def test_last_change_of_each_part_wins_and_the_others_are_kept(made: list[AnswerChange]) -> None:
    answers = AnswerInput()
    expected: dict[str, Any] = {"comment": "", "shared": False, "is_skipped": False}
    levels_by_key: dict[str, int | None] = {}
    for change in made:
        answers = change.apply(answers)
        match change:
            case Tap():
                levels_by_key[change.key] = change.level
                expected["is_skipped"] = False
            case CommentInput():
                expected["comment"] = change.comment
            case SharingInput():
                expected["shared"] = change.shared
            case Skip():
                expected["is_skipped"] = True
            case FormInput():
                levels_by_key = dict(change.given.answers)
                expected |= {"comment": change.given.comment, "shared": change.given.shared}
                expected["is_skipped"] = False

    assert answers == AnswerInput(answers=levels_by_key, **expected)
    assert answers.progress.answered == set(levels_by_key)


# --- interleavings --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Press:
    """A person's press of a button in one of their messages, whatever it shows by now."""

    key: str  # "": Skip This Week
    level: int
    fault: str
    is_quick: bool  # the next press does not wait for the answer to this one
    in_reminder: bool


presses = st.builds(
    Press,
    key=st.sampled_from((*KEYS, *KEYS, "")),
    level=levels,
    fault=st.sampled_from(list(FAULTS)),
    is_quick=st.booleans(),
    in_reminder=st.booleans(),
)


class _Presser:
    """One person; `allowed` are the levels that may be stored, by question."""

    def __init__(self, harness: BotHarness, user_id: str) -> None:
        self.harness, self.user_id = harness, user_id
        self.person = harness.slack.as_user(user_id)
        direct = self.person.direct_message
        assert direct is not None
        self.places = [(direct.id, message["ts"]) for message in self.person.dm_with_bot()]
        self.round_id = next(
            element["value"]
            for block in self.person.dm_with_bot()[0]["blocks"]
            if block["type"] == "actions"
            for element in block["elements"]
            if element["action_id"] == "rounds.skip"
        )

    async def press_all(self, script: Sequence[Press]) -> dict[str, set[int]]:
        allowed: dict[str, set[int]] = defaultdict(set)
        under_way: list[asyncio.Task[Any]] = []
        for press in script:
            if press.key:
                has_rival = any(not task.done() for task in under_way)
                earlier = allowed[press.key] if has_rival else set()
                allowed[press.key] = {press.level, *earlier}
            if press.fault != "none":
                self.harness.slack.faults.fail_next("response_url", **FAULTS[press.fault])
            under_way.append(asyncio.create_task(self._press(press)))
            await asyncio.sleep(0)
            if not press.is_quick:
                await asyncio.gather(*under_way)
        await asyncio.gather(*under_way)
        return allowed

    async def _press(self, press: Press) -> None:
        channel, ts = self.places[-1 if press.in_reminder else 0]  # a lead has no reminder
        action_id = f"rounds.tap.{press.key}.{press.level}" if press.key else "rounds.skip"
        action = {"type": "button", "action_id": action_id, "value": self.round_id}
        await self.person.act({"type": "message", "channel_id": channel, "message_ts": ts}, action)

    async def check(self, allowed: dict[str, set[int]]) -> None:
        """Check that one of the allowed levels is stored, and that both messages show it."""
        request = Request(workspace_id=WORKSPACE, user_id=self.user_id, target_id=self.round_id)
        asking, stored = await answering.questionnaire_to_change(self.harness.bot.services, request)
        for key, levels in allowed.items():
            assert stored.answers[key] in levels
        sent = (False, True)[: len(self.places)]
        for message, is_reminder in zip(self.person.dm_with_bot(), sent, strict=True):
            expected = messages.questions_message(asking, stored.progress, is_reminder=is_reminder)
            shown = {"text": message["text"], "blocks": message["blocks"]}
            assert _readable(shown) == _readable(expected.payload)


def _readable(payload: dict[str, Any]) -> list[str]:
    """Return the texts and action ids of a message, without the ids that Slack adds to blocks."""
    found = [payload["text"]]
    for block in payload["blocks"]:
        parts = [block["text"]] if "text" in block else block.get("elements", [])
        found += [part.get("action_id") or part["text"] for part in parts]
    return found


@on_sqlite
async def test_any_interleaving_ends_with_the_last_tap_stored_and_shown(
    round_open: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "CALL_TIMEOUT_SECONDS", 0.1)
    await round_open.wait(days=1)  # members have a reminder, too
    pressers = [_Presser(round_open, user_id) for user_id in (*MEMBERS, ANA)]

    @settings(
        max_examples=REPETITIONS * len(pressers),
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(presses, min_size=2, max_size=7))
    def draw(script: list[Press]) -> None:
        scripts.append(script)

    scripts: list[list[Press]] = []
    draw()
    while scripts:
        now, scripts = scripts[: len(pressers)], scripts[len(pressers) :]
        allowed = await asyncio.gather(
            *(presser.press_all(script) for presser, script in zip(pressers, now, strict=False))
        )
        await round_open.settle()
        await round_open.wait(seconds=10)
        for presser, levels_of in zip(pressers, allowed, strict=False):
            await presser.check(levels_of)


# --- single cases ---------------------------------------------------------------------------


@on_sqlite
async def test_replacement_that_arrives_after_the_close_does_not_stay(
    round_open: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, ben = round_open.bot.services, round_open.slack.as_user(BEN)
    async with services.db.reading() as reader:
        closes_at = (await reader.execute(select(schema.rounds.c.closes_at))).scalar_one()
    respond = views.respond_to_url

    async def respond_after_the_close(*args: Any, **named: Any) -> bool:
        round_open.clock.move_to(closes_at)
        await carry_out(services, "close_round")
        for _ in range(500):
            if "are closed" in newest_message(round_open, BEN)["text"]:
                break
            await asyncio.sleep(0.01)
        return await respond(*args, **named)

    monkeypatch.setattr("bot.rounds.handlers.respond_to_url", respond_after_the_close)
    await round_open.travel_to(closes_at - timedelta(seconds=1))
    await ben.click("rounds.tap.ego.1")
    await services.background_tasks.wait_until_idle()
    assert "✓" in shown_text(newest_message(round_open, BEN))
    await round_open.wait(seconds=10)

    assert "are closed" in newest_message(round_open, BEN)["text"]


@on_sqlite
async def test_answer_is_shown_although_the_process_died_before_it_replaced_the_message(
    round_open: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.rounds.handlers._replace", lambda *_: None)
    await tap(round_open, BEN, ego=1)
    assert "✓" not in shown_text(newest_message(round_open, BEN))

    await round_open.wait(seconds=10)

    assert "Room for mistakes ✓" in shown_text(newest_message(round_open, BEN))


@on_sqlite
async def test_tap_on_an_old_message_after_the_close_is_refused_and_changes_nothing(
    round_open: BotHarness,
) -> None:
    presser = _Presser(round_open, BEN)
    await round_open.wait(days=4)
    press = Press(key="ego", level=5, fault="none", is_quick=False, in_reminder=False)
    await presser.press_all([press])
    await round_open.settle()

    shown = presser.person.visible(presser.places[0][0])
    assert any("These questions are closed" in message["text"] for message in shown)
    assert "are closed" in shown[0]["text"]


# --- attack ---------------------------------------------------------------------------------


@on_sqlite
async def test_nothing_sent_to_slack_depends_on_the_levels_tapped(
    round_open: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Companies can export messages, so all that is sent for 1, 1, 1 equals that for 5, 5, 5.

    And all that is sent for "yes" to the check equals that for "can't say".
    """
    async with round_open.bot.db.transaction() as tx:
        await tx.execute(update(schema.rounds).values(check_kind=CheckKind.SLIPPED))
    replaced: list[Any] = []
    respond = views.respond_to_url

    async def record(client: Any, body: Any, message: Any, *, replace: bool) -> bool:
        replaced.append(message.payload)
        return await respond(client, body, message, replace=replace)

    monkeypatch.setattr("bot.rounds.handlers.respond_to_url", record)
    low = await _sent_while_answering(round_open, BEN, 1, 1, replaced)
    high = await _sent_while_answering(round_open, CHIARA, 5, 0, replaced)

    assert len(low) >= 8
    assert low == high
    assert "What slipped ✓" in shown_text(newest_message(round_open, CHIARA))
    assert not any("initial_option" in call or "selected_option" in call for call in low)


async def _sent_while_answering(
    harness: BotHarness, user_id: str, level: int, check: int, replaced: list[Any]
) -> list[str]:
    """Return all that is sent, but for ids and times, while a person answers in every way."""
    before = len(harness.slack.calls)
    replaced.clear()
    person = harness.slack.as_user(user_id)
    await tap(harness, user_id, clarity=level)
    await harness.wait(seconds=5)
    await write_comment(harness, user_id, "The importer is late")
    await tap(harness, user_id, trust=level, check=check, ego=level)
    await harness.wait(seconds=5)
    await person.click("rounds.change")
    await person.submit()
    await harness.wait(seconds=5)
    await person.open_home()
    await harness.settle()
    shown = [call.args for call in harness.slack.calls[before:] if call.method != "views.open"]
    direct = person.direct_message
    assert direct is not None
    ids = re.compile(f"{user_id}|{direct.id}|[0-9]{{10}}\\.[0-9]{{6}}|[0-9a-f]{{32}}")
    return [ids.sub("ID", json.dumps(sent, default=str)) for sent in (*replaced, *shown)]


def test_levels_are_only_in_the_fixed_rows_of_five_buttons(round_open: BotHarness) -> None:
    message = newest_message(round_open, BEN)
    taps = {action for action in buttons_in(message) if action.startswith("rounds.tap")}

    assert taps == {f"rounds.tap.{key}.{level}" for key in KEYS for level in range(1, 6)}
    assert "·" in shown_text(message)
