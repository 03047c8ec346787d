"""SLACK_API_URL: slack_sdk appends a method's name to it, so it ends with one slash."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import load


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("", "https://slack.com/api/"),
        ("https://slack.com/api/", "https://slack.com/api/"),
        ("https://slack.com/api", "https://slack.com/api/"),
        ("https://slack.com/api//", "https://slack.com/api/"),
        ("  http://127.0.0.1:8765/api\n", "http://127.0.0.1:8765/api/"),
    ],
)
def test_however_it_is_written_it_ends_with_one_slash(written: str, url: str) -> None:
    settings = load({"SLACK_API_URL": written})

    assert settings.slack_api_url == url
    assert AsyncWebClient(base_url=settings.slack_api_url).base_url == url
