"""HTML of the install pages: self-contained, without scripts or external resources."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from slack_sdk.oauth.installation_store.models.installation import Installation

from bot.installing.scopes import OPTIONAL

#: The playground's colours and type, in the few elements these pages have.
STYLE = """
:root { color-scheme: light dark; --rail: #2b3547; --rail-ink: #e8ecf3; --paper: #ffffff;
  --sunken: #f6f7f9; --ink: #1d1c1d; --dim: #5d6069; --line: #e2e4e8; --link: #1160a0;
  --primary: #0b7a5c; --primary-hover: #096a50; --wrong: #c01343; --focus: #1d74c9; }
@media (prefers-color-scheme: dark) { :root { --rail: #0f131b; --paper: #1a1d21;
  --sunken: #15181b; --ink: #e3e4e6; --dim: #a6abb3; --line: #35393f; --link: #5fb2ec;
  --primary-hover: #0d8a68; --wrong: #ff7a9c; --focus: #63b3ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--sunken); color: var(--ink); overflow-wrap: anywhere;
  font: 16px/1.5 "Lato", system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue",
  "Liberation Sans", Arial, sans-serif; }
header { padding: .7rem 0; background: var(--rail); color: var(--rail-ink);
  font-weight: 700; }
header span { display: block; max-width: 43rem; margin: 0 auto; padding: 0 2rem; }
main { max-width: 43rem; margin: 2rem auto; padding: 1.75rem 2rem 2rem; background: var(--paper);
  border: 1px solid var(--line); border-radius: 8px; }
h1 { margin: 0 0 .75rem; font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 1.75rem 0 .5rem; font-size: 1.1rem; }
p { margin: 0 0 .75rem; } ol { margin: 0 0 1rem; padding-left: 1.4rem; } li { margin: .35rem 0; }
a { color: var(--link); }
code, dt { font: .88em ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
code { padding: .1em .3em; background: var(--sunken); border: 1px solid var(--line);
  border-radius: 3px; white-space: nowrap; }
dl { display: grid; grid-template-columns: 14rem 1fr; margin: 0; }
dt, dd { margin: 0; padding: .5rem 0; border-top: 1px solid var(--line); }
dt { padding-top: .62rem; } dd { color: var(--dim); }
.button { display: inline-block; margin: .5rem 0; padding: .55rem 1.2rem; border-radius: 4px;
  background: var(--primary); color: #ffffff; font-weight: 700; text-decoration: none; }
.button:hover { background: var(--primary-hover); }
.note { color: var(--dim); font-size: .9rem; } .problem h1 { color: var(--wrong); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
@media (max-width: 46rem) { body { background: var(--paper); }
  header span { padding: 0 1.1rem; }
  main { margin: 0; padding: 1.25rem 1.1rem 2rem; border: 0; border-radius: 0; }
  dl { display: block; } dd { padding-top: 0; border-top: 0; } dt { padding-bottom: .1rem; }
  .button { display: block; text-align: center; } }
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

#: Sent with each page. The address of a page may contain a code: it is kept and passed on nowhere.
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}

WHAT_IT_IS = (
    "Imbalance keeps a promise that a lead makes to a team: what comes first for a few weeks, what "
    "waits, and until when. Once a week it asks the team how it's going, anonymously."
)
WHAT_HAPPENS = (
    "The next page is Slack's: it shows the workspace, and you allow what is listed below. Nothing "
    "is posted in any channel when you install it. In many workspaces, only admins may install "
    "apps; for others, Slack then sends them your request."
)
NOTE = '<p class="note">The bot sends you, and nobody else, one message with these steps.</p>'
NOT_READ = (
    "The bot does not read what people write to each other, and asks for nobody's e-mail address."
)


@dataclass(frozen=True)
class Problem:
    """A failed installation: a title, a sentence, and the next step; the page has its status."""

    status: int
    title: str
    sentence: str
    next_step: str


MISSING_STATE = Problem(
    400,
    "This page was opened without an installation",
    "The link lacks what Slack adds at the end of an installation, so nothing was installed.",
    "Start from the first page.",
)
OTHER_BROWSER = Problem(
    400,
    "This installation began in another browser",
    "It has to end in the same browser, and this browser doesn't have the cookie from its start.",
    "Start again here, and allow cookies for this site.",
)
STATE_OVER = Problem(
    400,
    "This link has been used, or is too old",
    "A link from Slack works once, and for ten minutes.",
    "If you saw the page that says the bot is installed, you are done. Otherwise start again.",
)
DENIED = Problem(
    403,
    "The bot was not installed",
    "The request was cancelled in Slack, or your workspace does not let you install apps.",
    "Start again when you are ready, or ask a workspace admin to open this page.",
)
NOT_ALLOWED = Problem(
    403,
    "You may not install apps there",
    "Slack says that your workspace does not let you install this app. Nothing was installed.",
    "Ask a workspace admin to approve it, or to open this page.",
)
NOT_DISTRIBUTED = Problem(
    403,
    "This bot is for another workspace",
    "Slack allows it only in the workspace where the app was made. Nothing was installed.",
    "Ask the operator of this bot to turn on public distribution in the app's settings.",
)
ROTATING = Problem(
    502,
    "The app's tokens expire",
    "Slack gave a token that expires in hours, which this bot cannot renew. Nothing was saved.",
    "Ask the operator of this bot to make the app without token rotation.",
)
REFUSED = Problem(
    502,
    "Slack did not complete the installation",
    "Slack refused the request, and nothing was saved here.",
    "Start again. If it happens again, ask the operator of this bot, who can find Slack's reason "
    "in the log.",
)
CODE_OVER = Problem(
    400,
    "Slack's confirmation has expired",
    "Slack confirms an installation once, and for ten minutes.",
    "Start again.",
)
UNREACHABLE = Problem(
    502,
    "Slack does not answer",
    "The bot could not ask Slack to complete the installation, so nothing was saved.",
    "Wait a few minutes, then start again.",
)
NOT_STORED = Problem(
    503,
    "The bot cannot save anything right now",
    "You did nothing wrong: the bot's database isn't answering.",
    "Wait a few minutes, then start again. Installing twice does no harm.",
)
BROKEN = Problem(
    500,
    "Something went wrong here",
    "The fault is in the bot, and its log has the details.",
    "Start again. If it happens again, tell the operator of this bot.",
)


def _page(title: str, body: str, kind: str = "") -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Imbalance</title><style>{STYLE}</style></head>"
        f'<body class="{kind}"><header><span>Imbalance</span></header>'
        f"<main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )


def install_page(begin_url: str, asked: Mapping[str, str]) -> str:
    """Return the first page: the permissions with their reasons, and one button."""
    scopes = "".join(
        f"<dt>{escape(scope)}</dt><dd>{escape(why)}{' Optional.' * (scope in OPTIONAL)}</dd>"
        for scope, why in asked.items()
    )
    return _page(
        "Add Imbalance to Slack",
        f"<p>{escape(WHAT_IT_IS)}</p><p>{escape(WHAT_HAPPENS)}</p>"
        f'<p><a class="button" href="{escape(begin_url)}">Add to Slack</a></p>'
        f"<h2>What it may do, and why</h2><p>{escape(NOT_READ)}</p><dl>{scopes}</dl>",
    )


def landing_page(installation: Installation, slack_url: str, is_again: bool) -> str:
    """Return the last page: what to do first in the workspace, or in the organization."""
    title = "Imbalance is installed again" if is_again else "Imbalance is installed"
    if installation.is_enterprise_install:
        return _page(title, _in_organization(installation))
    return _page(title, _in_workspace(installation, slack_url) + ("" if is_again else NOTE))


def _in_workspace(installation: Installation, slack_url: str) -> str:
    team_id = installation.team_id or ""
    query = urlencode({"app": installation.app_id or "", "team": team_id})
    href = escape(f"{slack_url}app_redirect?{query}")
    return (
        f"<p>Workspace: <strong>{escape(installation.team_name or team_id)}</strong></p>"
        "<h2>What to do first</h2><ol>"
        "<li>Open the bot in Slack. Its <em>Home</em> tab shows an example.</li>"
        "<li>In a private channel, invite it: <code>/invite @Imbalance</code></li>"
        "<li>Start a phase in the team's channel: <code>/imbalance start</code></li></ol>"
        f'<p><a class="button" href="{href}">Open in Slack</a></p>'
    )


def _in_organization(installation: Installation) -> str:
    name = installation.enterprise_name or installation.enterprise_id or ""
    return (
        f"<p>Organization: <strong>{escape(name)}</strong></p>"
        "<h2>One more step</h2><p>The bot is in none of its workspaces yet. An organization owner "
        "or admin adds them in Slack:</p><ol>"
        "<li>Open <em>Organization settings</em>, then <em>Integrations</em>, then "
        "<em>Installed apps</em>.</li>"
        "<li>Choose <strong>Imbalance</strong>, then <em>Add to workspaces</em>.</li>"
        "<li>In a workspace that was added, start a phase in a team's channel: "
        "<code>/imbalance start</code></li></ol>"
        '<p class="note">Workspaces added or removed later need no new installation.</p>'
    )


def problem_page(problem: Problem, start_url: str) -> str:
    """Return the page of a failed installation, with a link to start again."""
    return _page(
        problem.title,
        f"<p>{escape(problem.sentence)}</p><p>{escape(problem.next_step)}</p>"
        f'<p><a class="button" href="{escape(start_url)}">Start Again</a></p>',
        "problem",
    )
