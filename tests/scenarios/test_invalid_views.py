"""Views that Slack would refuse: not sent, logged without their text, and reported to the user."""

from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk.models.blocks import InputBlock, PlainTextInputElement
from slack_sdk.models.views import View
from structlog.testing import capture_logs

from bot.home import lifecycle
from bot.log import log
from bot.metrics import failed_requests
from bot.slack import views
from bot.slack.content import plain
from bot.slack.views import INVALID_VIEW_TEXT
from bot.start import page_moment, page_promise, wording
from tests.conftest import log_plainly
from tests.harness import ANA, BotHarness
from tests.scenarios.lead import CLEAR, SPRINT, Lead, shown

SECRET_TEXT = "violet giraffe"


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    vars(log).pop("bind", None)
    with capture_logs() as lines:
        yield lines
    log_plainly()
    vars(log).pop("bind", None)


def overlong_input(*_: Any) -> InputBlock:
    """Return an input whose initial value exceeds its maximum length."""
    element = PlainTextInputElement(action_id="x", initial_value=SECRET_TEXT, max_length=5)
    return InputBlock(block_id="start.overlong", label=plain("x"), element=element)


def invalid_view_count() -> float:
    return failed_requests.labels(kind="invalid_view")._value.get()


def logged_rules(logged: list[Any], callback_id: str | None) -> list[str]:
    """Return the broken rules logged for this view; the log must not contain its text."""
    (line,) = [line for line in logged if line["event"] == "view_invalid"]
    assert SECRET_TEXT not in str(logged)
    assert line["log_level"] == "error"
    assert line["callback_id"] == callback_id
    return list(line["rules"])


async def test_invalid_view_for_a_command_is_reported_and_not_opened(
    harness: BotHarness, ana: Lead, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = invalid_view_count()
    monkeypatch.setattr(wording, "MOMENT_TITLE", f"{SECRET_TEXT} {SECRET_TEXT}")

    assert await ana.types("results 2w") == INVALID_VIEW_TEXT

    assert ana.page == ""
    assert logged_rules(logged, page_moment.PAGE) == ["title must be between 1 and 24 characters"]
    assert invalid_view_count() == before + 1
    assert [call for call in harness.slack.calls if call.method == "views.open"] == []


async def test_invalid_next_page_keeps_the_submitted_form_and_its_values(
    harness: BotHarness, ana: Lead, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await ana.types("results 2w")
    monkeypatch.setattr(page_promise, "_end_input", overlong_input)

    errors = await ana.sends(**CLEAR)

    assert list(errors.values()) == [INVALID_VIEW_TEXT]
    assert ana.page == "Is this the moment?"
    assert ana.typed("start.level.clarity")["value"] == "4"
    (rule,) = logged_rules(logged, page_promise.PAGE)
    assert rule.startswith("initial_value does not fit max_length")
    assert harness.slack.problems == []


async def test_invalid_page_after_a_form_without_inputs_shows_an_error_page(
    harness: BotHarness, ana: Lead, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.sends(**SPRINT)
    monkeypatch.setattr(wording, "ANNOUNCED_TITLE", f"{SECRET_TEXT} {SECRET_TEXT}")

    assert await ana.sends() == {}

    assert ana.page == "Not shown"
    assert shown(ana.blocks) == INVALID_VIEW_TEXT
    assert logged_rules(logged, None)
    assert harness.slack.problems == []


async def test_invalid_view_for_a_button_pushes_an_error_page(
    harness: BotHarness, ana: Lead, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.me.fill(ana.view["id"], {"start.text.ask": "Fast reviews"})
    monkeypatch.setattr(page_promise, "_end_input", overlong_input)

    await ana.me.click("phase.start.more")

    assert ana.page == "Not shown"
    assert shown(ana.blocks) == INVALID_VIEW_TEXT
    await ana.me.close()
    assert ana.page == "The promise"
    assert ana.typed("start.text.ask") == "Fast reviews"
    assert logged_rules(logged, page_promise.PAGE)


async def test_invalid_app_home_shows_an_error(
    harness: BotHarness, ana: Lead, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> View:
        return View(type="home", callback_id="home", blocks=[overlong_input(), overlong_input()])

    monkeypatch.setattr(lifecycle, "build", broken)

    await ana.me.open_home()
    await harness.settle()

    home = harness.slack.workspace.home_of(ANA)
    assert home is not None
    assert INVALID_VIEW_TEXT in shown(home.blocks)
    assert "block_id repeated in /blocks" in logged_rules(logged, "home")


async def test_view_refused_only_by_slack_is_logged_with_the_json_pointer(
    harness: BotHarness, ana: Lead, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    monkeypatch.setattr(page_promise, "_end_input", overlong_input)
    monkeypatch.setattr(views, "broken_rules", lambda _: [])

    await ana.me.click("phase.start.more")

    assert shown(ana.blocks) == INVALID_VIEW_TEXT
    (pointer,) = logged_rules(logged, page_promise.PAGE)
    assert pointer.endswith("/element/initial_value")
