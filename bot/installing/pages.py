"""HTML of the install pages: self-contained, without scripts or external resources."""

import base64
import hashlib
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from bot.installing.scopes import REASONS

#: The playground's colours and type, in the few elements these pages have.
STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --sunken: #f6f7f9; --ink: #1d1c1d;
  --dim: #5d6069; --line: #e2e4e8; --link: #1160a0; --primary: #0b7a5c; --focus: #1d74c9; }
@media (prefers-color-scheme: dark) { :root { --paper: #1a1d21; --sunken: #15181b;
  --ink: #e3e4e6; --dim: #a6abb3; --line: #35393f; --link: #5fb2ec; } }
body { margin: 0; background: var(--sunken); color: var(--ink); line-height: 1.5;
  font-family: "Lato", system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
main { box-sizing: border-box; max-width: 42rem; margin: 2rem auto; padding: 1.5rem;
  background: var(--paper); border: 1px solid var(--line); border-radius: 8px; }
@media (max-width: 44rem) { main { margin: 0; border: 0; border-radius: 0; } }
h1 { margin-top: 0; font-size: 1.5rem; } h2 { font-size: 1.1rem; } a { color: var(--link); }
dt { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .9rem; }
dd { margin: 0 0 .6rem; color: var(--dim); }
.button { display: inline-block; padding: .6rem 1.2rem; border-radius: 4px; font-weight: 700;
  background: #0b7a5c; color: #ffffff; text-decoration: none; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

#: Sent with each page. The address of a page may contain a code: it is kept and passed on nowhere.
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Problem:
    """A failed installation: a title, a sentence, and the next step; the page has its status."""

    status: int
    title: str
    sentence: str
    next_step: str


MISSING_STATE = Problem(
    400,
    "This page was opened without a running installation",
    "The link lacks what Slack adds when an installation ends.",
    "Start the installation from its first page.",
)
OTHER_BROWSER = Problem(
    400,
    "The installation began in another browser",
    "It has to end in the browser in which it began; this one has no trace of it.",
    "Start again here, and allow cookies for this site.",
)
STATE_OVER = Problem(
    400,
    "This link was used already, or is too old",
    "A link from Slack works once, and only for a few minutes.",
    "If you saw the page that says the bot is installed, you are done. Otherwise start again.",
)
DENIED = Problem(
    403,
    "The bot was not installed",
    "The request was cancelled in Slack, or your workspace does not let you install apps.",
    "Start again when you are ready, or ask a workspace admin to open this page.",
)
REFUSED = Problem(
    502,
    "Slack did not complete the installation",
    "Slack refused the request, and nothing was installed here.",
    "Start again. If it happens again, ask the operator of this bot, who finds the reason in "
    "its log.",
)
CODE_OVER = Problem(
    400,
    "Slack's confirmation has expired",
    "Slack confirms an installation for ten minutes, and once.",
    "Start again.",
)
UNREACHABLE = Problem(
    502,
    "Slack cannot be reached",
    "The bot could not ask Slack to complete the installation.",
    "Wait a few minutes, then start again.",
)
ORGANIZATION_WIDE = Problem(
    400,
    "The bot cannot be installed for a whole organization here",
    "It has to be installed in one workspace.",
    "Start again, and choose a workspace instead of the organization.",
)
NOT_STORED = Problem(
    500,
    "The installation could not be saved",
    "Slack has allowed the bot, but the bot could not store it.",
    "Wait a few minutes, then start again; installing twice does no harm.",
)


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Imbalance</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )


def install_page(begin_path: str) -> str:
    """Return the first page: the permissions with their reasons, and one button."""
    scopes = "".join(f"<dt>{escape(s)}</dt><dd>{escape(why)}</dd>" for s, why in REASONS.items())
    return _page(
        "Add Imbalance to Slack",
        "<p>Slack will ask you to allow what is listed here. Many workspaces let only admins "
        "install apps.</p>"
        f'<p><a class="button" href="{escape(begin_path)}">Add to Slack</a></p>'
        f"<h2>What the bot may do, and why</h2><dl>{scopes}</dl>",
    )


def landing_page(app_id: str, team_id: str, team_name: str, is_again: bool) -> str:
    """Return the last page: the first things to do in the workspace."""
    query = urlencode({"app": app_id, "team": team_id})
    title = "Imbalance is installed again" if is_again else "Imbalance is installed"
    return _page(
        title,
        f"<p>Workspace: <strong>{escape(team_name or team_id)}</strong></p>"
        "<h2>What to do first</h2><p>Type <strong>/imbalance start</strong> in your team's "
        "channel. In a private channel, invite the bot first: <strong>/invite @Imbalance</strong>."
        f'</p><p><a class="button" href="https://slack.com/app_redirect?{escape(query)}">'
        "Open Slack</a></p>",
    )


def problem_page(problem: Problem, start_path: str) -> str:
    """Return the page of a failed installation, with a link to start again."""
    return _page(
        problem.title,
        f"<p>{escape(problem.sentence)}</p><p>{escape(problem.next_step)}</p>"
        f'<p><a class="button" href="{escape(start_path)}">Start again</a></p>',
    )
