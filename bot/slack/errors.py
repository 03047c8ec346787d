"""What Slack's answers mean, decided once; and how a refusal reaches the person."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp import ClientConnectorError
from slack_sdk.errors import SlackApiError


class Refused(Exception):
    """What did not happen, why, and what to do now: shown where it was typed.

    `fields` puts sentences beside inputs of a form, by block id; `text` is the whole sentence.
    """

    def __init__(self, text: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.fields = dict(fields or {})


class Meaning(StrEnum):
    """What is to be done about an answer of Slack."""

    LATER = "later"  # surely not done; try again
    PERMANENT = "permanent"  # surely not done; never will be for this target
    WORKSPACE = "workspace"  # our token is no good: nothing in this workspace will work
    UNKNOWN = "unknown"  # may have been done


@dataclass(frozen=True, kw_only=True)
class Verdict:
    meaning: Meaning
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


def verdict(error: BaseException) -> Verdict:
    """The meaning of a failed Web API call. An unknown error name counts as permanent."""
    if isinstance(error, SlackApiError):
        return _answered(error)
    if isinstance(error, ClientConnectorError):  # no byte left this machine
        return Verdict(meaning=Meaning.LATER, reason="no connection")
    if isinstance(error, asyncio.TimeoutError):
        return Verdict(meaning=Meaning.UNKNOWN, reason="timeout")
    return Verdict(meaning=Meaning.UNKNOWN, reason=type(error).__name__)


def _answered(error: SlackApiError) -> Verdict:
    response = error.response
    name = reason_of(error)
    status = getattr(response, "status_code", 200)
    if status == 429 or name in _RATE_LIMITED:
        headers = {key.lower(): value for key, value in response.headers.items()}
        seconds = float(headers.get("retry-after", 1))
        return Verdict(meaning=Meaning.LATER, reason="ratelimited", retry_after=seconds)
    if status >= 500 or name in _AMBIGUOUS:
        return Verdict(meaning=Meaning.UNKNOWN, reason=name)
    if name in _PASSING:
        return Verdict(meaning=Meaning.LATER, reason=name)
    if name in _WORKSPACE:
        return Verdict(meaning=Meaning.WORKSPACE, reason=name)
    return Verdict(meaning=Meaning.PERMANENT, reason=name)


def reason_of(error: SlackApiError) -> str:
    """Slack's own name for what is wrong; the HTTP status where the body has none."""
    response = error.response
    try:
        return str(response["error"])
    except (KeyError, TypeError, ValueError):
        return f"http {getattr(response, 'status_code', '?')}"
