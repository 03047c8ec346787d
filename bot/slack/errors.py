"""The meaning of Slack's errors, decided once, and how a refusal reaches the person."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite

from aiohttp import ClientConnectorError
from slack_sdk.errors import SlackApiError


class Refused(Exception):
    """What did not happen, why, and what to do now: shown where it was typed.

    `fields` puts sentences beside inputs of a form, by block id; `text` is the whole sentence.
    """

    #: Of the form that says it, where it is said in one.
    title = "Not done"

    def __init__(self, text: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.fields = dict(fields or {})


class ErrorKind(StrEnum):
    """What is to be done about an answer of Slack."""

    LATER = "later"  # surely not done; try again
    PERMANENT = "permanent"  # surely not done; never will be for this target
    WORKSPACE = "workspace"  # our token is no good: nothing in this workspace will work
    UNKNOWN = "unknown"  # may have been done


@dataclass(frozen=True, kw_only=True)
class Verdict:
    meaning: ErrorKind
    reason: str
    #: seconds that Slack asks to wait for this method; null: it did not say
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
_WORKSPACE = {
    "account_inactive",
    "invalid_auth",
    "not_authed",
    "team_access_not_granted",
    "token_expired",
    "token_revoked",
}
#: The workspace is just moving to an organisation: it passes.
_PASSING = {"org_login_required", "team_added_to_org"}
_RATE_LIMITED = {"ratelimited", "rate_limited"}
#: Seconds; whoever asks for more is asked again then.
LONGEST_RETRY_AFTER = 3600.0


def verdict(error: BaseException) -> Verdict:
    """The meaning of a failed Web API call.

    A name of Slack's that we do not know counts as permanent, an answer without a name as unknown.
    """
    if isinstance(error, SlackApiError):
        return _answered(error)
    if isinstance(error, ClientConnectorError):  # no byte left this machine
        return Verdict(meaning=ErrorKind.LATER, reason="no connection")
    if isinstance(error, asyncio.TimeoutError):
        return Verdict(meaning=ErrorKind.UNKNOWN, reason="timeout")
    return Verdict(meaning=ErrorKind.UNKNOWN, reason=type(error).__name__)


def _answered(error: SlackApiError) -> Verdict:
    name, status = _name_of(error), _status_of(error)
    if status == 429 or name in _RATE_LIMITED:
        seconds = _retry_after(getattr(error.response, "headers", {}))
        return Verdict(meaning=ErrorKind.LATER, reason="ratelimited", retry_after=seconds)
    if name is None or status >= 500 or name in _AMBIGUOUS:  # no name: not Slack's own words
        return Verdict(meaning=ErrorKind.UNKNOWN, reason=reason_of(error))
    if name in _PASSING:
        return Verdict(meaning=ErrorKind.LATER, reason=name)
    if name in _WORKSPACE:
        return Verdict(meaning=ErrorKind.WORKSPACE, reason=name)
    return Verdict(meaning=ErrorKind.PERMANENT, reason=name)


def reason_of(error: SlackApiError) -> str:
    """Slack's own name for what is wrong; the HTTP status where the body has none."""
    return _name_of(error) or f"http {_status_of(error)}"


def _name_of(error: SlackApiError) -> str | None:
    """None where a proxy, or a Slack that is unwell, answered with something else than JSON."""
    body = getattr(error.response, "data", error.response)  # aiohttp's answer where it was broken
    name = body.get("error") if isinstance(body, dict) else None
    return name if isinstance(name, str) and name else None


def _status_of(error: SlackApiError) -> int:
    response = error.response  # slack_sdk's, or aiohttp's where the body could not be read
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    return status if isinstance(status, int) else 200


def _retry_after(headers: Mapping[str, str]) -> float:
    """Whoever limits us need not be Slack, and may say anything here, or a date."""
    said = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        seconds = float(said)
    except ValueError:
        seconds = 1.0
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER) if isfinite(seconds) else 1.0
