"""User actions as the requests that Slack sends to an app."""

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from operator import attrgetter
from typing import Any

from bot.outbox.web_api import METADATA_TYPE
from bot.rounds import messages
from bot.slack.content import content, section
from tests.bench.clients import Request, form, interaction
from tests.bench.sink import CHANNEL, LEAD, TEAM
from tests.bench.world import WORDING, Person, questionnaire
from tests.stub_slack.workspace import BOT_USER

#: Placeholders in a template request.
_LEVEL, _COMMENT = "ThisLevel", "ThisComment"
_ANYBODY = Person(workspace_id="ThisTeam", round_id="ThisRound", user_id="UThisUser", ts="ThisTs")
_OWN = tuple(map(attrgetter, ("workspace_id", "round_id", "user_id", "channel", "ts")))


def click(one: Person, hooks: str, now: datetime, level: str, comment: str) -> bytes:
    """The click on Send in the weekly message, with an answer to each question."""
    message = messages.questions_message(questionnaire(one.round_id, now))
    chosen: dict[str, Any] = {
        messages.block_id(one.round_id, question.key): {
            messages.LEVEL: {"type": "radio_buttons", "selected_option": {"value": level}}
        }
        for question in WORDING
    }
    written = {"type": "plain_text_input", "value": comment}
    chosen[messages.block_id(one.round_id, "comment")] = {messages.COMMENT: written}
    return interaction(
        {
            **_from(one.user_id, one.workspace_id),
            "type": "block_actions",
            "container": {
                "type": "message",
                "message_ts": one.ts,
                "channel_id": one.channel,
                "is_ephemeral": False,
            },
            "channel": {"id": one.channel, "name": "directmessage"},
            "message": {
                "type": "message",
                "user": BOT_USER,
                "ts": one.ts,
                "text": message.text,
                "blocks": message.blocks,
                "metadata": {"event_type": METADATA_TYPE, "event_payload": {"id": "0" * 32}},
            },
            "state": {"values": chosen},
            "response_url": f"{hooks}/hooks/actions/{one.user_id}/secret",
            "actions": [
                {
                    "action_id": messages.SEND,
                    "block_id": "send",
                    "type": "button",
                    "text": {"type": "plain_text", "text": "Send"},
                    "value": one.round_id,
                    "action_ts": "1790000000.000000",
                }
            ],
        }
    )


def clicks(everyone: list[Person], hooks: str, now: datetime) -> Iterator[Request]:
    """Endless clicks: everyone answers in turn, then changes it. All answers differ."""
    ready = click_template(hooks, now)
    return (click_of(ready, everyone[number % len(everyone)], number) for number in count())


def click_template(hooks: str, now: datetime) -> bytes:
    """A template for `click_of`, because building each click would be most of the load."""
    return click(_ANYBODY, hooks, now, _LEVEL, _COMMENT)


def click_of(ready: bytes, one: Person, number: int) -> Request:
    """The click of a person that sends the answer with this number."""
    mine = {
        _LEVEL: str(level_of(number)),
        _COMMENT: comment_of(number),
        **{own(_ANYBODY): own(one) for own in _OWN},
    }
    for place, value in mine.items():
        ready = ready.replace(place.encode(), value.encode())
    return Request(body=ready, number=number)


def level_of(number: int) -> int:
    """The level that the answer with this number has for each question."""
    return (4, 2, 5)[number % 3]


def comment_of(number: int) -> str:
    """The comment of the answer with this number; it needs no escaping in a form."""
    return f"Answer{number}"


def commands() -> Iterator[Request]:
    """Endless /imbalance start commands."""
    return (Request(body=command(number), number=number) for number in count())


def command(number: int) -> bytes:
    """The request of a /imbalance start command."""
    return form(
        {
            "token": "old",
            "team_id": TEAM,
            "team_domain": "bench",
            "channel_id": CHANNEL,
            "channel_name": "bench",
            "user_id": LEAD,
            "user_name": "ana",
            "command": "/imbalance",
            "text": "start results 2w Ship the beta",
            "api_app_id": "A0BENCH",
            "is_enterprise_install": "false",
            "response_url": "http://127.0.0.1:9/hooks/commands",
            "trigger_id": f"{number}.1.secret",
        }
    )


def example_message(number: int) -> dict[str, Any]:
    """A message for the simple loop in `loop`."""
    message = content(f"Hello {number}", section("A line of text, and another one."))
    return {"text": message.text, "blocks": message.blocks}


def _from(user_id: str, workspace_id: str) -> dict[str, Any]:
    return {
        "user": {"id": user_id, "username": user_id.lower(), "team_id": workspace_id},
        "team": {"id": workspace_id, "domain": "bench"},
        "api_app_id": "A0BENCH",
        "token": "old",
        "trigger_id": "1.1.secret",
        "enterprise": None,
        "is_enterprise_install": False,
    }
