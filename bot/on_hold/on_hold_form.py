"""The form that lists what is on hold: bring back, park, and put one more thing on hold."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    DatePickerElement,
    InputBlock,
    Option,
    StaticSelectElement,
    UserSelectElement,
)
from slack_sdk.models.views import View

from bot.announcement.messages import ON_HOLD_BUTTON
from bot.dates import day
from bot.on_hold.messages import LOOK_UP
from bot.on_hold.rules import (
    NEW_OWNER,
    NEW_TEXT,
    REASON,
    TEXT_LIMIT,
    Change,
    HoldProposal,
    ItemChange,
    ListChanges,
    item_field,
    until_field,
)
from bot.phases.model import Phase, SetAsideItem
from bot.phases.wording import one_line, title
from bot.slack.content import MAX_SECTION_LENGTH, context, header, paragraphs, plain, section
from bot.slack.inputs import form_parser, text_input
from bot.slack.mrkdwn import channel, clean, quote_within, truncated

FORM = "on_hold.form"
VALUE = "on_hold.value"
ITEM_SHOWN = 150  # characters of an item in a label

ABOUT = "*{title}*\nThe announcement in {channel} shows this list, and changes with it."
NOTHING = "Nothing is on hold."
STAYS, STAYS_PARKED = "Stays on hold", "Stays parked until {day}"
CHOICES = {Change.BACK: "Comes back now", Change.PARK: "Park until a day"}
UNTIL = "If parked, until when"
WHY, WHY_HINT = "Why something comes back early", "The channel reads this, with your name."
WHY_EXAMPLE = "The customer needs it before the demo."
MORE = "One more thing that can wait"
NEW_LABEL, NEW_EXAMPLE = "Put on hold", "The monthly report"
OWNER_LABEL, OWNER_NOBODY = "Who picks it up again", "You, unless you choose somebody"
OPEN = "Proposed, and not answered yet"
OPEN_ABOUT = "Answer these in the announcement's thread."
PROPOSAL = "• {text} ({name})"


def build(phase: Phase, proposals: tuple[HoldProposal, ...], today: date) -> View:
    """Build the form for whoever manages the phase, with the proposals that are still open."""
    about = ABOUT.format(title=title(phase), channel=channel(phase.channel_id))
    blocks: list[Block] = [section(about)]
    for item in phase.waiting_items:
        blocks += _item(item, today)
    if phase.waiting_items:
        blocks.append(
            text_input(
                REASON,
                WHY,
                VALUE,
                limit=TEXT_LIMIT,
                hint=WHY_HINT,
                placeholder=WHY_EXAMPLE,
                optional=True,
            )
        )
    else:
        blocks.append(section(NOTHING))
    blocks += [header(MORE), *_new()]
    unanswered = [each for each in proposals if each.is_open]
    if unanswered:
        blocks += [header(OPEN), *paragraphs(map(_proposal, unanswered)), context(OPEN_ABOUT)]
    blocks.append(context(LOOK_UP))
    return View(
        type="modal",
        callback_id=FORM,
        private_metadata=phase.phase_id,
        title=plain(ON_HOLD_BUTTON),
        submit=plain("Save"),
        close=plain("Cancel"),
        blocks=blocks,
    )


@form_parser
def parse(values: Mapping[str, Any]) -> ListChanges:
    """Return what was chosen and typed. `values` is Slack's `state.values`."""
    given = {name: states[VALUE] for name, states in values.items() if VALUE in states}
    return ListChanges(
        changes=tuple(_change(given, name) for name in given if name.startswith("item:")),
        reason=clean(given.get(REASON, {}).get("value") or ""),
        new_text=clean(given[NEW_TEXT].get("value") or ""),
        new_owner=given[NEW_OWNER].get("selected_user") or None,
    )


def _item(item: SetAsideItem, today: date) -> list[Block]:
    until = item.parked_until
    stays = STAYS_PARKED.format(day=day(until, today)) if until else STAYS
    texts = {Change.STAY: stays, **CHOICES}
    options = [Option(value=change, text=plain(text)) for change, text in texts.items()]
    owner = f" ({item.owner_name})" if item.owner_name else ""
    label = f"{truncated(one_line(item.text), ITEM_SHOWN)}{owner}"
    return [
        InputBlock(
            block_id=item_field(item.position, until),
            label=plain(label),
            element=StaticSelectElement(
                action_id=VALUE, options=options, initial_option=options[0]
            ),
        ),
        InputBlock(
            block_id=until_field(item.position),
            label=plain(UNTIL),
            element=DatePickerElement(
                action_id=VALUE,
                initial_date=until.isoformat() if until else None,
            ),
            optional=True,
        ),
    ]


def _new() -> list[Block]:
    return [
        text_input(
            NEW_TEXT, NEW_LABEL, VALUE, limit=TEXT_LIMIT, placeholder=NEW_EXAMPLE, optional=True
        ),
        InputBlock(
            block_id=NEW_OWNER,
            label=plain(OWNER_LABEL),
            element=UserSelectElement(action_id=VALUE, placeholder=plain(OWNER_NOBODY)),
            optional=True,
        ),
    ]


def _proposal(proposal: HoldProposal) -> str:
    text = quote_within(one_line(proposal.text), MAX_SECTION_LENGTH // 2)
    return PROPOSAL.format(text=text, name=quote_within(proposal.proposer_name, 200))


def _change(given: Mapping[str, Any], name: str) -> ItemChange:
    _, position, was = name.split(":")
    until = given[until_field(int(position))].get("selected_date")
    return ItemChange(
        position=int(position),
        was=date.fromisoformat(was) if was else None,
        change=Change(given[name]["selected_option"]["value"]),
        until=date.fromisoformat(until) if until else None,
    )
