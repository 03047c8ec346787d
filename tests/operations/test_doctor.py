"""`python -m bot doctor` reports what works and what to fix."""

import pytest

from bot.operations import doctor
from bot.playground.server import FakeSlack
from bot.settings import Settings, encode_key

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {
        "SLACK_BOT_TOKEN": settings.slack_bot_token,
        "SLACK_APP_TOKEN": settings.slack_app_token,
        "SLACK_API_URL": settings.slack_api_url,
        "DATABASE_URL": settings.database_url,
        "IMBALANCE_KEYS": encode_key(bytes(32)),
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


async def test_healthy_setup_has_no_findings(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await doctor.diagnose() == 0
    assert "wrong" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-wrong", "SLACK_BOT_TOKEN: Slack says invalid_auth"),
        ("SLACK_APP_TOKEN", "xapp-wrong", "SLACK_APP_TOKEN: Slack says invalid_auth"),
        ("SLACK_API_URL", "http://127.0.0.1:9/api/", "SLACK_APP_TOKEN: Slack cannot be reached"),
        ("DATABASE_URL", "sqlite:////tmp/none/at/all.db", "run `python -m bot migrate`"),
        ("IMBALANCE_KEYS", "", "IMBALANCE_KEYS is missing"),
        ("HTTP_PORT", "many", "HTTP_PORT must be a number"),
    ],
)
async def test_each_problem_is_named(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    expected: str,
) -> None:
    environment.setenv(name, value)

    assert await doctor.diagnose() == 1
    assert expected in capsys.readouterr().out


async def test_missing_scope_is_named(
    environment: pytest.MonkeyPatch, fake_slack: FakeSlack, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_slack.scopes.discard("pins:write")

    assert await doctor.diagnose() == 1
    assert "scopes: missing pins:write" in capsys.readouterr().out


async def test_unreachable_database_does_not_hide_other_findings(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")

    assert await doctor.diagnose() == 1
    output = capsys.readouterr().out
    assert "No database server answers at the host and port of DATABASE_URL." in output
    assert "SLACK_APP_TOKEN: Socket Mode opens" in output
