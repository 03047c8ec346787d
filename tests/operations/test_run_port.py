"""The port that `run --port` listens on: the option, any of its values, over HTTP_PORT."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from bot import __main__ as command_line
from bot import app
from bot.settings import Settings
from tests.harness import KEY


class Started(Exception):
    """Raised in place of starting the bot."""

    def __init__(self, settings: Settings, *_arguments: Any, **_options: Any) -> None:
        self.port = settings.http_port
        raise self


@pytest.mark.parametrize(
    ("option", "port"), [((), 3456), (("--port", "0"), 0), (("--port", "65535"), 65535)]
)
async def test_port_option_replaces_the_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, option: tuple[str, ...], port: int
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_SIGNING_SECRET": "secret",
        "DATABASE_URL": "sqlite:///imbalance.db",
        "HTTP_PORT": "3456",
        "IMBALANCE_KEYS": b64encode(KEY).decode(),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(app, "Imbalance", Started)
    monkeypatch.setattr("bot.log.configure", lambda *_: None)
    options = command_line._parser().parse_args(["run", "--http", *option])

    with pytest.raises(Started) as started:
        await options.command(options)

    assert started.value.port == port
