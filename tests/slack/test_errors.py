"""Errors of Slack and of the transport, classified by their meaning for the call."""

from typing import Any

import pytest
from aiohttp import ClientConnectorDNSError, ServerDisconnectedError
from aiohttp.client_reqrep import ConnectionKey
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.errors import ErrorKind, classify, reason_of

LATER, PERMANENT = ErrorKind.RETRYABLE, ErrorKind.PERMANENT
WORKSPACE, UNKNOWN = ErrorKind.WORKSPACE, ErrorKind.UNKNOWN


def answered(data: Any, status: int = 200, **headers: str) -> SlackApiError:
    """A SlackApiError as slack_sdk raises it."""
    response = AsyncSlackResponse(
        client=None,
        http_verb="POST",
        api_url="",
        req_args={},
        data=data,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        status_code=status,
    )
    return SlackApiError("", response)


@pytest.mark.parametrize(
    ("names", "meaning"),
    [
        (
            (
                *("fatal_error", "internal_error", "request_timeout", "service_unavailable"),
                *("duplicate_message_not_found", "duplicate_channel_not_found"),
            ),
            UNKNOWN,
        ),
        (
            (
                *("account_inactive", "invalid_auth", "not_authed", "team_access_not_granted"),
                *("token_expired", "token_revoked"),
            ),
            WORKSPACE,
        ),
        (("org_login_required", "team_added_to_org", "ratelimited", "rate_limited"), LATER),
        (("not_in_channel", "is_archived", "invalid_blocks", "a_name_of_next_year"), PERMANENT),
    ],
    ids=["unknown", "workspace", "later", "permanent"],
)
def test_error_kind_of_slacks_error_names(names: tuple[str, ...], meaning: ErrorKind) -> None:
    for name in names:
        assert classify(answered({"ok": False, "error": name})).kind is meaning, name


@pytest.mark.parametrize("name", ["not_in_channel", "token_revoked", "org_login_required", None])
@pytest.mark.parametrize("status", [500, 502, 503])
def test_server_error_leaves_the_outcome_unknown_whatever_its_name(
    status: int, name: str | None
) -> None:
    found = classify(answered({"ok": False, "error": name}, status))

    assert (found.kind, found.retry_after) == (UNKNOWN, None)
    assert found.reason == (name or f"http {status}")


@pytest.mark.parametrize("status", [200, 400, 403, 404, 499])
def test_error_name_decides_below_status_500(status: int) -> None:
    assert classify(answered({"error": "not_in_channel"}, status)).kind is PERMANENT
    assert classify(answered({}, status)).kind is UNKNOWN
    assert reason_of(answered({}, status)) == f"http {status}"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        ("0", 0.0),
        ("-3", 0.0),
        ("3600", 3600.0),
        ("3601", 3600.0),
        ("1e9", 3600.0),
        ("inf", 1.0),
        ("nan", 1.0),
        ("soon", 1.0),
        ("", 1.0),
    ],
)
def test_retry_after_header_is_parsed_and_capped(header: str, seconds: float) -> None:
    for spelling in ("Retry_After", "retry_after", "RETRY_AFTER"):
        found = classify(answered({"error": "fatal_error"}, 429, **{spelling: header}))
        assert (found.kind, found.reason) == (LATER, "ratelimited")
        assert found.retry_after == seconds
    assert classify(answered({"error": "ratelimited"})).retry_after == 1.0


@pytest.mark.parametrize(
    ("error", "meaning", "reason"),
    [
        (
            ClientConnectorDNSError(
                ConnectionKey("slack.com", 443, True, True, None, None, None), OSError()
            ),
            LATER,
            "no connection",
        ),
        (TimeoutError(), UNKNOWN, "timeout"),
        (ServerDisconnectedError(), UNKNOWN, "ServerDisconnectedError"),
        (KeyError("ts"), UNKNOWN, "KeyError"),
    ],
    ids=["no connection", "timeout", "connection closed", "any other"],
)
def test_transport_error_leaves_the_outcome_unknown_unless_not_connected(
    error: Exception, meaning: ErrorKind, reason: str
) -> None:
    found = classify(error)

    assert (found.kind, found.reason, found.retry_after) == (meaning, reason, None)
