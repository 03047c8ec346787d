"""The meaning of Slack's errors, decided in one place, and refusals shown to people."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite

from aiohttp import ClientConnectorError
from slack_sdk.errors import SlackApiError


class Refused(Exception):
    """Raised with what did not happen, why, and what to do now: shown where the person typed it.

    `fields` holds messages for inputs of a form, by block id; `text` is the whole message.
    """

    #: Title of the form that shows the refusal, if one does.
    title = "Not done"

    def __init__(self, text: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.fields = dict(fields or {})


class RefusedForNow(Refused):
    """Raised if nothing can be done until an operator acts: Slack is to send events again."""


class CallNotMade(Exception):
    """Raised if a call cannot be made for now: nothing was sent to Slack."""


class ErrorKind(StrEnum):
    """The kinds of error that Slack's answers fall into, by what is to be done."""

    RETRYABLE = "later"  # certainly not done; try again
    PERMANENT = "permanent"  # certainly not done; never will be for this target
    WORKSPACE = "workspace"  # our token is invalid: nothing in this workspace will work
    UNKNOWN = "unknown"  # may have been done


@dataclass(frozen=True, kw_only=True)
class ApiError:
    kind: ErrorKind
    reason: str
    #: seconds that Slack asks to wait before calling this method; null: not given
    retry_after: float | None = field(default=None)


# https://docs.slack.dev/reference/methods/chat.postMessage lists these and warns that with the
# first two "some aspect of the operation" may have succeeded.
_AMBIGUOUS = {
    "fatal_error",
    "internal_error",
    "request_timeout",
    "service_unavailable",
    "duplicate_message_not_found",
    "duplicate_channel_not_found",
}
#: Not Slack's: the workspace has no token, so nothing was sent.
NOT_INSTALLED = "not_installed"
_WORKSPACE = {
    NOT_INSTALLED,
    "account_inactive",
    "invalid_auth",
    "not_authed",
    "team_access_not_granted",
    "token_expired",
    "token_revoked",
}
#: The workspace is being moved to an organisation: these errors pass.
_PASSING = {"org_login_required", "team_added_to_org"}
_RATE_LIMITED = {"ratelimited", "rate_limited"}
#: Seconds; after this, a method is called again even if Slack asked for a longer wait.
LONGEST_RETRY_AFTER = 3600.0


def classify(error: BaseException) -> ApiError:
    """Return the meaning of a failed Web API call.

    An unknown error name of Slack's counts as permanent, an answer without a name as unknown.
    """
    if isinstance(error, SlackApiError):
        return _verdict_on_response(error)
    if isinstance(error, CallNotMade):
        return ApiError(kind=ErrorKind.RETRYABLE, reason="no token")
    if isinstance(error, ClientConnectorError):  # no byte left this machine
        return ApiError(kind=ErrorKind.RETRYABLE, reason="no connection")
    if isinstance(error, asyncio.TimeoutError):
        return ApiError(kind=ErrorKind.UNKNOWN, reason="timeout")
    return ApiError(kind=ErrorKind.UNKNOWN, reason=type(error).__name__)


def _verdict_on_response(error: SlackApiError) -> ApiError:
    name, status = _name_of(error), _status_of(error)
    if status == 429 or name in _RATE_LIMITED:
        seconds = _retry_after(getattr(error.response, "headers", {}))
        return ApiError(kind=ErrorKind.RETRYABLE, reason="ratelimited", retry_after=seconds)
    if name is None or status >= 500 or name in _AMBIGUOUS:  # no name: not an answer by Slack's API
        return ApiError(kind=ErrorKind.UNKNOWN, reason=reason_of(error))
    if name in _PASSING:
        return ApiError(kind=ErrorKind.RETRYABLE, reason=name)
    if name in _WORKSPACE:
        return ApiError(kind=ErrorKind.WORKSPACE, reason=name)
    return ApiError(kind=ErrorKind.PERMANENT, reason=name)


def reason_of(error: SlackApiError) -> str:
    """Return Slack's name for the error; the HTTP status if the body has none."""
    return _name_of(error) or f"http {_status_of(error)}"


def _name_of(error: SlackApiError) -> str | None:
    """Return None if a proxy, or a failing Slack, answered with something else than JSON."""
    body = getattr(error.response, "data", error.response)  # aiohttp's if it was broken off
    name = body.get("error") if isinstance(body, dict) else None
    return name if isinstance(name, str) and name else None


def _status_of(error: SlackApiError) -> int:
    response = error.response  # slack_sdk's, or aiohttp's where the body could not be read
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    return status if isinstance(status, int) else 200


def _retry_after(headers: Mapping[str, str]) -> float:
    """Parse the header; whoever limits us need not be Slack, and may send anything, or a date."""
    header = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        seconds = float(header)
    except ValueError:
        seconds = 1.0
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER) if isfinite(seconds) else 1.0
