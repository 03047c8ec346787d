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
_KEY, _LEVEL, _NUMBER = "ThisQuestion", "ThisLevel", "ThisNumber"
_ANYBODY = Person(workspace_id="ThisTeam", round_id="ThisRound", user_id="UThisUser", ts="ThisTs")
_OWN = tuple(map(attrgetter, ("workspace_id", "round_id", "user_id", "channel", "ts")))


def click(one: Person, hooks: str, now: datetime, key: str, level: str, number: str) -> bytes:
    """The tap on a level under a question of the weekly message."""
    message = messages.questions_message(questionnaire(one.round_id, now))
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
            "state": {"values": {}},
            "response_url": f"{hooks}/hooks/actions/{one.user_id}/secret",
            "actions": [
                {
                    "action_id": f"{messages.TAP}{key}.{level}",
                    "block_id": messages.block_id(one.round_id, key),
                    "type": "button",
                    "text": {"type": "plain_text", "text": level},
                    "value": one.round_id,
                    "action_ts": f"1790000000.{number}",
                }
            ],
        }
    )


def clicks(everyone: list[Person], hooks: str, now: datetime) -> Iterator[Request]:
    """Endless taps: everyone answers a question in turn, then another one or the same."""
    ready = click_template(hooks, now)
    return (click_of(ready, everyone[number % len(everyone)], number) for number in count())


def click_template(hooks: str, now: datetime) -> bytes:
    """A template for `click_of`, because building each tap would be most of the load."""
    return click(_ANYBODY, hooks, now, _KEY, _LEVEL, _NUMBER)


def click_of(ready: bytes, one: Person, number: int) -> Request:
    """The tap of a person with this number."""
    mine = {
        _KEY: key_of(number),
        _LEVEL: str(level_of(number)),
        _NUMBER: f"{number:06}",
        **{own(_ANYBODY): own(one) for own in _OWN},
    }
    for place, value in mine.items():
        ready = ready.replace(place.encode(), value.encode())
    return Request(body=ready, number=number)


def key_of(number: int) -> str:
    """The question that the tap with this number answers."""
    return WORDING[_mixed(number) % len(WORDING)].key


def level_of(number: int) -> int:
    """The level that the tap with this number gives."""
    return _mixed(number) // len(WORDING) % 5 + 1


def _mixed(number: int) -> int:
    """A number without pattern, so that a person's taps differ however many people there are."""
    return number * 2_654_435_761 % 2**32 >> 8


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
