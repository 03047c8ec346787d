"""The form in which a member proposes what else can wait, and the one in which a lead answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import Block, InputBlock, UserSelectElement
from slack_sdk.models.views import View

from bot.announcement.messages import BUTTONS, WHAT_ELSE, on_hold_lines
from bot.on_hold.messages import LOOK_UP, who_answers
from bot.on_hold.rules import NEW_OWNER, NEW_TEXT, REASON, TEXT_LIMIT, HoldProposal
from bot.phases.model import Phase
from bot.phases.wording import one_line
from bot.slack.content import context, paragraphs, plain, section
from bot.slack.inputs import form_parser, text_input
from bot.slack.mrkdwn import channel, clean, quotation, quote_within

PROPOSE_FORM, ACCEPT_FORM, DECLINE_FORM = (
    "on_hold.propose.form",
    "on_hold.accept.form",
    "on_hold.decline.form",
)
VALUE = "on_hold.value"

PROPOSE_ABOUT = (
    "Everyone in {channel} reads this in the announcement's thread, with your name. {answers} "
    "there."
)
PROPOSE_LABEL, PROPOSE_EXAMPLE = "What else can wait?", "The monthly report"
PROPOSED = "{channel} reads it in the announcement's thread, with your name. {answers} there."
ANSWER_ABOUT = "*{name} proposes to put this on hold:*\n{text}"
OWNER_LABEL = "Who picks it up again"
LINES = {
    True: ("A line to go with it", "Good idea, nobody will miss it."),
    False: ("Why it can't wait", "The board reads it on Friday."),
}
LINE_HINT = "Everyone in the channel reads this, with your name."
TITLES = {True: "Put on Hold", False: "Decline"}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A lead's answer to a proposal. `owner_id` None: the lead who answers."""

    line: str = ""
    owner_id: str | None = None


def propose_form(phase: Phase) -> View:
    """Build the form for a member's proposal, with the list as it is."""
    about = PROPOSE_ABOUT.format(channel=channel(phase.channel_id), answers=who_answers(phase))
    text = text_input(NEW_TEXT, PROPOSE_LABEL, VALUE, limit=TEXT_LIMIT, placeholder=PROPOSE_EXAMPLE)
    blocks = [section(about), *paragraphs(on_hold_lines(phase)), text, context(LOOK_UP)]
    return _form(PROPOSE_FORM, BUTTONS[WHAT_ELSE], "Propose", phase.phase_id, blocks)


def proposed_text(phase: Phase) -> str:
    """Return the confirmation of a proposal."""
    return PROPOSED.format(channel=channel(phase.channel_id), answers=who_answers(phase))


@form_parser
def parse_proposal(values: Mapping[str, Any]) -> str:
    """Return what was proposed. `values` is Slack's `state.values`."""
    return clean(values[NEW_TEXT][VALUE].get("value") or "")


def answer_form(phase: Phase, proposal: HoldProposal, *, accepts: bool) -> View:
    """Build the form in which a lead accepts or declines, in one line."""
    text = quotation(one_line(proposal.text), 1_000)
    about = ANSWER_ABOUT.format(name=quote_within(proposal.proposer_name, 200), text=text)
    label, example = LINES[accepts]
    line = text_input(
        REASON,
        label,
        VALUE,
        limit=TEXT_LIMIT,
        hint=LINE_HINT,
        placeholder=example,
        optional=accepts,
    )
    owner = InputBlock(
        block_id=NEW_OWNER,
        label=plain(OWNER_LABEL),
        element=UserSelectElement(action_id=VALUE, initial_user=proposal.proposed_by),
        optional=True,
    )
    blocks: list[Block] = [section(about), *([owner] if accepts else []), line]
    target = f"{phase.phase_id}:{proposal.proposal_id}"
    form = ACCEPT_FORM if accepts else DECLINE_FORM
    return _form(form, TITLES[accepts], TITLES[accepts], target, blocks)


@form_parser
def parse_answer(values: Mapping[str, Any]) -> Answer:
    """Return the answer. `values` is Slack's `state.values`."""
    owner = values.get(NEW_OWNER, {}).get(VALUE, {}).get("selected_user")
    return Answer(line=clean(values[REASON][VALUE].get("value") or ""), owner_id=owner or None)


def _form(
    callback_id: str, heading: str, submit_label: str, target_id: str, blocks: list[Block]
) -> View:
    return View(
        type="modal",
        callback_id=callback_id,
        private_metadata=target_id,
        title=plain(heading),
        submit=plain(submit_label),
        close=plain("Cancel"),
        blocks=blocks,
    )
