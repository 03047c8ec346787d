"""Links to messages, as Slack's "Copy link" gives them and as people paste them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.links import parse_message_link

PLACE = ("1795424400", "000100")
PASTED = "p1795424400000100"


@pytest.mark.parametrize("channel", ["C0LAUNCH", "G0SECRET", "D0BEN", "C1", "C0123456789ABC"])
@pytest.mark.parametrize(
    "form",
    [
        "https://play.slack.com/archives/{place}",
        "http://play.slack.com/archives/{place}",
        "https://play.enterprise.slack.com/archives/{place}",
        "  https://play.slack.com/archives/{place}\n",
        "https://play.slack.com/archives/{place}?thread_ts=1795424399.000200&cid=C0LAUNCH",
        "<https://play.slack.com/archives/{place}>",
        "<https://play.slack.com/archives/{place}|a message>",
        "<https://play.slack.com/archives/{place}?cid=C0LAUNCH|a message>",
    ],
)
def test_a_link_leads_to_a_message_in_any_kind_of_conversation(form: str, channel: str) -> None:
    link = form.format(place=f"{channel}/{PASTED}")

    assert parse_message_link(link) == (channel, ".".join(PLACE))


@pytest.mark.parametrize(
    "link",
    [
        "",
        "C0LAUNCH",
        "https://play.slack.com/archives/C0LAUNCH",
        "https://play.slack.com/archives/C0LAUNCH/",
        "https://play.slack.com/archives/U0BEN/" + PASTED,
        "https://play.slack.com/archives/c0launch/" + PASTED,
        "https://play.slack.com/archives/C0LAUNCH/p179542440000010",  # a digit short
        "https://play.slack.com/archives/C0LAUNCH/p17954244000001000",  # one too many
        "https://play.slack.com/archives/C0LAUNCH/1795424400000100",
        "https://play.slack.com/archives/C0LAUNCH/p1795424400.000100",
        "https://play.slack.com/archives/C0LAUNCH/" + PASTED + " and more",
        "ftp://play.slack.com/archives/C0LAUNCH/" + PASTED,
        "https:///archives/C0LAUNCH/" + PASTED,
        "https://play.slack.com/files/C0LAUNCH/" + PASTED,
    ],
)
def test_anything_else_is_no_link_to_a_message(link: str) -> None:
    assert parse_message_link(link) is None


@given(
    st.sampled_from("CDG"),
    st.text("ABCXYZ0189", min_size=1, max_size=12),
    st.integers(10**9, 10**10 - 1),
    st.integers(0, 999_999),
)
def test_every_timestamp_survives_the_way_into_a_link_and_back(
    kind: str, rest: str, seconds: int, fraction: int
) -> None:
    link = f"https://play.slack.com/archives/{kind}{rest}/p{seconds}{fraction:06}"

    assert parse_message_link(link) == (kind + rest, f"{seconds}.{fraction:06}")
