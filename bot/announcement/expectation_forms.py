"""Expectations of each member: the leads' form, a member's reply, and the message with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.models.blocks import InputBlock
from slack_sdk.models.views import View

from bot.phases.expectation import LIMIT, counted_on_line
from bot.phases.model import ExpectationReply, Participant, Phase
from bot.phases.wording import leads_as_subject, one_or_many, title
from bot.slack.content import Content, actions, button, content, context, plain, section
from bot.slack.errors import Refused
from bot.slack.inputs import UNKNOWN_TEXT, form_parser, text_input
from bot.slack.mrkdwn import channel, clean, quotation, quote_within, truncated
from bot.slack.views import notice_view

EXPECTATIONS, CHANGE_LINE = "phase.expectations", "phase.expectations.change"
FORM, REPLY_FORM = "phase.expectations.form", "phase.expectation.form"
LINE, WORDS = "phase.expectation", "phase.expectation.words"
LINE_PREFIX, WORDS_BLOCK = "expectation.line.", "expectation.words"
#: More inputs at once would look like an exam.
LINES_A_PAGE = 6
WORDS_LIMIT = 1_000
NAME_SHOWN = 100

TITLE = "What you count on"
ABOUT = (
    "*{title}*\nWhat do you count on each person for? Each person reads only their own line, with "
    "their next questions. Leave a line blank if you have nothing to say."
)
EXAMPLE = "Getting the importer through review by Thursday."
REPLIED = {
    ExpectationReply.FITS: "{name} says it fits.",
    ExpectationReply.CHANGE: "{name} asked to change it.",
    ExpectationReply.TOO_MUCH: "{name} said it's too much.",
}
REPLY_TITLES = {ExpectationReply.CHANGE: "Change It", ExpectationReply.TOO_MUCH: "Too Much"}
REPLY_LABELS = {
    ExpectationReply.CHANGE: "What would fit better?",
    ExpectationReply.TOO_MUCH: "What is too much, and what would help?",
}
REPLY_EXAMPLES = {
    ExpectationReply.CHANGE: "I'd rather take the reviews; Dev knows the importer.",
    ExpectationReply.TOO_MUCH: "Not with on-call this week. From Monday I can.",
}
LEAD_READS = "{leads} gets this with your name. Nobody else does."
LEADS_READ = "{leads} get this with your name. Nobody else does."
FITS_TITLE, FITS_NOTED = "Fits", "Good. You can read it again under *My Part*."
NOTIFICATION = "{name} replied to what you count on them for"
SAYS = {
    ExpectationReply.CHANGE: (
        "*{name} would like to change what you count on them for in {channel}.*"
    ),
    ExpectationReply.TOO_MUCH: (
        "*{name} says that what you count on them for in {channel} is too much.*"
    ),
}
THE_LINE, THEY_WRITE = "The line says:\n{line}", "{name} writes:\n{words}"
CHANGE_THE_LINE = "Change the Line"


def page_id(phase_id: str, page: str) -> str:
    """Return the id that the form and the lead's button carry."""
    return f"{phase_id}:{page}"


def read_page_id(target: str) -> tuple[str, str]:
    """Return the phase's id, and the page: a number, or the id of the one person on it."""
    phase_id, _, page = target.partition(":")
    return phase_id, page


def read_reply_id(target: str) -> tuple[str, ExpectationReply]:
    """Return the phase's id and the reply that the form of a reply carries.

    Raises:
        Refused: it is none of ours.
    """
    phase_id, reply = read_page_id(target)
    if reply not in set(ExpectationReply):
        raise Refused(UNKNOWN_TEXT)
    return phase_id, ExpectationReply(reply)


def build(phase: Phase, page: str = "0") -> View:
    """Build a page of the form, filled with what was written before."""
    members, next_page = members_on(phase, page), page_after(phase, page)
    about = ABOUT.format(title=title(phase, 300))
    return View(
        type="modal",
        callback_id=FORM,
        private_metadata=page_id(phase.phase_id, page),
        title=plain(TITLE),
        submit=plain("Save" if next_page is None else "Save and Go On"),
        close=plain("Close"),
        blocks=[section(about), *(_line(member, members[0]) for member in members)],
    )


def members_on(phase: Phase, page: str) -> Sequence[Participant]:
    """Return the members on a page, by name."""
    if not page.isdecimal():
        return [member for member in phase.members if member.user_id == page]
    start = int(page) * LINES_A_PAGE
    return phase.members[start : start + LINES_A_PAGE]


def page_after(phase: Phase, page: str) -> str | None:
    """Return the page that follows; None: it is the last one."""
    if not page.isdecimal():
        return None
    following = int(page) + 1
    return str(following) if following * LINES_A_PAGE < len(phase.members) else None


@form_parser
def parse(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the lines by user id; empty: none. `values` is Slack's `state.values`."""
    return {
        block_id.removeprefix(LINE_PREFIX): clean(state.get(LINE, {}).get("value") or "")
        for block_id, state in values.items()
        if block_id.startswith(LINE_PREFIX)
    }


def line_block(user_id: str) -> str:
    return f"{LINE_PREFIX}{user_id}"


def reply_form(phase: Phase, person: Participant, reply: ExpectationReply) -> View:
    """Build the form for a member's words to the leads."""
    template = one_or_many(len(phase.lead_names), LEAD_READS, LEADS_READ)
    read_by = template.format(leads=leads_as_subject(phase, begins=True))
    words = text_input(
        WORDS_BLOCK,
        REPLY_LABELS[reply],
        WORDS,
        limit=WORDS_LIMIT,
        placeholder=REPLY_EXAMPLES[reply],
        multiline=True,
    )
    line = counted_on_line(phase, person)
    return View(
        type="modal",
        callback_id=REPLY_FORM,
        private_metadata=page_id(phase.phase_id, reply),
        title=plain(REPLY_TITLES[reply]),
        submit=plain("Send"),
        close=plain("Cancel"),
        blocks=[*([section(line)] if line else []), words, context(read_by)],
    )


@form_parser
def submitted_words(values: Mapping[str, Any]) -> str:
    """Return the member's words. `values` is Slack's `state.values`."""
    return clean(values.get(WORDS_BLOCK, {}).get(WORDS, {}).get("value") or "")


def reply_to_leads(
    phase: Phase, person: Participant, reply: ExpectationReply, words: str
) -> Content:
    """Build the message to the leads, in the person's own words and with their name."""
    name = quote_within(person.name, NAME_SHOWN)
    says = SAYS[reply].format(name=name, channel=channel(phase.channel_id))
    line = THE_LINE.format(line=quotation(person.expectation or "", 2 * LIMIT))
    change = button(CHANGE_THE_LINE, CHANGE_LINE, page_id(phase.phase_id, person.user_id))
    return content(
        NOTIFICATION.format(name=truncated(person.name, 30)),
        section(f"{says}\n{line}"),
        section(THEY_WRITE.format(name=name, words=quotation(words, 2 * WORDS_LIMIT))),
        actions(change),
    )


def fits_noted() -> View:
    return notice_view(FITS_TITLE, FITS_NOTED)


def _line(member: Participant, first: Participant) -> InputBlock:
    reply = member.expectation_reply
    name = truncated(member.name, NAME_SHOWN)
    hint = REPLIED[ExpectationReply(reply)].format(name=name) if reply else None
    return text_input(
        line_block(member.user_id),
        name,
        LINE,
        limit=LIMIT,
        value=member.expectation,
        placeholder=EXAMPLE if member is first else None,
        hint=hint,
        optional=True,
    )
