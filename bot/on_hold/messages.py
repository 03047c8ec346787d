"""Messages about work on hold: in the thread, to an owner, and to whoever asks. Pure."""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block

from bot.announcement.messages import ON_HOLD, WHAT_ELSE, on_hold_lines
from bot.dates import day
from bot.on_hold.rules import HoldProposal
from bot.phases.model import Phase, SetAsideItem
from bot.phases.wording import leads_as_subject, one_line, one_or_many
from bot.slack.content import Content, actions, button, content, context, paragraphs, section
from bot.slack.mrkdwn import channel, mention, quotation, quote_within

ACCEPT, DECLINE, SHARE = "on_hold.accept", "on_hold.decline", "on_hold.share"
#: Characters of an item and of a name, with their escapes.
ITEM_SHOWN, NAME_SHOWN, LINE_SHOWN = 800, 200, 1_200

BACK_FIRST = "Back before the end of the phase"
BACK = "*{by} brings this back early:*"
BACK_ITEM = "• {item}, with {owner}"

PROPOSED_FIRST = "Something else that can wait: a proposal"
PROPOSED = "{leads}, *{name} proposes to put this on hold:*\n{text}"
PROPOSED_BEFORE = "*{name} proposed to put this on hold:*\n{text}"
ACCEPTED_BY, DECLINED_BY = "{name} accepted this.", "{name} declined this."
ACCEPTED_FIRST, DECLINED_FIRST = "One more thing can wait", "This one can't wait"
ACCEPTED = "{proposer}: {name} put *{item}* on hold, with {owner}. Back on {day}."
DECLINED = "{proposer}: {name} won't put *{item}* on hold."

PARKED_FIRST = "Parked until today: something from {channel}"
PARKED = (
    "*{item}* was parked until today, and it's yours. Pick it up again, or say in {channel} that "
    "you won't."
)
UNOWNED_FIRST = "Parked until today"
UNOWNED = (
    "*{item}* was parked until today, with {owner}, who can't be reached here. Who picks it up?"
)

ON_HOLD_ITEM = "*{item}* is on hold, with {owner}. Back on {day}."
PARKED_ITEM = "*{item}* is parked until {day}, with {owner}."
BACK_ITEM_SINCE = "*{item}* was on hold. It came back on {day}, with {owner}."
FOUND_FIRST, NOT_FOUND_FIRST = "What the list says about this", "This isn't on the list"
NOT_FOUND = "*I can't find this on the list.*"
NOTHING = "Nothing is on hold here."
ONLY_YOU = "Only you see this. I compared the message's words with the list, and kept none of them."
SHARED_FIRST = "What is on hold in this phase"
SHARED_BY = "{name} shared this from the list of what's on hold."
SHARED = "It's in the thread now."

#: Refusals, and other replies to who pressed or typed.
OWN_MESSAGE = "I wrote this message. Use *Is This on Hold?* on a message that asks for work."
NO_PHASE = (
    "No phase is running in this channel, so nothing is on hold here. `/imbalance` shows "
    "where things stand."
)
ARCHIVED = "This channel is archived, so I can't look anything up here. Unarchive it first."
MEMBERS_ONLY = (
    "Only full members of this workspace can look up what's on hold. Ask one of your colleagues."
)
OVER = "This phase has ended, so nothing is on hold any more. What came of it is in the channel."
NOT_SHARED = "Slack didn't accept it, so nothing was shared. Use *Is This on Hold?* again."
NOT_A_COLLEAGUE = (
    "Only a full member of this workspace can pick work up again. Choose somebody else."
)
NO_PROPOSAL = "This proposal has been deleted. Ask for it to be made again."


def back_early(items: Sequence[SetAsideItem], by: str, reason: str) -> Content:
    """Build the reply that says what comes back before the end, who brings it back, and why."""
    lines = [BACK.format(by=_name(by))]
    lines += [BACK_ITEM.format(item=_item(item.text), owner=_owner(item)) for item in items]
    return content(BACK_FIRST, *paragraphs([*lines, quotation(one_line(reason), LINE_SHOWN)]))


def proposed(phase: Phase, proposal: HoldProposal) -> Content:
    """Build the reply with a proposal: to be answered by the leads, or as it was answered."""
    name, text = _name(proposal.proposer_name), quotation(one_line(proposal.text), LINE_SHOWN)
    if not proposal.is_open:
        by = ACCEPTED_BY if proposal.accepted else DECLINED_BY
        return content(
            PROPOSED_FIRST,
            section(PROPOSED_BEFORE.format(name=name, text=text)),
            context(by.format(name=_name(proposal.answer_name))),
        )
    leads = ", ".join(mention(lead.user_id) for lead in phase.reachable_leads)
    template = PROPOSED if leads else PROPOSED_BEFORE
    value = f"{phase.phase_id}:{proposal.proposal_id}"
    return content(
        PROPOSED_FIRST,
        section(template.format(leads=leads, name=name, text=text)),
        actions(button("Accept", ACCEPT, value), button("Decline", DECLINE, value)),
    )


def answered(phase: Phase, proposal: HoldProposal) -> Content:
    """Build the reply with the answer of a lead. `phase` has the item, if it was accepted."""
    is_there = phase.has_participant(proposal.proposed_by)
    proposer = mention(proposal.proposed_by) if is_there else _name(proposal.proposer_name)
    name, item = _name(proposal.answer_name), _item(proposal.text)
    if proposal.accepted:
        first, back = ACCEPTED_FIRST, day(phase.calendar.working_day_after(phase.ends_on))
        owner = _owner(phase.set_aside_items[-1])
        said = ACCEPTED.format(proposer=proposer, name=name, item=item, owner=owner, day=back)
    else:
        first, said = DECLINED_FIRST, DECLINED.format(proposer=proposer, name=name, item=item)
    line = [quotation(one_line(proposal.answer), LINE_SHOWN)] if proposal.answer else []
    return content(first, *paragraphs([said, *line]))


def parked_until_today(phase: Phase, item: SetAsideItem) -> Content:
    """Build the message to the owner of a parked item, on its day."""
    where = channel(phase.channel_id)
    first = PARKED_FIRST.format(channel=where)
    return content(first, section(PARKED.format(item=_item(item.text), channel=where)))


def parked_without_owner(phase: Phase, item: SetAsideItem) -> Content:
    """Build the reply about a parked item whose owner can't be reached, on its day."""
    leads = "".join(f"{mention(lead.user_id)}: " for lead in phase.reachable_leads[:1])
    said = UNOWNED.format(item=_item(item.text), owner=_owner(item))
    return content(UNOWNED_FIRST, section(f"{leads}{said}"))


def found(phase: Phase, items: Sequence[SetAsideItem], share_value: str) -> Content:
    """Build the private answer about the items that a message names."""
    return content(
        FOUND_FIRST,
        *paragraphs(_state(phase, item) for item in items),
        actions(button("Share in Thread", SHARE, share_value)),
        context(ONLY_YOU),
    )


def not_found(phase: Phase, user_id: str) -> Content:
    """Build the private answer where no item matches: the list, and what this person can do."""
    lines = [NOT_FOUND, *(on_hold_lines(phase) or [NOTHING])]
    blocks: list[Block] = [*paragraphs(lines)]
    if phase.is_led_by(user_id):
        blocks.append(actions(button("Put on Hold", ON_HOLD, phase.phase_id)))
    elif phase.has_participant(user_id):
        blocks.append(actions(button("Propose", WHAT_ELSE, phase.phase_id)))
    return content(NOT_FOUND_FIRST, *blocks, context(ONLY_YOU))


def shared(phase: Phase, items: Sequence[SetAsideItem], by: str) -> Content:
    """Build the reply that everybody in the thread reads."""
    return content(
        SHARED_FIRST,
        *paragraphs(_state(phase, item) for item in items),
        context(SHARED_BY.format(name=_name(by))),
    )


def share_done(phase: Phase, items: Sequence[SetAsideItem]) -> Content:
    """Build what replaces the private answer once it was shared."""
    return content(SHARED, *paragraphs(_state(phase, item) for item in items), context(SHARED))


def who_answers(phase: Phase) -> str:
    """Return "Ana answers" or "the leads answer", to follow a word."""
    verb = one_or_many(len(phase.lead_names), "answers", "answer")
    return f"{leads_as_subject(phase, begins=True)} {verb}"


def _state(phase: Phase, item: SetAsideItem) -> str:
    text, owner = _item(item.text), _owner(item)
    if item.back_on is not None:
        return BACK_ITEM_SINCE.format(item=text, day=day(item.back_on), owner=owner)
    if item.parked_until is not None:
        until = day(item.parked_until, phase.ends_on)
        return PARKED_ITEM.format(item=text, day=until, owner=owner)
    back = day(phase.calendar.working_day_after(phase.ends_on))
    return ON_HOLD_ITEM.format(item=text, day=back, owner=owner)


def _item(text: str) -> str:
    return quote_within(one_line(text).rstrip("."), ITEM_SHOWN)


def _owner(item: SetAsideItem) -> str:
    return _name(item.owner_name or item.owner_id)


def _name(name: str) -> str:
    return quote_within(name, NAME_SHOWN)
