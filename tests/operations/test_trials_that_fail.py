"""Trials of verify-slack that cannot be carried out: named, and the next ones still run."""

from typing import cast

import pytest
from aiohttp import ClientConnectionError
from slack_sdk.errors import SlackApiError

from bot.operations import verify_trials
from bot.operations.verify_trials import TrialResult, Trials, run_trials

MAY_BE_LEFT = "A trial message may be left there."


@pytest.mark.parametrize(
    ("error", "reason", "may_be_left"),
    [
        (SlackApiError("refused", {"error": "missing_scope"}), "missing_scope", False),
        (TimeoutError(), "timeout", True),
        (ClientConnectionError(), "ClientConnectionError", True),
    ],
)
async def test_failed_trial_says_why_and_whether_a_message_may_be_left(
    error: Exception, reason: str, may_be_left: bool
) -> None:
    async def _edit_in_thread(_: Trials) -> TrialResult:
        raise error

    async def works(_: Trials) -> TrialResult:
        return TrialResult(passed=True, text="works")

    trials = cast("Trials", None)
    seen = [result async for result in run_trials(trials, [_edit_in_thread, works])]

    failed, passed = seen
    assert failed.passed is None
    assert failed.text.startswith("edit in thread: could not be tried (")
    assert (MAY_BE_LEFT in failed.text) is may_be_left
    assert reason in failed.text
    assert passed.passed


async def test_history_trial_reports_the_slowest_message(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    looks = iter([False, False, False, True, *([True] * verify_trials.POSTS)])

    class Posts:
        async def post(self, _text: str, **_more: object) -> str:
            return "1.1"

    async def is_there(*_: object) -> bool:
        nonlocal now
        now += 5.0
        return next(looks)

    monkeypatch.setattr(verify_trials, "monotonic", lambda: now)
    monkeypatch.setattr(verify_trials, "_is_in_history", is_there)
    monkeypatch.setattr(verify_trials, "LOOK_EVERY_SECONDS", 0)

    result = await verify_trials._history(cast("Trials", Posts()))

    assert result.passed
    assert "within 20.0 s" in result.text
    assert "SETTLE_SECONDS=200 " in result.text
