"""What the leads count on one person for, as that person reads it, and the buttons to reply. Pure.

The line is between the leads and this person: nobody else is shown it.
"""

from slack_sdk.models.blocks import Block

from bot.phases.model import ExpectationReply, Participant, Phase
from bot.phases.wording import leads_as_subject, one_or_many
from bot.slack.content import actions, button, section
from bot.slack.mrkdwn import quotation

FITS, CHANGE_IT, TOO_MUCH = (
    "phase.expectation.fits",
    "phase.expectation.change",
    "phase.expectation.too_much",
)
REPLIES = {
    FITS: ExpectationReply.FITS,
    CHANGE_IT: ExpectationReply.CHANGE,
    TOO_MUCH: ExpectationReply.TOO_MUCH,
}
BUTTONS = {FITS: "Fits", CHANGE_IT: "Change It", TOO_MUCH: "Too Much"}
#: Characters of the line: in the form, and with escapes in a message.
LIMIT, SHOWN = 150, 600
COUNTS_ON_YOU = "*{leads} counts on you for:*\n{expectation}"
COUNT_ON_YOU = "*{leads} count on you for:*\n{expectation}"


def counted_on_line(phase: Phase, person: Participant) -> str | None:
    """Return what the leads count on the person for; None where they wrote nothing."""
    if not person.expectation:
        return None
    leads = leads_as_subject(phase, begins=True)
    template = one_or_many(len(phase.lead_names), COUNTS_ON_YOU, COUNT_ON_YOU)
    expectation = quotation(person.expectation, SHOWN)
    return template.format(leads=leads, expectation=expectation)


def expectation_blocks(phase: Phase, person: Participant) -> list[Block]:
    """Return the line with its buttons; nothing where the leads wrote none."""
    line = counted_on_line(phase, person)
    if line is None:
        return []
    buttons = [button(text, action_id, phase.phase_id) for action_id, text in BUTTONS.items()]
    return [section(line), actions(*buttons)]
