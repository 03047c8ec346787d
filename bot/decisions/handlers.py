"""Slack handlers for decisions."""

from dataclasses import replace

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.decisions import decision_form, lifecycle, messages
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.inputs import UNKNOWN_TEXT
from bot.slack.request import Body, Request, as_listener, typed_values
from bot.slack.views import open_form, show_next


def register(app: AsyncApp, services: Services) -> None:
    app.action(messages.DECIDE)(as_listener(services, open_decision))
    app.view(decision_form.FORM)(as_listener(services, submit_decision))


async def open_decision(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    request, decision_id = _of_decision(request)
    phase, decision = await lifecycle.decision_to_make(services, request, decision_id)
    form = decision_form.build(phase, decision)
    await open_form(services.client_for(request.workspace_id), body, form)
    await ack()


async def submit_decision(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    request, decision_id = _of_decision(request)
    answer = decision_form.parse(typed_values(body))
    await lifecycle.decide(services, request, decision_id, answer)
    await show_next(ack, decision_form.posted())


def _of_decision(request: Request) -> tuple[Request, str]:
    """Return the request for the phase, and the decision's id.

    Raises:
        Refused: the button names no decision.
    """
    phase_id, _, decision_id = request.target_id.partition(":")
    if not decision_id:
        raise Refused(UNKNOWN_TEXT)
    return replace(request, target_id=phase_id), decision_id
