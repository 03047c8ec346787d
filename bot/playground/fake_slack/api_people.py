"""auth.*, users.*, team.* and apps.*: people, the team, and opening connections."""

from bot.playground.fake_slack import example_workspace, organization
from bot.playground.fake_slack.arguments import Arguments
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.errors import SlackError
from bot.playground.fake_slack.json_shapes import user_object
from bot.playground.fake_slack.methods import Method, page
from bot.playground.fake_slack.model import Json, User


def _auth_test(core: Core, args: Arguments) -> Json:
    return {
        "url": f"{core.url}/",
        "team": core.team.name,
        "user": core.workspace.bot.name,
        "team_id": example_workspace.TEAM_ID,
        "user_id": example_workspace.BOT_USER_ID,
        "bot_id": example_workspace.BOT_ID,
        "is_enterprise_install": False,
        **organization.identity(core.install),
    }


def _api_test(core: Core, args: Arguments) -> Json:
    return {"args": dict(args.given)}


def _user(core: Core, args: Arguments, user: User) -> Json:
    shape = user_object(user, core.workspace.now())
    if args.flag("include_locale") and example_workspace.is_colleague(user):
        shape["locale"] = "en-GB"
    return shape


def _user_info(core: Core, args: Arguments) -> Json:
    user = core.workspace.users.get(args.need("user"))
    if user is None:
        raise SlackError("user_not_found")
    return {"user": _user(core, args, user)}


def _user_list(core: Core, args: Arguments) -> Json:
    users = [_user(core, args, user) for user in core.workspace.users.values()]
    return page(args, users, "members") | {"cache_ts": core.ids.now_seconds()}


def _team_info(core: Core, args: Arguments) -> Json:
    team = {
        "id": example_workspace.TEAM_ID,
        "name": core.team.name,
        "domain": core.team.domain,
        "email_domain": "",
        "url": f"{core.url}/",
        "icon": {"image_default": True},
    }
    return {"team": team}


def _connection(core: Core, args: Arguments) -> Json:
    if core.sockets.is_full:
        raise SlackError("too_many_websockets")
    where = core.url.replace("http", "ws", 1)
    ticket = core.sockets.ticket()
    return {"url": f"{where}/link/?ticket={ticket}&app_id={example_workspace.APP_ID}"}


METHODS = {
    "auth.test": Method(handler=_auth_test, tier=0),
    "api.test": Method(handler=_api_test, tier=4),
    "users.info": Method(handler=_user_info, tier=4, scope="users:read"),
    "users.list": Method(handler=_user_list, tier=2, scope="users:read", lists=True),
    "team.info": Method(handler=_team_info, tier=3, scope="team:read"),
    "apps.connections.open": Method(
        handler=_connection, tier=1, scope="connections:write", app_token=True
    ),
}
