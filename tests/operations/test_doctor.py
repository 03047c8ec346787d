"""`python -m bot doctor` reports what works and what to fix."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.clock import real_now
from bot.keys import KeyRing
from bot.operations import doctor
from bot.playground.server import FakeSlack
from bot.round_keys import KeyUse, RoundKeys
from bot.settings import Settings, encode_key

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


KEY_RING = KeyRing([bytes(32)])


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
        ("ROUND_KEYS_DIR", __file__, "round keys: ROUND_KEYS_DIR cannot be used (FileExistsError)"),
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


async def test_database_without_round_keys_is_explained(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("DATABASE_URL", "postgresql://me@127.0.0.1:9/none")

    await doctor.diagnose()

    assert "ROUND_KEYS_DIR is not set, so IMBALANCE_KEYS lock" in capsys.readouterr().out


@pytest.mark.parametrize(("days_ago", "is_reported"), [(1, False), (30, True)])
async def test_round_keys_that_stay_are_reported(
    environment: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    days_ago: int,
    is_reported: bool,
) -> None:
    day = real_now().date() - timedelta(days=days_ago)
    wrapped = RoundKeys(tmp_path, KEY_RING).wrap(b"", "", use=KeyUse.BALLOTS, day=day)
    environment.setenv("ROUND_KEYS_DIR", str(tmp_path))

    assert await doctor.diagnose() == 0
    assert (wrapped.key_id in capsys.readouterr().out) is is_reported


@pytest.mark.parametrize(("mode", "is_reported"), [(0o644, True), (0o640, True), (0o600, False)])
async def test_files_that_others_can_read_are_reported(
    environment: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    mode: int,
    is_reported: bool,
) -> None:
    environment.chdir(tmp_path)
    for file in (tmp_path / ".env", tmp_path / "imbalance.db"):
        file.touch()
        file.chmod(mode)

    assert await doctor.diagnose() == 0

    printed = capsys.readouterr().out
    assert (".env: other users of this machine may read it" in printed) is is_reported
    assert (f"{tmp_path}/imbalance.db: other users" in printed) is is_reported
