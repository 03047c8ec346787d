"""`/imbalance help`, and the reply to unknown subcommands: only what the person may use."""

from bot.slack.command import NAME, suggestion
from bot.slack.content import Content, content, context, section
from bot.slack.mrkdwn import quote, truncated
from bot.status.model import ChannelState

#: Subcommands and their descriptions, in the order people need them. The bare command shows the
#: channel.
SUBCOMMANDS = {
    "start": "start a phase: a form with a preview; nothing is posted before you announce it",
    "status": "what is now and next: results, questions, days left, what is back when",
    "poll": "ask the three questions now (leads and admins)",
    "extend": "move the end, once, with a reason the channel sees (leads and admins)",
    "end": "end the phase, and say what came of it (leads and admins)",
    "budget": "how much of the last 90 days this channel spent in results sprints",
    "history": "this channel's phases, how each began and ended, and the results the team has read",
    "settings": "this workspace's limits and defaults; admins change them",
    "forget-me": "delete what I keep about you; it says first what that is",
    "help": "this page",
}
MANAGING = frozenset({"poll", "extend", "end"})
#: Examples of arguments to `start`.
START_EXAMPLES = (
    f"`{NAME} start results 2w Ship the beta`",
    f"`{NAME} start trust 3w`",
)

TITLE = "What Imbalance can do here"
ABOUT = (
    "A phase is a promise with an end date. In a *results sprint* results come first and some "
    "work waits; in a *trust-building phase* relationships do. Every week each member gets "
    "three questions in a direct message; the team sees totals only."
)
BARE = f"`{NAME}`  this channel at a glance, with the buttons that make sense now"
SHORTER = f"Starting can be shorter: {START_EXAMPLES[0]} or {START_EXAMPLES[1]}"
ANSWERS = "How answers are kept is explained under *Details* of each phase, and on my Home tab."
UNKNOWN = "{typed} isn't one of my commands."
NOTHING_DONE = "That isn't one of my commands."
MEANT = f"Did you mean `{NAME} {{name}}`?"
SEE_HELP = f"`{NAME} help` lists what I can do."
LONGEST_QUOTE = 40


def help_message(state: ChannelState | None) -> Content:
    """Build the list of commands, with an explanation of phases.

    `state` None: Slack could not be asked what this person may do, so everything is listed.
    """
    refusal = state.refusal_to_start if state else None
    names = [name for name in SUBCOMMANDS if name in _by_role(state)]
    commands = [BARE, *(f"`{NAME} {name}`  {SUBCOMMANDS[name]}" for name in names)]
    return content(
        TITLE,
        section(f"*{TITLE}*\n{ABOUT}"),
        section("\n".join(commands)),
        context(refusal or SHORTER),
        context(ANSWERS),
    )


def unknown_message(typed: str, state: ChannelState | None) -> Content:
    """Suggest the subcommand nearest to the first word. Nothing is carried out."""
    typed = next(iter(typed.split()), "")
    refusal = UNKNOWN.format(typed=f'"{quote(truncated(typed, LONGEST_QUOTE))}"')
    nearest = suggestion(typed.lower(), list(SUBCOMMANDS))
    if nearest == "start" and state and state.refusal_to_start:
        advice = state.refusal_to_start
    else:
        advice = MEANT.format(name=nearest) if nearest in _usable_here(state) else SEE_HELP
    return content(NOTHING_DONE, section(f"{refusal} {advice}"))


def _by_role(state: ChannelState | None) -> frozenset[str]:
    """Return the subcommands that the person may use in some channel."""
    names = frozenset(SUBCOMMANDS)
    if state and not state.is_full_member:
        names -= MANAGING
    return names - {"start"} if state and state.refusal_to_start else names


def _usable_here(state: ChannelState | None) -> frozenset[str]:
    """Return the subcommands that the person may use in this channel."""
    is_of_others = state and state.running and not state.may_manage
    return _by_role(state) - MANAGING if is_of_others else _by_role(state)
