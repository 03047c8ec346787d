"""OAuth v2: what an app asks for, what a person allows, and the token for it.

https://docs.slack.dev/authentication/installing-with-oauth
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from bot.playground.fake_slack import example_workspace, organization
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.directory import Directory
from bot.playground.fake_slack.errors import SlackError
from bot.playground.fake_slack.model import Json
from bot.playground.fake_slack.workspace_changes import install_org_wide

METHOD = "oauth.v2.access"
CODE_LIVES = timedelta(minutes=10)
#: The choice of the organisation instead of one of its workspaces.
WHOLE_ORGANIZATION = organization.ORG_ID


@dataclass(kw_only=True)
class Request:
    """What an app asks for in the address of Slack's page."""

    client_id: str
    redirect_uri: str
    scopes: frozenset[str]
    state: str


@dataclass(kw_only=True)
class Grant:
    """What a person has allowed; the app gets the token for its code, once."""

    request: Request
    scopes: frozenset[str]
    team_id: str  # or WHOLE_ORGANIZATION
    user_id: str
    at: datetime
    is_used: bool = False


def read_request(core: Core, query: Mapping[str, str]) -> Request:
    """Return what the app asks for.

    Raises:
        SlackError: Slack would show this error instead of the page.
    """
    directory = core.directory
    if query.get("client_id") != directory.client_id:
        raise SlackError("invalid_client_id")
    redirect_uri = query.get("redirect_uri") or next(iter(directory.redirect_urls), "")
    if not any(_is_below(redirect_uri, url) for url in directory.redirect_urls):
        raise SlackError("bad_redirect_uri")
    scopes = frozenset(scope for scope in query.get("scope", "").split(",") if scope)
    if not scopes:
        raise SlackError("no_scopes")
    if not scopes <= core.manifest.declared_scopes:
        raise SlackError("invalid_scope")
    return Request(
        client_id=directory.client_id,
        redirect_uri=redirect_uri,
        scopes=scopes,
        state=query.get("state", ""),
    )


def _is_below(address: str, registered: str) -> bool:
    return address == registered or address.startswith(f"{registered.rstrip('/')}/")


def allow(
    core: Core, request: Request, team_id: str, user_id: str, unticked: frozenset[str] = frozenset()
) -> str:
    """Note what a person has allowed, without optional scopes. Return the code for the app."""
    code = f"{core.ids.digits()}.{core.ids.secret()}"
    core.directory.grants[code] = Grant(
        request=request,
        scopes=request.scopes - unticked,
        team_id=team_id,
        user_id=user_id,
        at=core.ids.now(),
    )
    return code


def basic_credentials(request: web.Request) -> Json:
    """Return the app's id and secret if they came in the header."""
    kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if kind != "Basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return {}
    return {"client_id": client_id, "client_secret": secret}


def access(core: Core, args: Json) -> Json:
    """Install the app as allowed. Return the token (oauth.v2.access).

    Raises:
        SlackError: the app, the code or its address is wrong, or the code was used or is too old.
    """
    directory = core.directory
    if args.get("client_id") != directory.client_id:
        raise SlackError("invalid_client_id")
    if args.get("client_secret") != directory.client_secret:
        raise SlackError("bad_client_secret")
    grant = directory.grants.get(args.get("code") or "")
    if grant is None or core.ids.now() - grant.at > CODE_LIVES:
        raise SlackError("invalid_code")
    if grant.is_used:
        raise SlackError("code_already_used")
    if (args.get("redirect_uri") or grant.request.redirect_uri) != grant.request.redirect_uri:
        raise SlackError("bad_redirect_uri")
    grant.is_used = True
    if grant.team_id == WHOLE_ORGANIZATION:
        return _install_in_organization(core, grant)
    chosen = directory.core_with_id(grant.team_id)
    assert chosen is not None  # the page offered it
    return _install(chosen, grant)


def _install(core: Core, grant: Grant) -> Json:
    """Install the app in a workspace; where it is installed already it keeps token and scopes."""
    install = core.install
    if not install.is_installed:
        core.manifest.scopes.clear()
    if not install.is_installed or install.revoked or install.is_org_wide:
        install.token = f"xoxb-{core.team.id}-{core.ids.secret()}"
    install.is_installed, install.revoked, install.is_org_wide = True, "", False
    install.installer = grant.user_id
    core.manifest.scopes |= grant.scopes
    core.stream.publish(lambda _: {"type": "reset"})
    organization_ = {"id": organization.ORG_ID, "name": organization.ORG_NAME}
    return _shape(core, grant) | {
        "team": {"id": core.team.id, "name": core.team.name},
        "enterprise": organization_ if install.is_in_organization else None,
        "is_enterprise_install": False,
    }


def _install_in_organization(core: Core, grant: Grant) -> Json:
    """Install the app in the organisation, which adds it to no workspace."""
    token = f"xoxb-{organization.ORG_ID}-{core.ids.secret()}"
    for each in core.directory.cores:
        install_org_wide(each)
        each.install.token, each.install.installer = token, grant.user_id
        each.manifest.scopes |= grant.scopes
        each.stream.publish(lambda _: {"type": "reset"})
    return _shape(core.directory.cores[0], grant) | {
        "team": None,
        "enterprise": {"id": organization.ORG_ID, "name": organization.ORG_NAME},
        "is_enterprise_install": True,
    }


def _shape(core: Core, grant: Grant) -> Json:
    return {
        "app_id": example_workspace.APP_ID,
        "authed_user": {"id": grant.user_id},
        "scope": ",".join(sorted(core.manifest.scopes)),
        "token_type": "bot",
        "access_token": core.install.token,
        "bot_user_id": example_workspace.BOT_USER_ID,
    }


def may_install(directory: Directory, team_id: str, user_id: str) -> bool:
    """Return whether a person may: here only admins, as many workspaces decide."""
    core = directory.core_with_id(team_id) or directory.cores[0]
    user = core.workspace.users.get(user_id)
    return user is not None and user.is_admin and not user.deleted
