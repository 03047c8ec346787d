"""`/imbalance help`, and the reply to unknown subcommands."""

from bot.slack.command import NAME, suggestion
from bot.slack.content import Content, content, context, section
from bot.slack.mrkdwn import quote, truncated

#: Subcommands and their descriptions, in the order people need them. The bare command shows the
#: status.
SUBCOMMANDS = {
    "start": "start a phase: a form with a preview, nothing is said before you announce it",
    "status": "how this channel's phase stands, with the buttons that make sense now",
    "poll": "ask the three questions now instead of waiting for the weekday",
    "extend": "move the end, once, with a reason the channel sees",
    "end": "end the phase: what it brought, what was learned, what comes back",
    "budget": "how much of the last 90 days this channel spent in results sprints",
    "history": "this channel's phases, how each began and ended, and the results the team has read",
    "settings": "limits, who may start, wording and defaults of this workspace",
    "forget-me": "delete what I keep about you; it says first what that is",
    "help": "this page",
}
#: Examples of arguments to `start`.
START_EXAMPLES = (
    f"`{NAME} start results 2w Ship the beta`",
    f"`{NAME} start trust until 2026-12-18`",
)

TITLE = "What Imbalance can do here"
ABOUT = (
    "A phase is a promise with an end date. In a *results sprint* results come first and some "
    "work may wait; in a *trust-building phase* relationships do. Every week each member gets "
    "three questions in a direct message; the team sees totals only."
)
UNKNOWN = "Nothing was done: {typed} is not one of my commands."
NOTHING_DONE = "Nothing was done: that is not one of my commands."
MEANT = f"Did you mean `{NAME} {{name}}`?"
SEE_HELP = f"`{NAME} help` lists what I can do."
LONGEST_QUOTE = 40


def help_message() -> Content:
    """Build the list of commands, with an explanation of phases."""
    commands = [f"`{NAME}`  this channel at a glance"]
    commands += [f"`{NAME} {name}`  {description}" for name, description in SUBCOMMANDS.items()]
    return content(
        TITLE,
        section(f"*{TITLE}*\n{ABOUT}"),
        section("\n".join(commands)),
        context(f"Starting can be shorter: {' or '.join(START_EXAMPLES)}"),
        context("How answers stay anonymous is in my Home tab, at the top left of this app."),
    )


def unknown_message(typed: str) -> Content:
    """Suggest the subcommand nearest to the first word. Nothing is carried out."""
    typed = next(iter(typed.split()), "")
    refusal = UNKNOWN.format(typed=f'"{quote(truncated(typed, LONGEST_QUOTE))}"')
    nearest = suggestion(typed.lower(), list(SUBCOMMANDS))
    advice = MEANT.format(name=nearest) if nearest else SEE_HELP
    return content(NOTHING_DONE, section(f"{refusal} {advice}"))
