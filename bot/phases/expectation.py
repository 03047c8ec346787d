"""The leads' expectation of one person as that person reads it, with the buttons to reply. Pure.

The line is between the leads and this person: nobody else is shown it.
"""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block

from bot.phases.model import Participant, Phase
from bot.phases.wording import names_as_subject, one_or_many
from bot.slack.content import actions, button, section
from bot.slack.mrkdwn import quotation

FITS, CHANGE_IT, TOO_MUCH = (
    "phase.expectation.fits",
    "phase.expectation.change",
    "phase.expectation.too_much",
)
BUTTONS = {FITS: "Fits", CHANGE_IT: "Change It", TOO_MUCH: "Too Much"}
#: Characters of the line: in the form, and with escapes in a message.
LIMIT, SHOWN = 150, 600
COUNTS_ON_YOU = "*{leads} counts on you for:*\n{expectation}"
COUNT_ON_YOU = "*{leads} count on you for:*\n{expectation}"


def counted_on_line(phase: Phase, person: Participant) -> str | None:
    """Return what the leads count on the person for; None where they wrote nothing."""
    return _line(phase.lead_names, person.expectation) if person.expectation else None


def expectation_blocks(
    leads: Sequence[str], expectation: str, phase_id: str, *, has_replied: bool = False
) -> list[Block]:
    """Return the line, with the buttons to reply until the person has."""
    line = section(_line(leads, expectation))
    if has_replied:
        return [line]
    buttons = [button(text, action_id, phase_id) for action_id, text in BUTTONS.items()]
    return [line, actions(*buttons)]


def _line(leads: Sequence[str], expectation: str) -> str:
    template = one_or_many(len(leads), COUNTS_ON_YOU, COUNT_ON_YOU)
    return template.format(
        leads=names_as_subject(leads, begins=True),
        expectation=quotation(expectation, SHOWN),
    )
