"""Messages to members and leads about a round. Pure.

The three questions are inputs: a choice stays in the person's own client until they press Send.
No answer is ever put into a message.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from slack_sdk.models.blocks import (
    Block,
    CheckboxesElement,
    InputBlock,
    Option,
    RadioButtonsElement,
)

from bot.rounds.model import QuestionnaireView
from bot.rounds.questions import Question
from bot.rounds.rules import RoundKind
from bot.slack.content import Content, actions, button, content, context, divider, plain, section
from bot.slack.inputs import text_input
from bot.slack.mrkdwn import (
    channel,
    date_token,
    join_names,
    link_to,
    quotation,
    quote_within,
    truncated,
)

SEND, SKIP, CHANGE = "rounds.send", "rounds.skip", "rounds.change"
LEVEL, COMMENT, SHARE = "rounds.level", "rounds.comment", "rounds.share"
COMMENT_LIMIT = 1_000
#: Limits of names and of the lead's note, so that no section exceeds its 3,000 characters.
NAMES_LIMIT, LEADS_LIMIT, NOTE_LIMIT = 1_000, 600, 2_000
#: Limits of a question's label and its sentence, with names and escapes.
LABEL_LIMIT, SENTENCE_LIMIT = 400, 1_500

OPENING = {
    RoundKind.FIRST: "Three questions about the start in {channel}, under a minute.",
    RoundKind.WEEKLY: "Three questions about this week in {channel}, about 20 seconds.",
    RoundKind.CLOSING: "Three last questions before it ends in {channel}, about 20 seconds.",
    RoundKind.AFTER: "Three questions about {channel} since the phase ended, 20 seconds.",
    RoundKind.POLL: "Three questions about {channel} as it is now, about 20 seconds.",
}
LEAD_OPENING = "Your own view of {channel}: the same three questions, about you."
WHEN_AND_WHO = "Open until {until}. {asked}: {names}. Leave one blank if you can't say."
LEAD_WHEN = "Open until {until}. Leave one blank if you can't say."
LEAD_WHO = (
    "Kept under your name. The leads of this phase see it beside the team's totals; nobody else "
    "does unless you tick the box."
)
NOTE = "*What {leads} heard last time, and what changes*"
LAST_RESULTS = "Read the last results"
YOUR_ANSWER = "Your answer"
ADD = "Anything to add?"
COMMENTS_TO_LEADS = "{leads} {read} this without your name. Your style may give you away."
COMMENTS_TO_TEAM = "The team reads this without your name. Your style may give you away."
PRIVACY = (
    "{leads} {see} totals only, from {minimum} answers on. Until the questions close, whoever "
    "runs the bot's server could link answers to people; then individual answers are deleted. "
    "Nobody is shown who answered."
)
SHARE_LABEL = "Beside the team's totals"
SHARE_TEXT = "Show my answers beside yours"
SHARE_WHO = "The whole team then sees them with the results."

RECEIVED = "Received. You can change your answers until the questions close."
RECEIVED_UNTIL = "Received. You can change your answers about {channel} until {until}."
SKIPPED = "Skipped. There will be no reminder."
SKIPPED_UNTIL = "Skipped in {channel}. No reminder comes. You can still answer until {until}."
REMINDER = "The three questions about {channel} are still open, about 20 seconds."
REMINDER_UNTIL = "They close {until}. This is the only reminder."
CLOSED = "The questions about {channel} are closed."
CLOSED_ENOUGH = "Individual answers are deleted. The totals come to the channel in a working day."
CLOSED_FEW = (
    "Too few answered to show the totals without showing someone. Nothing was kept of the answers."
)
CLOSED_UNREADABLE = (
    "The answers could not be counted: the key that protected them is missing on the bot's "
    "server. They are deleted."
)
CLOSED_LEAD = "Your own answers are kept for the leads of this phase."
TALKING_POINTS = "Three questions to talk about together this week."
TALKING_POINTS_WHY = (
    "This team is too small for answers without names, so nobody is asked alone and nothing is "
    "stored. Ten minutes together do more."
)
TALKING_POINTS_SIMILAR = (
    "Nobody is asked alone and nothing is stored: another phase with the same lead has the same "
    "team but for one person, whose answers could be worked out from the two."
)


# Everyone in a round gets the same message, most of them in the same minute.
@lru_cache(maxsize=128)
def questions_message(asking: QuestionnaireView) -> Content:
    """Return the weekly message to a member, or its counterpart for a lead."""
    words = LEAD_OPENING if asking.to_lead else OPENING[asking.kind]
    first = words.format(channel=channel(asking.channel_id))
    blocks: list[Block] = [section(f"*{first}*\n{_when_and_who(asking)}")]
    if asking.results_link:
        blocks.insert(0, section(link_to(asking.results_link, LAST_RESULTS)))
    if asking.note:
        heading = NOTE.format(leads=quote_within(join_names(asking.leads), LEADS_LIMIT))
        blocks.append(section(f"{heading}\n{quotation(asking.note, NOTE_LIMIT)}"))
    blocks += [divider(), *answer_blocks(asking), context(small_print(asking))]
    blocks.append(
        actions(
            button("Send", SEND, asking.round_id, style="primary"),
            button("Skip this week", SKIP, asking.round_id),
        )
    )
    return content(first, *blocks)


def with_expectation(asking: Content, expectation: Sequence[Block]) -> Content:
    """Return the questions with what the leads count on the person for, after the first lines."""
    if not expectation:
        return asking
    first, *others = asking.blocks
    return content(asking.text, first, *expectation, *others)


def answer_blocks(asking: QuestionnaireView) -> list[Block]:
    """Return the questions as inputs and the comment or lead's box, for message and App Home."""
    blocks: list[Block] = []
    for question in asking.questions:
        blocks.append(question_text(question, to_lead=asking.to_lead))
        blocks.append(level_input(question, asking.round_id))
    blocks.append(share_input(asking) if asking.to_lead else comment_input(asking))
    return blocks


def block_id(round_id: str, name: str) -> str:
    """Return an input's block id, with its round so that no value carries over to the next week."""
    return f"answer:{round_id}:{name}"


def question_text(question: Question, *, to_lead: bool) -> Block:
    sentence = question.to_lead if to_lead else question.to_member
    label = quote_within(question.label, LABEL_LIMIT)
    return section(f"*{label}*\n{quote_within(sentence, SENTENCE_LIMIT)}")


def levels(question: Question) -> list[Option]:
    """Return the options 1 to 5, with a word at 1, 3 and 5."""
    words = dict(zip((1, 3, 5), question.scale_labels, strict=True))
    texts = [f"{level} · {words[level]}" if level in words else f"{level}" for level in range(1, 6)]
    return [
        Option(value=str(level), text=plain(truncated(text, 75)))
        for level, text in enumerate(texts, start=1)
    ]


def level_input(question: Question, round_id: str) -> Block:
    return InputBlock(
        block_id=block_id(round_id, question.key),
        label=plain(YOUR_ANSWER),
        element=RadioButtonsElement(action_id=LEVEL, options=levels(question)),
        optional=True,
    )


def comment_input(asking: QuestionnaireView, typed: str = "") -> Block:
    to_team = asking.comments_to == "team"
    words = COMMENTS_TO_TEAM if to_team else COMMENTS_TO_LEADS
    is_single = len(asking.leads) == 1
    leads = truncated(join_names(asking.leads), LEADS_LIMIT)
    return text_input(
        block_id(asking.round_id, "comment"),
        ADD,
        COMMENT,
        limit=COMMENT_LIMIT,
        value=typed,
        hint=words.format(leads=leads, read="reads" if is_single else "read"),
        multiline=True,
        optional=True,
    )


def share_input(asking: QuestionnaireView, *, ticked: bool = False) -> Block:
    box = Option(value="yes", text=plain(SHARE_TEXT), description=plain(SHARE_WHO))
    return InputBlock(
        block_id=block_id(asking.round_id, "share"),
        label=plain(SHARE_LABEL),
        element=CheckboxesElement(
            action_id=SHARE, options=[box], initial_options=[box] if ticked else None
        ),
        optional=True,
    )


def small_print(asking: QuestionnaireView) -> str:
    """Return the note on who sees what and when, shown wherever answers are typed."""
    if asking.to_lead:
        return LEAD_WHO
    return PRIVACY.format(
        leads=quote_within(join_names(asking.leads), LEADS_LIMIT),
        see="sees" if len(asking.leads) == 1 else "see",
        minimum=asking.minimum,
    )


@lru_cache(maxsize=512)
def receipt(round_id: str, channel_id: str, closes_at: datetime) -> Content:
    """Return the receipt. It says that something was sent, never what."""
    until = RECEIVED_UNTIL.format(channel=channel(channel_id), until=date_token(closes_at))
    change = button("Change", CHANGE, round_id)
    return content(RECEIVED, section(until), actions(change))


@lru_cache(maxsize=512)
def skipped(round_id: str, channel_id: str, closes_at: datetime) -> Content:
    until = SKIPPED_UNTIL.format(channel=channel(channel_id), until=date_token(closes_at))
    return content(SKIPPED, section(until), actions(button("Answer", CHANGE, round_id)))


def reminder(round_id: str, channel_id: str, closes_at: datetime) -> Content:
    first = REMINDER.format(channel=channel(channel_id))
    until = REMINDER_UNTIL.format(until=date_token(closes_at))
    return content(
        first,
        section(f"{first}\n{until}"),
        actions(button("Answer", CHANGE, round_id, style="primary")),
    )


def closed(channel_id: str, ended: str) -> Content:
    """Return the message for everyone asked, alike whether they answered or not."""
    first = CLOSED.format(channel=channel(channel_id))
    return content(first, section(f"{first}\n{ended}"))


def talking_points(questions: Sequence[Question], *, is_too_similar: bool = False) -> Content:
    """Return the channel's message for a team that cannot be asked without names, and why.

    It is too small or, with `is_too_similar`, nearly that of another phase.
    """
    asked = [question_text(question, to_lead=False) for question in questions]
    why = TALKING_POINTS_SIMILAR if is_too_similar else TALKING_POINTS_WHY
    return content(TALKING_POINTS, section(f"*{TALKING_POINTS}*"), *asked, context(why))


def _when_and_who(asking: QuestionnaireView) -> str:
    until = date_token(asking.closes_at)
    if asking.to_lead:
        return LEAD_WHEN.format(until=until)
    people = "person is" if asking.asked == 1 else "people are"
    names = quote_within(_member_names(asking), NAMES_LIMIT)
    return WHEN_AND_WHO.format(until=until, asked=f"{asking.asked} {people} asked", names=names)


def _member_names(asking: QuestionnaireView) -> str:
    more = asking.asked - len(asking.members)
    return join_names([*asking.members, f"{more} more"] if more > 0 else asking.members)
