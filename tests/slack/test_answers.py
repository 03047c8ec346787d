"""Slack's answers and user objects are interpreted, and typed text is cleaned and escaped."""

from datetime import UTC, datetime
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from bot.slack.command import is_subcommand, parse, suggestion
from bot.slack.content import (
    MAX_SECTION_LENGTH,
    PICTURE_PLACEHOLDER,
    paragraphs,
    picture_block,
    with_picture,
)
from bot.slack.errors import LONGEST_RETRY_AFTER, ErrorKind, classify
from bot.slack.mrkdwn import (
    clean,
    date_token,
    escape,
    join_names,
    mentioned,
    quote,
    quote_within,
    truncated,
    unescape,
)
from bot.slack.people import SLACKBOT, admins_among, person_from
from tests.harness import BEN, WORKSPACE

JOINER = "\u2060"


class Answer(dict[str, Any]):
    """A Web API answer as slack_sdk hands it on."""

    def __init__(self, status: int, headers: dict[str, str], **body: Any) -> None:
        super().__init__(**body)
        self.status_code, self.headers = status, headers


def error_response(error: str | None = None, status: int = 200, **headers: str) -> SlackApiError:
    body = {} if error is None else {"error": error}
    return SlackApiError("no", Answer(status, headers, **body))


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (error_response("ratelimited"), ErrorKind.RETRYABLE),
        (error_response("rate_limited"), ErrorKind.RETRYABLE),
        (error_response("anything", 429), ErrorKind.RETRYABLE),
        (error_response(None, 429), ErrorKind.RETRYABLE),
        (error_response("org_login_required"), ErrorKind.RETRYABLE),
        (error_response("channel_not_found", 499), ErrorKind.PERMANENT),
        (error_response("channel_not_found", 500), ErrorKind.UNKNOWN),
        (error_response("channel_not_found", 503), ErrorKind.UNKNOWN),
        (error_response(None), ErrorKind.UNKNOWN),
        (error_response(""), ErrorKind.UNKNOWN),
        *(
            (error_response(name), ErrorKind.UNKNOWN)
            for name in ("internal_error", "request_timeout")
        ),
        *(
            (error_response(name), ErrorKind.WORKSPACE)
            for name in ("invalid_auth", "not_authed", "token_expired", "token_revoked")
        ),
        (TimeoutError(), ErrorKind.UNKNOWN),
        (OSError(), ErrorKind.UNKNOWN),
    ],
)
def test_error_kind_of_each_answer(error: BaseException, meaning: ErrorKind) -> None:
    found = classify(error)

    assert found.kind is meaning
    assert found.reason
    assert (found.retry_after is not None) is ("rate" in found.reason)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("1.5", 1.5),
        ("soon", 1.0),
        ("", 1.0),
        ("nan", 1.0),
        ("inf", 1.0),
        ("99999", LONGEST_RETRY_AFTER),
    ],
)
def test_retry_after_header_is_parsed_and_capped(header: str, seconds: float) -> None:
    for name in ("Retry-After", "retry-after"):
        assert classify(error_response("ratelimited", 429, **{name: header})).retry_after == seconds
    others = {"Date": "7", "Retry-After": "30", "Age": "9"}
    assert classify(error_response("ratelimited", 429, **others)).retry_after == 30.0
    assert classify(error_response("ratelimited", 429)).retry_after == 1.0


@pytest.mark.parametrize(
    ("user", "flags"),
    [
        ({}, set()),
        ({"is_bot": True}, {"is_bot"}),
        ({"id": SLACKBOT}, {"is_bot"}),
        ({"is_restricted": True}, {"is_guest"}),
        ({"is_ultra_restricted": True}, {"is_guest"}),
        ({"deleted": True}, {"is_deleted"}),
        ({"team_id": "T0OTHER"}, {"is_external"}),
        ({"team_id": WORKSPACE}, set()),
        ({"is_admin": True}, {"is_admin"}),
        ({"is_owner": True}, {"is_admin"}),
    ],
)
def test_user_flags(user: dict[str, Any], flags: set[str]) -> None:
    found = person_from(WORKSPACE, {"id": BEN, "tz": "Africa/Lagos", **user})

    names = ("is_bot", "is_guest", "is_external", "is_deleted", "is_admin")
    assert {name for name in names if getattr(found, name)} == flags
    assert found.is_full_member is not bool(flags - {"is_admin"})
    assert found.zone == "Africa/Lagos"


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({"profile": {"display_name": "Ben", "real_name": "Benjamin"}, "name": "b"}, "Ben"),
        ({"profile": {"display_name": "", "real_name": "Benjamin"}, "name": "b"}, "Benjamin"),
        ({"profile": None, "real_name": "Benjamin B", "name": "b"}, "Benjamin B"),
        ({"name": "b"}, "b"),
        ({}, BEN),
    ],
)
def test_name_is_the_first_one_available(user: dict[str, Any], name: str) -> None:
    found = person_from(WORKSPACE, {"id": BEN, **user})

    assert (found.name, found.zone) == (name, None)


def test_deactivated_admins_are_left_out() -> None:
    users: list[dict[str, Any]] = [
        {"id": "U1", "is_admin": True},
        {"id": "U2", "is_owner": True, "deleted": True},
        {"id": "U3"},
        {"id": "U4", "is_owner": True},
    ]

    assert [user["id"] for user in admins_among(users)] == ["U1", "U4"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  two\r\nlines\t \n", "two\nlines"),
        ("a\x00b\x07c\x7fd", "abcd"),
        ("\u202ereversed\u202c\u2066 and\u2069", "reversed and"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("👩\u200d💻 שלום", "👩\u200d💻 שלום"),
        ("private\ue000use", "privateuse"),
        (" \n ", ""),
    ],
)
def test_typed_text_is_cleaned(typed: str, kept: str) -> None:
    assert clean(typed) == kept


def test_escaping_disarms_mentions_and_is_reversible() -> None:
    typed = "<!channel> & <@U1> &lt;"

    assert escape(typed) == "&lt;!channel&gt; &amp; &lt;@U1&gt; &amp;lt;"
    assert unescape(escape(typed)) == typed
    assert unescape("&amp;lt;") == "&lt;"  # once, not twice
    assert quote("*b* _i_ ~s~ `c` <") == (
        "".join(
            f"{JOINER}{sign}{JOINER}" if sign in "*_~`" else sign for sign in "*b* _i_ ~s~ `c` "
        )
        + "&lt;"
    )


def test_mentioned_user_ids_keep_their_order() -> None:
    assert mentioned("with <@W0EVE|eve> and <@U0BEN>, not <#C1> or <@S1>") == ("W0EVE", "U0BEN")


def test_texts_are_truncated_and_names_joined() -> None:
    assert truncated("12345", 5) == "12345"
    assert truncated("123456", 5) == "1234…"
    assert truncated("123 56", 5) == "123…"
    assert quote_within("&" * 10, 50) == "&amp;" * 10
    assert len(quote_within("&" * 11, 50)) <= 50
    assert quote_within("&" * 11, 50).endswith("…")
    assert [join_names(names) for names in ([], ["Ana"], ["Ana", "Ben"], ["A", "B", "C"])] == [
        "",
        "Ana",
        "Ana and Ben",
        "A, B and C",
    ]


def test_instant_is_a_slack_date_token() -> None:
    expected = "<!date^1795514400^{date_long_pretty} at {time}|Tue 24 Nov 10:00 UTC>"

    assert date_token(datetime(2026, 11, 24, 10, tzinfo=UTC)) == expected


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("", "", ()),
        ("  START  Results 2w ", "start", ("Results", "2w")),
        ("poll", "poll", ()),
    ],
)
async def test_command_is_parsed(text: str, name: str, arguments: tuple[str, ...]) -> None:
    assert (parse(text).name, parse(text).arguments) == (name, arguments)
    assert await is_subcommand("start", "poll")({"text": text}) is (name in ("start", "poll"))
    assert not await is_subcommand("start")({})


def test_typo_gets_a_suggestion_and_nonsense_gets_none() -> None:
    known = ("start", "status", "extend", "end")

    assert suggestion("strat", known) == "start"
    assert suggestion("extnd", known) == "extend"
    assert suggestion("lunch", known) is None


def test_lines_are_packed_into_sections_up_to_slacks_limit() -> None:
    half = "x" * (MAX_SECTION_LENGTH // 2)
    fits, too_many = [half, half[:-1]], [half, half]

    def packed(lines: list[str]) -> list[str]:
        return [block.to_dict()["text"]["text"] for block in paragraphs(lines)]

    assert packed(fits) == ["\n".join(fits)]
    assert packed(too_many) == too_many
    assert len(paragraphs(["a", "b", half, half])) == 2
    assert paragraphs([]) == []


def test_picture_placeholder_is_filled_or_removed() -> None:
    words = {"type": "section"}
    blocks = [words, picture_block("Levels"), words]

    filled = with_picture(blocks, "F1")
    assert [block.get("slack_file") for block in filled] == [None, {"id": "F1"}, None]
    assert filled[1]["alt_text"] == "Levels"
    assert with_picture(blocks, None) == [words, words]
    assert blocks[1]["slack_file"] == {"id": PICTURE_PLACEHOLDER}  # the original is not changed
