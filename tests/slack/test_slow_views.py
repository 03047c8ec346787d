"""Forms that Slack does not show in time: the person who waits is told, whatever the method."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_sdk.models.views import View

from bot.slack import views
from bot.slack.content import plain, section
from bot.slack.errors import Refused
from bot.slack.views import NO_ANSWER_TEXT, open_form, update_form

FORM = View(type="modal", title=plain("Form"), blocks=[section("Text")])


class HangingSlack:
    """A client whose calls for views are never answered."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        async def call(**_arguments: Any) -> None:
            self.called.append(method)
            await asyncio.Event().wait()

        return call


@pytest.mark.parametrize(
    ("method", "show"),
    [
        ("views_open", lambda client: open_form(client, {"trigger_id": "T1"}, FORM)),
        (
            "views_push",
            lambda client: open_form(client, {"trigger_id": "T1", "view": {"type": "modal"}}, FORM),
        ),
        ("views_update", lambda client: update_form(client, {"id": "V1", "hash": "h"}, FORM)),
    ],
)
async def test_form_that_slack_does_not_show_in_time_is_refused(
    monkeypatch: pytest.MonkeyPatch, method: str, show: Callable[[Any], Awaitable[Any]]
) -> None:
    monkeypatch.setattr(views, "CALL_TIMEOUT_SECONDS", 0.01)
    slack = HangingSlack()

    with pytest.raises(Refused) as refused:
        await show(slack)

    assert refused.value.text == NO_ANSWER_TEXT
    assert slack.called == [method]
