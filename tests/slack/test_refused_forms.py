"""A refusal of a submitted form is shown at its own inputs, or at the first one of the form."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from slack_bolt.async_app import AsyncAck

from bot.slack.app import INTERNAL_ERROR_TEXT
from bot.slack.errors import Refused
from bot.slack.request import Body, Request
from tests.slack.test_acknowledgement import COMMAND, SUBMISSION, VIEW, response_to

WHY = "Nothing was saved: the whole of it."
INPUTS = [
    {"type": "section", "block_id": "about"},
    {"type": "input", "block_id": "first"},
    {"type": "input", "block_id": "second"},
]


async def answer_to(
    error: Exception, blocks: list[dict[str, Any]] | None = None
) -> Mapping[str, Any]:
    """Submit a form of these blocks to a handler that raises; return the answer to Slack."""

    async def handle(_services: None, _request: Request, _ack: AsyncAck, _body: Body) -> None:
        raise error

    view = {**VIEW, "blocks": INPUTS if blocks is None else blocks}
    response, unknown = await response_to({**SUBMISSION, "view": view}, handle)
    assert (response.status, unknown) == (200, [])
    answer: Mapping[str, Any] = json.loads(response.body)
    return answer


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({}, {"first": WHY}),
        ({"second": "Too long."}, {"second": "Too long."}),
        ({"first": "Empty.", "second": "Too long."}, {"first": "Empty.", "second": "Too long."}),
        # Slack refuses the whole answer if it names anything but an input of the form.
        ({"elsewhere": "Too long."}, {"first": WHY}),
        ({"about": "Too long."}, {"first": WHY}),
        ({"second": "Too long.", "elsewhere": "Empty."}, {"second": "Too long."}),
    ],
)
async def test_a_refusal_stands_at_inputs_that_the_form_has(
    fields: dict[str, str], errors: dict[str, str]
) -> None:
    answer = await answer_to(Refused(WHY, fields))

    assert answer == {"response_action": "errors", "errors": errors}


async def test_a_form_without_inputs_is_replaced_by_the_refusal() -> None:
    answer = await answer_to(Refused(WHY, {"first": "Empty."}), INPUTS[:1])

    assert answer["response_action"] == "update"
    assert WHY in json.dumps(answer["view"])
    assert answer["view"]["title"]["text"] == Refused.title


async def test_a_failure_of_ours_keeps_the_form_open_too() -> None:
    answer = await answer_to(RuntimeError("ours"))

    assert answer == {"response_action": "errors", "errors": {"first": INTERNAL_ERROR_TEXT}}


async def test_a_refused_command_is_answered_to_who_typed_it_alone() -> None:
    async def handle(_services: None, _request: Request, _ack: AsyncAck, _body: Body) -> None:
        raise Refused(WHY)

    response, _ = await response_to(COMMAND, handle)

    assert json.loads(response.body) == {"response_type": "ephemeral", "text": WHY}
