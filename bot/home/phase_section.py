"""The phases in a person's channels, with their latest results, as App Home shows them. Pure."""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block

from bot.announcement.details_page import ASK_AGAIN, DONT_ASK
from bot.announcement.messages import BUTTONS, DETAILS, ON_HOLD, ON_HOLD_BUTTON
from bot.dates import day
from bot.ending.messages import EXTEND, WRAP_UP
from bot.history.history_page import BUTTON as HISTORY_BUTTON
from bot.history.history_page import HISTORY
from bot.home.model import PhaseSummary
from bot.promises.messages import own_lines
from bot.slack.content import (
    MAX_SECTION_LENGTH,
    actions,
    button,
    context,
    divider,
    header,
    join_within,
    section,
)
from bot.slack.mrkdwn import channel

OPT_OUT, OPT_IN, START = "home.opt_out", "home.opt_in", "home.start"
#: The others are counted; with promises and hints, a phase takes three of the tab's 100 blocks.
PHASES_SHOWN = 12

PHASES = "Phases in your channels"
MORE_PHASES = "And {count} more. `/imbalance` in a channel shows how its phase stands."
NO_PHASES = "No phase is running right now."
OPTED_OUT = "You opted out, so you aren't asked in {channel}."
OVER = "Finished. There'll be one or two follow-up check-ins."
RESTING = "The team is in recovery until {day}."
HINTS = "*Only the leads see this*"
START_A_PHASE = "Start a Phase"


def blocks(phases: Sequence[PhaseSummary], *, may_start: bool) -> list[Block]:
    """Build the section; with *Start a Phase* for those who may."""
    built: list[Block] = [header(PHASES)]
    if not phases:
        built.append(section(NO_PHASES))
    for phase in phases[:PHASES_SHOWN]:
        built += _phase(phase)
    more = len(phases) - PHASES_SHOWN
    if more > 0:
        built.append(context(MORE_PHASES.format(count=more)))
    if may_start:
        built += [divider(), actions(button(START_A_PHASE, START))]
    return built


def _phase(phase: PhaseSummary) -> list[Block]:
    channel_link = channel(phase.channel_id)
    lines = [
        f"*{phase.title}*",
        f"{channel_link} · {OVER if phase.is_over else phase.status_line}",
    ]
    if phase.recovery_until is not None:
        lines.append(RESTING.format(day=day(phase.recovery_until)))
    if phase.results:
        lines.append(phase.results)
    if phase.has_opted_out:
        lines.append(OPTED_OUT.format(channel=channel_link))
    return [section("\n".join(lines)), *_for_lead(phase), actions(*_buttons(phase))]


def _for_lead(phase: PhaseSummary) -> list[Block]:
    """Return the lead's own promises and the hints in one section, as blocks are few.

    Hints that do not fit are in the message with the results.
    """
    hints = [HINTS, *(f"• {hint}" for hint in phase.hints)] if phase.hints else []
    own = own_lines(phase.promises)
    lines = [*own, *([""] if own and hints else []), *hints]
    return [section(join_within(lines, MAX_SECTION_LENGTH)[0])] if lines else []


def _buttons(phase: PhaseSummary) -> list[object]:
    buttons: list[object] = [
        button(BUTTONS[DETAILS], DETAILS, phase.phase_id),
        button(HISTORY_BUTTON, HISTORY, phase.channel_id),
    ]
    if phase.is_lead and not phase.is_over:
        buttons += [
            button(ON_HOLD_BUTTON, ON_HOLD, phase.phase_id),
            button("Extend", EXTEND, phase.phase_id),
            button("End", WRAP_UP, phase.phase_id),
        ]
    elif phase.is_lead and not phase.is_wrapped_up:
        buttons.append(button("Wrap Up", WRAP_UP, phase.phase_id))
    if phase.has_opted_out:
        buttons.append(button(ASK_AGAIN, OPT_IN, phase.channel_id))
    elif phase.is_member:
        buttons.append(button(DONT_ASK, OPT_OUT, phase.channel_id))
    return buttons
