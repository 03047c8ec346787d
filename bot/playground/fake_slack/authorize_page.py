"""Slack's page on which a person allows an app what it asks for, in a workspace of their choice."""

from collections.abc import Iterator, Mapping
from functools import partial
from html import escape
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from bot.playground.fake_slack import oauth, organization
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.errors import SlackError

PATH = "/oauth/v2/authorize"

_STYLE = """
main.slack { max-width: 34rem; margin: 2rem auto; padding: 1.5rem 2rem 2rem;
  background: var(--paper); border: 1px solid var(--line); border-radius: 9px; }
body { display: block; height: auto; min-height: 100dvh; overflow: auto;
  background: var(--sunken); }
main.slack h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; }
main.slack p, main.slack ul { margin: 0 0 1rem; }
main.slack ul { padding-left: 1.25rem; color: var(--dim); }
main.slack label { display: block; margin: 0 0 1rem; font-weight: 700; }
main.slack label.optional { margin: 0; font-weight: 400; }
main.slack label.optional input { margin: 0 .25rem 0 0; }
main.slack select { display: block; width: 100%; margin-top: .25rem; padding: .5rem;
  border: 1px solid var(--strong-line); border-radius: 4px; background: var(--raised);
  color: var(--ink); font: inherit; font-weight: 400; }
main.slack .choices { display: flex; gap: .75rem; justify-content: flex-end; }
main.slack button, main.slack a.button { padding: .5rem 1.1rem; border-radius: 4px;
  border: 1px solid var(--strong-line); background: var(--raised); color: var(--ink);
  font-weight: 700; text-decoration: none; }
main.slack button[value=allow] { border-color: var(--primary); background: var(--primary);
  color: #fff; }
main.slack :focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
@media (max-width: 36rem) { body { background: var(--paper); }
  main.slack { margin: 0; padding: 1.25rem 1.1rem; border: 0; border-radius: 0; } }
"""
_ERRORS = {
    "invalid_client_id": "This app is not known here: its client_id is wrong.",
    "bad_redirect_uri": "redirect_uri did not match any address that the app has registered.",
    "no_scopes": "The app asks for no permissions.",
    "invalid_scope": "The app asks for a permission that its manifest does not list.",
}


def add_routes(application: web.Application, core: Core) -> None:
    application.router.add_get(PATH, partial(_show, core))
    application.router.add_post(PATH, partial(_decide, core))
    application.router.add_get("/app_redirect", partial(_open, core))


async def _show(core: Core, request: web.Request) -> web.Response:
    try:
        asked = oauth.read_request(core, request.query)
    except SlackError as error:
        return _error(error)
    scopes = "".join(_scope(core, scope) for scope in sorted(asked.scopes))
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(request.query.get(name, ""))}">'
        for name in ("client_id", "redirect_uri", "scope", "state")
    )
    places = "".join(
        f'<option value="{id_}">{escape(name)}</option>' for id_, name in _places(core)
    )
    return _page(
        "Imbalance asks for permission",
        f'<form method="post" action="{PATH}">{hidden}'
        f'<label>Where <select name="team">{places}</select></label>'
        f'<label>You are <select name="user">{_people(core)}</select></label>'
        f"<p>In this workspace it wants to:</p><ul>{scopes}</ul>"
        '<div class="choices"><button name="decision" value="cancel">Cancel</button>'
        '<button name="decision" value="allow">Allow</button></div></form>',
    )


def _scope(core: Core, scope: str) -> str:
    """Return a line of the list; people may untick what the manifest calls optional."""
    if scope not in core.manifest.optional_scopes:
        return f"<li>{escape(scope)}</li>"
    box = f'<input type="checkbox" name="optional" value="{escape(scope)}" checked>'
    return f'<li><label class="optional">{box} {escape(scope)} (optional)</label></li>'


def _places(core: Core) -> Iterator[tuple[str, str]]:
    for each in core.directory.cores:
        yield each.team.id, each.team.name
    if core.manifest.is_org_ready and core.install.is_in_organization:
        yield oauth.WHOLE_ORGANIZATION, f"{organization.ORG_NAME} (the whole organization)"


def _people(core: Core) -> str:
    """Return the choice of people, those who may install apps first."""
    people = [u for u in core.workspace.users.values() if not (u.is_bot or u.deleted) and u.tz]
    return "".join(
        f'<option value="{user.id}">{escape(user.real_name)}'
        f"{' (admin)' if user.is_admin else ''}</option>"
        for user in sorted(people, key=lambda user: not user.is_admin)
    )


async def _decide(core: Core, request: web.Request) -> web.Response:
    posted = await request.post()
    form = {name: str(value) for name, value in posted.items()}
    unticked = core.manifest.optional_scopes - set(map(str, posted.getall("optional", [])))
    try:
        asked = oauth.read_request(core, form)
    except SlackError as error:
        return _error(error)
    team_id, user_id = form.get("team", ""), form.get("user", "")
    if team_id not in dict(_places(core)):
        return _error(SlackError("invalid_team"))
    if form.get("decision") != "allow":
        return _back(asked, error="access_denied")
    if not oauth.may_install(core.directory, team_id, user_id):
        return _needs_approval(asked)
    return _back(asked, code=oauth.allow(core, asked, team_id, user_id, unticked))


def _needs_approval(asked: oauth.Request) -> web.Response:
    """Show what people without the right read; the app learns of it only if they go back."""
    href = escape(_address(asked, error="access_denied"))
    return _page(
        "An admin has to approve Imbalance",
        "<p>In this workspace, only admins may install apps. Ask one of them.</p>"
        f'<div class="choices"><a class="button" href="{href}">Back to Imbalance</a></div>',
        status=403,
    )


def _back(asked: oauth.Request, **result: str) -> web.Response:
    return web.Response(status=302, headers={"Location": _address(asked, **result)})


def _address(asked: oauth.Request, **result: str) -> str:
    joiner = "&" if urlsplit(asked.redirect_uri).query else "?"
    return f"{asked.redirect_uri}{joiner}{urlencode({**result, 'state': asked.state})}"


async def _open(core: Core, request: web.Request) -> web.Response:
    """Open the workspace that an app links to, as the person who installed the app there."""
    chosen = core.directory.core_with_id(request.query.get("team", "")) or core
    query: Mapping[str, str] = {"as": chosen.install.installer} if chosen.install.installer else {}
    location = f"{chosen.url}/?{urlencode(query)}"
    return web.Response(status=302, headers={"Location": location})


def _error(error: SlackError) -> web.Response:
    words = _ERRORS.get(error.error, "Something in this address is wrong.")
    body = f"<p>{escape(words)}</p><p><code>{escape(error.error)}</code></p>"
    return _page("Something went wrong", body, status=400)


def _page(title: str, body: str, status: int = 200) -> web.Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="/static/base.css">'
        f'<style>{_STYLE}</style></head><body><main class="slack"><h1>{escape(title)}</h1>{body}'
        "</main></body></html>"
    )
    return web.Response(text=text, status=status, content_type="text/html")
