"""Submitting and closing a modal, and applying the app's response to it."""

from dataclasses import dataclass, field
from typing import Any

from bot.playground.fake_slack import forms, payloads, views
from bot.playground.fake_slack.app_responses import AppResponse
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.errors import SlackError
from bot.playground.fake_slack.json_shapes import view_object
from bot.playground.fake_slack.model import Json, View

TROUBLE = "We had some trouble connecting. Try again?"


@dataclass(frozen=True, kw_only=True)
class SubmitResult:
    """The outcome of a submission, as the person sees it."""

    errors: dict[str, str] = field(default_factory=dict)  # text under the input, by block id
    view: Json | None = None  # the top view now, as Slack's JSON
    failure: str = ""  # the line at the bottom of the modal after an invalid response
    answer: Json = field(default_factory=dict)  # the app's response


async def submit(core: Core, view: View) -> SubmitResult:
    """Press *Submit*: the client validates first, then the app has three seconds to respond."""
    values = forms.state_values(view.blocks, view.typed)
    errors = forms.client_errors(view.blocks, values)
    if errors:
        return SubmitResult(errors=errors, view=_top(core, view.user_id))
    answer = await core.dispatch.request("interactive", payloads.submission(core, view, values))
    if not answer.is_ack:
        return _failed(core, view, f"not acknowledged ({answer.error or answer.status})", answer)
    try:
        response_errors = _apply(core, view, answer.body)
    except SlackError as error:
        listed = error.body.get("response_metadata") or {}
        return _failed(core, view, f"{error.error} {listed.get('messages', '')}", answer)
    return SubmitResult(errors=response_errors, view=_top(core, view.user_id), answer=answer.body)


def _failed(core: Core, view: View, why: str, answer: AppResponse) -> SubmitResult:
    core.problems.append(f"view_submission of {view.content.get('callback_id')}: {why}")
    return SubmitResult(view=_top(core, view.user_id), failure=TROUBLE, answer=answer.body)


def _top(core: Core, user_id: str) -> Json | None:
    return view_json(core.workspace.top_of(user_id))


def view_json(view: View | None) -> Json | None:
    """Return the view as Slack's JSON, with its current input."""
    if view is None:
        return None
    return view_object(view, forms.state_values(view.blocks, view.typed))


def _apply(core: Core, view: View, body: Json) -> dict[str, str]:
    """Carry out a response_action. Return the errors to show beside inputs."""
    action = body.get("response_action")
    if action == "errors":
        return _errors(view, body.get("errors"))
    if action == "update":
        views.update(core, view, _view_in(body))
    elif action == "push":
        views.push(core, view.user_id, _view_in(body))
    elif action == "clear":
        views.close(core, view.user_id, everything=True)
    elif not action:
        _close_if_open(core, view)
    else:
        raise SlackError(f"unknown response_action {action}")
    return {}


def _close_if_open(core: Core, view: View) -> None:
    if core.workspace.top_of(view.user_id) is view:
        views.close(core, view.user_id)


def _errors(view: View, errors: Any) -> dict[str, str]:
    if not isinstance(errors, dict) or not errors:
        raise SlackError("errors must name inputs")
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    strangers = errors.keys() - inputs
    if strangers:
        raise SlackError(f"errors at what is no input: {', '.join(sorted(strangers))}")
    return {str(block_id): str(text) for block_id, text in errors.items()}


def _view_in(body: Json) -> Json:
    view = body.get("view")
    if not isinstance(view, dict):
        raise SlackError("response_action without view")
    return view


async def close(core: Core, view: View, *, everything: bool = False) -> None:
    """Press *Cancel*, or close all modals; the app is notified if it asked for that."""
    stack = core.workspace.stack_of(view.user_id)
    notified = stack[0] if everything and stack else view
    payload = payloads.closing(
        core, notified, forms.state_values(notified.blocks, notified.typed), is_cleared=everything
    )
    views.close(
        core, view.user_id, everything=everything or bool(view.content.get("clear_on_close"))
    )
    if notified.content.get("notify_on_close"):
        await core.dispatch.request("interactive", payload)
