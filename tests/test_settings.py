"""Settings: all mistakes are reported at once, and no secret is printed."""

from pathlib import Path

import pytest

from bot.clock import random_bytes
from bot.settings import SettingsError, encode_key, load, names


def mistakes(**values: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(values)
    return caught.value.mistakes


def test_empty_environment_uses_the_default_database():
    assert load({}).database_url == "sqlite:///data/imbalance.db"


def test_environment_overrides_the_env_file(tmp_path: Path):
    file = tmp_path / ".env"
    file.write_text("HTTP_PORT=1000\nMETRICS_PORT=2000\n")

    settings = load({"HTTP_PORT": "3000"}, file)

    assert (settings.http_port, settings.metrics_port) == (3000, 2000)


def test_secret_can_be_read_from_a_file(tmp_path: Path):
    file = tmp_path / "token"
    file.write_text("xoxb-1\n")

    assert load({"SLACK_BOT_TOKEN_FILE": str(file)}).slack_bot_token == "xoxb-1"


def test_all_mistakes_are_reported_at_once():
    found = mistakes(HTTP_PORT="much", LOG_LEVEL="loud", DATABASE_URL="mysql://secret@host/db")

    assert found == (
        "DATABASE_URL must begin with sqlite:/// or postgresql://.",
        "HTTP_PORT must be a number from 0 to 65535.",
        "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR.",
    )


MANY = {
    "IMBALANCE_CLIENT_ID": "1",
    "IMBALANCE_CLIENT_SECRET": "2",
    "PUBLIC_URL": "https://bot.example.com/imbalance/",
}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"SLACK_BOT_TOKEN": "xapp-1"}, "belongs in SLACK_APP_TOKEN"),
        ({"SLACK_APP_TOKEN": "xoxb-1"}, "belongs in SLACK_BOT_TOKEN"),
        ({"IMBALANCE_KEYS": "short"}, "key 1 is not 32 bytes"),
        ({"IMBALANCE_CLIENT_ID": "1"}, "set all three, or none"),
        ({"IMBALANCE_CLIENT_ID": "1", "IMBALANCE_CLIENT_SECRET": "2"}, "set all three, or none"),
        ({"PUBLIC_URL": "https://bot.example.com"}, "set all three, or none"),
        ({**MANY, "PUBLIC_URL": "http://bot.example.com"}, "PUBLIC_URL must begin with https://"),
        (
            {**MANY, "PUBLIC_URL": "https://bot.example.com/?x=1"},
            "no user, password, space, ? or #",
        ),
        ({**MANY, "PUBLIC_URL": "bot.example.com"}, "PUBLIC_URL must begin with https://"),
        ({**MANY, "SLACK_BOT_TOKEN": "xoxb-1"}, "set only one of them"),
        ({"SLACK_CLIENT_ID": "1"}, "call it IMBALANCE_CLIENT_ID"),
        ({"SLACK_API_URL": "slack.com"}, "must begin with https://"),
        ({"SLACK_BOT_TOKEN_FILE": "/nowhere/token"}, "no file can be read there"),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_BOT_TOKEN_FILE": "/dev/null"}, "both set"),
        ({"SLACK_API_URL": "https:///api/"}, "and a host"),
        ({"SLACK_API_URL": "https://slack.com:none/api/"}, "and a host"),
        ({"SLACK_API_URL": "https://me:password@proxy/api/"}, "no user, password"),
        ({"TICK_SECONDS": "nan"}, "must be a number"),
        ({"TICK_SECONDS": "0"}, "must be a number"),
    ],
)
def test_mistake_says_how_to_fix_it(values: dict[str, str], message: str):
    (found,) = mistakes(**values)

    assert message in found


def test_multiple_keys_keep_their_order():
    keys = [random_bytes(32), random_bytes(32)]

    settings = load({"IMBALANCE_KEYS": ", ".join(encode_key(key) for key in keys)})

    assert settings.keys == tuple(keys)


def test_postgres_url_scheme_is_accepted():
    settings = load({"DATABASE_URL": "postgres://me@host/db"})

    assert settings.database_url == "postgresql://me@host/db"


SECRET = "Topf1secret"


@pytest.mark.parametrize("name", [*names(), *(f"{name}_FILE" for name in names())])
@pytest.mark.parametrize(
    "value", [SECRET, f"xoxb-{SECRET}", f"xapp-{SECRET}", f"https://me:{SECRET}@proxy/"]
)
def test_secret_in_the_wrong_setting_is_not_printed(name: str, value: str):
    try:
        shown = repr(load({name: value}))
    except SettingsError as error:
        shown = str(error)
        assert name.removesuffix("_FILE") in shown

    if name != "IMBALANCE_CLIENT_ID":  # a client id is no secret, and any text is valid
        assert SECRET not in shown


def test_unreadable_env_file_raises_a_settings_error(tmp_path: Path):
    file = tmp_path / ".env"
    file.write_bytes(b"LOG_LEVEL=\xff")

    with pytest.raises(SettingsError, match=r"The file \.env is not UTF-8 text"):
        load({}, file)


@pytest.mark.parametrize(
    ("http", "expected"),
    [
        (False, ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "IMBALANCE_KEYS"]),
        (True, ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "IMBALANCE_KEYS"]),
    ],
)
def test_settings_missing_to_run_are_named(http: bool, expected: list[str]):
    missing = load({}).missing_to_run(http=http)

    assert [line.split()[0] for line in missing] == expected


@pytest.mark.parametrize(
    ("http", "expected"),
    [
        (False, ["--http", "IMBALANCE_KEYS"]),
        (True, ["SLACK_SIGNING_SECRET", "IMBALANCE_KEYS"]),
    ],
)
def test_many_workspaces_need_http_and_no_token(http: bool, expected: list[str]):
    missing = load(MANY).missing_to_run(http=http)

    assert [line.split()[0] for line in missing] == expected


def test_public_url_has_no_slash_at_its_end():
    assert load(MANY).public_url == "https://bot.example.com/imbalance"
    assert load({**MANY, "PUBLIC_URL": "http://localhost:3000"}).public_url.endswith(":3000")


def test_repr_of_settings_hides_every_secret():
    key = encode_key(random_bytes(32))
    secrets = {
        "SLACK_BOT_TOKEN": "xoxb-hidden",
        "SLACK_APP_TOKEN": "xapp-hidden",
        "SLACK_SIGNING_SECRET": "hidden",
        "DATABASE_URL": "postgresql://me:hidden@host/db",
        "IMBALANCE_KEYS": key,
    }

    shown = repr(load(secrets)) + repr(load({**MANY, "IMBALANCE_CLIENT_SECRET": "hidden"}))

    assert "hidden" not in shown
    assert key not in shown


@pytest.mark.parametrize(
    ("database", "written", "folder"),
    [
        ("sqlite:////var/lib/imbalance.db", "", Path("/var/lib/round-keys")),
        ("sqlite:///data/imbalance.db", "", Path("data/round-keys")),
        ("sqlite:///imbalance.db", "", Path("round-keys")),
        ("sqlite:///imbalance.db", "/keys", Path("/keys")),
        ("postgresql://me@host/db", "/keys", Path("/keys")),
        ("postgresql://me@host/db", "", None),
    ],
)
def test_round_keys_have_a_folder_beside_an_sqlite_file_and_none_for_postgresql(
    database: str, written: str, folder: Path | None
) -> None:
    settings = load({"DATABASE_URL": database, "ROUND_KEYS_DIR": written})

    assert settings.round_keys_folder == folder
