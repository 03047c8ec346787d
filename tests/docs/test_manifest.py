"""The manifest asks for exactly what the code uses, and the documentation says why."""

import json
import re
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.home.help import SUBCOMMANDS
from bot.installing.handlers import CALLBACK_PATH
from bot.outbox.web_api import METADATA_TYPE
from bot.slack.command import NAME
from bot.slack.http import SLACK_PATH
from tests.docs.reading import code, section, text

READ_CHANNELS = {"channels:read", "groups:read"}
WITHOUT_HISTORY = ".slack/manifest.no-history.json"
READ_MESSAGES = {"im:history", "channels:history", "groups:history"}
#: Scopes of each Web API method that the bot calls (docs.slack.dev/reference/methods).
METHODS: dict[str, set[str]] = {
    "api_call": set(),  # blocks.validate
    "apps_connections_open": set(),  # by the app-level token
    "auth_test": set(),
    "bookmarks_add": {"bookmarks:write"},
    "bookmarks_list": {"bookmarks:read"},
    "bookmarks_remove": {"bookmarks:write"},
    "chat_delete": {"chat:write"},
    "chat_getPermalink": set(),
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_history": READ_MESSAGES,
    "conversations_info": READ_CHANNELS,
    "conversations_join": {"channels:join"},
    "conversations_members": READ_CHANNELS,
    "conversations_open": {"im:write"},
    "conversations_replies": READ_MESSAGES,
    "files_upload_v2": {"files:write"},
    "pins_add": {"pins:write"},
    "pins_remove": {"pins:write"},
    "users_conversations": READ_CHANNELS,
    "users_info": {"users:read"},
    "users_list": {"users:read"},
    "views_open": set(),
    "views_publish": set(),
    "views_push": set(),
    "views_update": set(),
}
#: Scopes of each event that the bot receives (docs.slack.dev/reference/events).
EVENTS: dict[str, set[str]] = {
    "app_home_opened": set(),
    "app_uninstalled": set(),
    "channel_archive": {"channels:read"},
    "channel_deleted": {"channels:read"},
    "channel_id_changed": READ_CHANNELS,
    "channel_left": {"channels:read"},
    "channel_rename": {"channels:read"},
    "channel_unarchive": {"channels:read"},
    "group_archive": {"groups:read"},
    "group_deleted": {"groups:read"},
    "group_left": {"groups:read"},
    "group_rename": {"groups:read"},
    "group_unarchive": {"groups:read"},
    "member_joined_channel": READ_CHANNELS,
    "member_left_channel": READ_CHANNELS,
    "message_metadata_posted": {"metadata.message:read"},
    "team_access_granted": set(),
    "team_access_revoked": set(),
    "team_join": {"users:read"},
    "tokens_revoked": set(),
    "user_change": {"users:read"},
}


def manifest(path: str = "manifest.json") -> Any:
    return json.loads(text(path))


def scopes() -> set[str]:
    return set(manifest()["oauth_config"]["scopes"]["bot"])


def events() -> set[str]:
    return set(manifest()["settings"]["event_subscriptions"]["bot_events"])


def methods_used() -> set[str]:
    named = set(re.findall(r"\.([a-z]+_[A-Za-z_0-9]+)\b", code()))
    return {name for name in named if hasattr(AsyncWebClient, name) and not name.startswith("_")}


def test_scopes_match_the_code():
    needed = {"commands"}.union(
        *(METHODS[name] for name in methods_used() if name in METHODS),
        *(EVENTS[name] for name in events()),
    )

    assert scopes() == needed


def test_scopes_to_read_messages_are_optional():
    optional = manifest()["oauth_config"]["scopes"]["bot_optional"]

    assert set(optional) == READ_MESSAGES <= scopes()


def test_scopes_of_every_called_method_are_listed():
    not_methods = {"token_revoke"}

    assert methods_used() - not_methods <= METHODS.keys()


def test_subscribed_events_match_the_listeners():
    assert {name for name in EVENTS if f'"{name}"' in code()} == events()


def test_installing_page_justifies_exactly_the_scopes():
    table = section("docs/installing.md", "What the app may do, and why")
    rows = re.findall(r"^\| `([a-z.:]+)` \| .{20,} \|$", table, re.M)

    assert sorted(rows) == sorted(scopes())


def test_usage_hint_shows_every_subcommand():
    command = manifest()["features"]["slash_commands"][0]

    assert command["command"] == NAME
    assert command["usage_hint"] == f"[{' | '.join(SUBCOMMANDS)}]"


def test_every_subcommand_has_a_listener():
    registered = re.findall(r"\bis_subcommand\(([^)]*)\)", code())
    names = {name for each in registered for name in re.findall(r'"([a-z-]+)"', each)}

    assert names == SUBCOMMANDS.keys()


def test_only_our_own_message_metadata_is_subscribed_to():
    subscriptions = manifest()["settings"]["event_subscriptions"]["metadata_subscriptions"]

    assert [each["event_type"] for each in subscriptions] == [METADATA_TYPE]


def test_http_manifest_differs_only_in_its_addresses_and_organizations():
    over_http = manifest(".slack/manifest.http.json")
    settings, command = over_http["settings"], over_http["features"]["slash_commands"][0]
    urls = {
        command.pop("url"),
        settings["interactivity"].pop("request_url"),
        settings["event_subscriptions"].pop("request_url"),
    }
    settings["socket_mode_enabled"] = True
    assert settings["org_deploy_enabled"]  # without OAuth there is one workspace
    settings["org_deploy_enabled"] = False
    redirect_urls = over_http["oauth_config"].pop("redirect_urls")

    assert redirect_urls == [f"https://imbalance.example.com{CALLBACK_PATH}"]
    assert over_http == manifest()
    assert urls == {f"https://imbalance.example.com{SLACK_PATH}"}


def test_manifest_without_history_lacks_those_scopes_and_nothing_else():
    with_history, without = manifest(".slack/manifest.http.json"), manifest(WITHOUT_HISTORY)
    asked = with_history["oauth_config"]["scopes"]
    optional = set(asked.pop("bot_optional"))
    asked["bot"] = [scope for scope in asked["bot"] if scope not in optional]

    assert without == with_history
    assert optional == READ_MESSAGES


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [("name", 1, 35), ("description", 1, 140), ("long_description", 175, 4000)],
)
def test_display_information_fits_slacks_limits(field: str, low: int, high: int):
    assert low <= len(manifest()["display_information"][field]) <= high


def test_slack_cli_starts_the_bot():
    hooks = json.loads(text(".slack/hooks.json"))["hooks"]

    assert hooks["start"] == ".venv/bin/python -m bot run --migrate"
    assert hooks["get-hooks"].endswith("slack_cli_hooks.hooks.get_hooks")
