"""A view that Slack would refuse: it is not sent, it is logged without its text, and told."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from slack_sdk.models.blocks import InputBlock, PlainTextInputElement
from slack_sdk.models.views import View
from structlog.testing import capture_logs

from bot.home import lifecycle
from bot.log import log
from bot.metrics import failed_requests
from bot.slack import views
from bot.slack.content import plain
from bot.slack.views import CANNOT_SHOW
from bot.start import page_moment, page_preview, page_promise
from tests.harness import ANA, BotHarness
from tests.scenarios.lead import CLEAR, SPRINT, Lead, shown

MARK = "violet giraffe"


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    vars(log).pop("bind", None)
    with capture_logs() as lines:
        yield lines
    structlog.reset_defaults()
    vars(log).pop("bind", None)


def too_long(*_: Any) -> InputBlock:
    """An input whose initial value is longer than it takes."""
    element = PlainTextInputElement(action_id="x", initial_value=MARK, max_length=5)
    return InputBlock(block_id="start.text.milestone", label=plain("x"), element=element)


def counted() -> float:
    return failed_requests.labels(kind="invalid_view")._value.get()


def rules(logged: list[Any], callback_id: str | None) -> list[str]:
    """The rules named in the one line about this view, which holds nothing of its text."""
    (line,) = [line for line in logged if line["event"] == "view_invalid"]
    assert MARK not in str(logged)
    assert line["log_level"] == "error"
    assert line["callback_id"] == callback_id
    return list(line["rules"])


async def test_for_a_command(
    harness: BotHarness, ana: Lead, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counted()
    monkeypatch.setattr(page_moment, "TITLE", f"{MARK} {MARK}")

    assert await ana.types("results 2w") == CANNOT_SHOW

    assert ana.page == ""
    assert rules(logged, page_moment.PAGE) == ["title must be between 1 and 24 characters"]
    assert counted() == before + 1
    assert [call for call in harness.slack.calls if call.method == "views.open"] == []


async def test_for_a_submission_the_form_stays_with_what_was_typed(
    harness: BotHarness, ana: Lead, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await ana.types("results 2w")
    monkeypatch.setattr(page_promise, "_milestone", too_long)

    errors = await ana.sends(**CLEAR)

    assert list(errors.values()) == [CANNOT_SHOW]
    assert ana.page == "Is this the moment?"
    assert ana.typed("start.level.clarity")["value"] == "4"
    (rule,) = rules(logged, page_promise.PAGE)
    assert rule.startswith("initial_value does not fit max_length")
    assert harness.slack.problems == []


async def test_for_a_submission_without_inputs_a_page_says_it(
    harness: BotHarness, ana: Lead, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.sends(**SPRINT)
    monkeypatch.setattr(page_preview, "DONE_TITLE", f"{MARK} {MARK}")

    assert await ana.sends() == {}

    assert ana.page == "Not shown"
    assert shown(ana.blocks) == CANNOT_SHOW
    assert rules(logged, None)
    assert harness.slack.problems == []


async def test_for_a_button_a_page_on_top_says_it(
    harness: BotHarness, ana: Lead, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.me.fill(ana.view["id"], {"start.text.ask": "Fast reviews"})
    monkeypatch.setattr(page_promise, "_milestone", too_long)

    await ana.me.click("phase.start.more")

    assert ana.page == "Not shown"
    assert shown(ana.blocks) == CANNOT_SHOW
    await ana.me.close()
    assert ana.page == "The promise"
    assert ana.typed("start.text.ask") == "Fast reviews"
    assert rules(logged, page_promise.PAGE)


async def test_for_the_home_tab_the_tab_says_it(
    harness: BotHarness, ana: Lead, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> View:
        return View(type="home", callback_id="home", blocks=[too_long(), too_long()])

    monkeypatch.setattr(lifecycle, "build", broken)

    await ana.me.open_home()
    await harness.settle()

    home = harness.slack.workspace.home_of(ANA)
    assert home is not None
    assert CANNOT_SHOW in shown(home.blocks)
    assert "block_id repeated in /blocks" in rules(logged, "home")


async def test_what_only_slack_refuses_is_logged_by_its_place(
    harness: BotHarness, ana: Lead, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    monkeypatch.setattr(page_promise, "_milestone", too_long)
    monkeypatch.setattr(views, "broken_rules", lambda _: [])

    await ana.me.click("phase.start.more")

    assert shown(ana.blocks) == CANNOT_SHOW
    (place,) = rules(logged, page_promise.PAGE)
    assert place.endswith("/element/initial_value")
