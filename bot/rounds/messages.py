"""Messages to members and leads about a round. Pure.

A message holds no input and shows which questions a person answered, never how: companies can
export messages. The five buttons under a question are the same for everybody.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.checks.messages import BUTTONS, LABELS, OPTIONAL, WORDS_SHOWN
from bot.checks.messages import question as check_question
from bot.checks.model import CHECK_KEY
from bot.checks.model import LEVELS as CHECK_LEVELS
from bot.dates import day
from bot.phases.expectation import expectation_blocks
from bot.phases.rules import PhaseKind
from bot.phases.wording import names_as_subject, one_line
from bot.promises.messages import reply_parts
from bot.rounds.answer_changes import NOTHING_YET, Progress
from bot.rounds.model import QuestionnaireView, RoundEnd
from bot.rounds.questions import Question
from bot.rounds.rules import RoundKind
from bot.slack.content import Content, actions, button, content, context, section
from bot.slack.mrkdwn import channel, date_token, link_to, quotation, quote_within
from bot.slack.words import cut_to_words, word_count

#: The action of a button under a question is this, the question's key and the level.
TAP = "rounds.tap."
#: `COMMENT` opens the form for what is no tap: a comment or, for a lead, who sees the answers.
SKIP, CHANGE, COMMENT = "rounds.skip", "rounds.change", "rounds.comment"
#: In a person's first questions; the button carries the channel.
DO_NOT_ASK = "rounds.do_not_ask"
LEVELS = range(1, 6)
COMMENT_LIMIT = 1_000
#: Limit of each part of a lead's reply, so that no section exceeds its 3,000 characters.
REPLY_LIMIT = 2_000
#: Limits of a question's label and its sentence, with names and escapes.
LABEL_LIMIT, SENTENCE_LIMIT = 400, 1_500
MILESTONE_LIMIT = 300
#: Words of a whole message, and of the one that also says why the person is asked.
MOST_WORDS, MOST_WORDS_AT_FIRST = 120, 160
#: Words of a lead's reply to the last results that the check does not take.
LEAST_REPLY = 12

OPENING = {
    RoundKind.FIRST: "Three quick questions about the start in {channel}.",
    RoundKind.WEEKLY: "Three quick questions about {channel}.",
    RoundKind.CLOSING: "Three last questions about {channel} before it ends.",
    RoundKind.AFTER: "Three quick questions about {channel}, now that it's over.",
    RoundKind.POLL: "Three quick questions about {channel} as it is now.",
}
LEAD_OPENING = "Your own view of {channel}: the same three questions, about you."
HEADING = "*Over the last week in {channel}:*\n1 not at all · 5 fully"
INTRODUCTION = {
    PhaseKind.RESULTS_SPRINT: "{leads} added you to a results sprint in {channel} until {day}",
    PhaseKind.TRUST_BUILDING: (
        "{leads} added you to a trust-building phase in {channel} until {day}"
    ),
}
WITHOUT_MILESTONE, WITH_MILESTONE = "*{added}.*", "*{added}:* {milestone}"
OPEN_UNTIL = "Open until {until}."
PRIVACY_ONE = "{leads} sees totals only, from {minimum} answers on. {link} {export}"
PRIVACY_MANY = "{leads} see totals only, from {minimum} answers on. {link} {export}"
WHO_COULD_LINK = (
    "Until closing, whoever runs this server could link answers to you; then they're deleted."
)
WHAT_EXPORTS_SHOW = "Company exports show that you answered, never what."
LEAD_PRIVACY = (
    "Your answers are kept under your name. The leads of this phase see them beside the team's "
    "totals; the team sees them only if you share them."
)
LAST_RESULTS = "Read the last results"
LEAD_PRIVACY_SHARED = (
    "Your answers are kept under your name. The leads of this phase see them beside the team's "
    "totals, and so does the team unless you turn that off."
)
ANSWERED = "{label} ✓"
COMMENT_BUTTON, SHARE_BUTTON, CHANGE_BUTTON = "Comment", "Who Sees It", "Change"
SKIP_BUTTON, ANSWER_BUTTON, DO_NOT_ASK_BUTTON = "Skip This Week", "Answer", "Don't Ask Me Here"

RECEIVED = "Thanks, that's it. You can change your answers until the questions close."
RECEIVED_UNTIL = "Thanks, that's it for {channel}. You can change your answers until {until}."
NOTHING_CHOSEN = (
    "No answer is chosen, so nothing was sent. Choose at least one, or close this and press *Skip "
    "This Week*."
)
SKIPPED = "Skipped. There will be no reminder."
SKIPPED_UNTIL = (
    "Skipped for {channel}. There will be no reminder. You can still answer until {until}."
)
REMINDER = "Still open: three questions about {channel}."
ONLY_REMINDER = "*Still open.* The only reminder."
CLOSED = "The questions about {channel} are closed."
CLOSED_ENOUGH = "Individual answers are deleted. The channel gets the totals in one working day."
CLOSED_FEW = (
    "Not enough answers to keep everyone anonymous, so nothing is shown and nothing was kept."
)
CLOSED_UNREADABLE = (
    "The answers couldn't be counted, because the key that protected them is missing on the bot's "
    "server. They are deleted."
)
CLOSED_LEAD = "Your own answers are kept for the leads of this phase."
TALKING_POINTS = "Three questions to talk about together this week."
TALKING_POINTS_WHY = (
    "This team is too small for anonymous answers, so nobody is asked in private and nothing is "
    "stored. Ten minutes together are enough."
)
TALKING_POINTS_SIMILAR = (
    "Another phase with the same lead has the same team except for one person, and comparing the "
    "two would show what that person answered. So nobody is asked in private, and nothing is "
    "stored."
)


# Most people in a round get the same message, many of them in the same minute.
@lru_cache(maxsize=512)
def questions_message(
    asking: QuestionnaireView, progress: Progress = NOTHING_YET, *, is_reminder: bool = False
) -> Content:
    """Return the weekly message, or the reminder, as it is after these answers."""
    if is_reminder:  # the weekly message says the rest
        asking = replace(asking, reply=None, results_link=None, introduction=None, expectation=None)
    expectation, last = _expectation(asking), _last_buttons(asking)
    if is_done(asking, progress):
        text, blocks = _receipt(asking, progress)
        return content(text, *expectation, *blocks, *last)
    opening = LEAD_OPENING if asking.to_lead else OPENING[asking.kind]
    before: list[Block] = []
    if asking.results_link:
        before.append(section(link_to(asking.results_link, LAST_RESULTS)))
    if is_reminder:
        opening = REMINDER
        before.append(section(ONLY_REMINDER))
    before += [*expectation, *_three_questions(asking, progress)]
    after = [
        context(f"{open_until(asking)} {small_print(asking)}"),
        answer_buttons(asking, progress),
        *last,
    ]
    most = MOST_WORDS_AT_FIRST if asking.introduction else MOST_WORDS
    words = word_count([*_introduction(asking, 0), *before, *after])
    check = _check_within(asking, progress, most - words)
    blocks = [*before, *check, *after]
    blocks = [*_reply(asking, most - word_count(blocks)), *blocks]
    blocks = [*_introduction(asking, most - word_count(blocks)), *blocks]
    return content(opening.format(channel=channel(asking.channel_id)), *blocks)


#: Refusals, and other replies to who pressed or typed.
NOT_OPEN = (
    "These questions are closed, so nothing was saved. The next ones come as a message from "
    "Imbalance."
)
NOT_ASKED = (
    "You weren't asked this time, so nothing was saved. If that's wrong, tell whoever leads the "
    "phase."
)
OTHER_RECIPIENT = (
    "This message was sent to somebody else, so nothing was saved. Answer in your own message from "
    "Imbalance."
)
LEFT_TEAM = (
    "You've left this phase's team since the questions went out, so nothing was saved. If that's "
    "wrong, tell whoever leads the phase."
)
OUTSIDER = (
    "Only full members of this workspace are asked, and your account is now a guest's or belongs "
    "to another organization. Nothing was saved."
)
KEY_MISSING = (
    "The key that protects these answers is missing on the bot's server, so nothing was saved. "
    "Tell whoever runs the bot, or wait for the next questions, which will have a new key."
)
POLL_AFTER_END = "The phase has ended, so no questions were sent."
POLL_TOO_SOON = "The last questions went out {last}. You can ask again from {free}."
POLL_WHILE_PAUSED = (
    "This phase is paused because I can't post in its channel, so no questions were sent. "
    "`/imbalance status` says why. Once I can post there again, the phase carries on by itself."
)
POLL_SENT = (
    "{asked} people are asked, each between 08:00 and 20:00 on a working day. "
    "The questions are open until {until}."
)
POLL_TEAM_TOO_SMALL = (
    "This team is too small for anonymous answers. The questions come to the channel instead, to "
    "talk about together."
)
POLL_TEAMS_TOO_SIMILAR = (
    "Another phase with the same lead has the same team except for one person, and comparing the "
    "two would show what that person answered. The questions come to the channel instead, to talk "
    "about together."
)
POLL_POSTED_TODAY = (
    "Today's questions are already in the channel, to talk about together, so no more were sent."
)


def is_done(asking: QuestionnaireView, progress: Progress) -> bool:
    """Return whether the person answered all questions, or skipped the rest."""
    is_complete = all(question.key in progress.answered for question in asking.questions)
    return progress.is_skipped or is_complete


def question_blocks(
    asking: QuestionnaireView, progress: Progress, *, tap: str = TAP
) -> list[Block]:
    """Return the questions and the check, folded where answered.

    `tap` begins the ids of their actions.
    """
    return [*_three_questions(asking, progress, tap), *_check(asking, progress, tap)]


def _three_questions(asking: QuestionnaireView, progress: Progress, tap: str = TAP) -> list[Block]:
    blocks: list[Block] = [section(HEADING.format(channel=channel(asking.channel_id)))]
    for question in asking.questions:
        if question.key in progress.answered:
            blocks.append(section(_answered(question.label)))
        else:
            sentence = question.to_lead if asking.to_lead else question.to_member
            blocks += [
                section(quote_within(sentence, SENTENCE_LIMIT)),
                _level_buttons(asking.round_id, question.key, tap),
            ]
    return blocks


def _check(
    asking: QuestionnaireView, progress: Progress, tap: str = TAP, *, words: int = WORDS_SHOWN
) -> list[Block]:
    """Return the check, folded where answered; nothing where the round asks none.

    What people wrote is cut to this many words.
    """
    if asking.check is None:
        return []
    if CHECK_KEY in progress.answered:
        return [section(_answered(LABELS[asking.check.kind]))]
    question = check_question(asking.check, words=words)
    buttons = [
        button(BUTTONS[answer], f"{tap}{CHECK_KEY}.{level or 0}", asking.round_id)
        for answer, level in CHECK_LEVELS.items()
    ]
    block = actions(*buttons, block_id=block_id(asking.round_id, CHECK_KEY))
    return [section(OPTIONAL.format(question=question)), block]


def _check_within(asking: QuestionnaireView, progress: Progress, most_words: int) -> list[Block]:
    """Return the check with at most so many words; nothing where it does not fit even if cut.

    Then it follows once questions are folded, and is in the form and in App Home. The lead's reply
    comes first: it has `LEAST_REPLY` of the words, and half of those that what the check asks about
    could take.
    """
    remaining = most_words - word_count(_check(asking, progress, words=0))
    by_reply = word_count(_reply(asking, most_words))
    if remaining < min(by_reply, LEAST_REPLY):
        return []
    return _check(asking, progress, words=max(remaining - by_reply, remaining // 2))


def open_check(asking: QuestionnaireView, progress: Progress, *, tap: str = TAP) -> list[Block]:
    """Return the check for a person who is done, unless they answered it or skipped the rest."""
    is_over = CHECK_KEY in progress.answered or progress.is_skipped
    return [] if is_over else _check(asking, progress, tap)


def answer_buttons(
    asking: QuestionnaireView, progress: Progress, *, skip: str = SKIP, change: str = CHANGE
) -> ActionsBlock:
    """Return the buttons under the questions, the same for all who answered as many."""
    round_id = asking.round_id
    buttons = [_add_button(asking)]
    if progress.answered:
        buttons.append(button(CHANGE_BUTTON, change, round_id))
    return actions(*buttons, button(SKIP_BUTTON, skip, round_id))


def block_id(round_id: str, name: str) -> str:
    """Return a block's id, with its round so that no value carries over to the next week."""
    return f"answer:{round_id}:{name}"


def small_print(asking: QuestionnaireView) -> str:
    """Return the note on who sees what and when, shown wherever answers are given."""
    if asking.to_lead:
        return LEAD_PRIVACY_SHARED if asking.is_shared_by_default else LEAD_PRIVACY
    return (PRIVACY_ONE if len(asking.leads) == 1 else PRIVACY_MANY).format(
        leads=names_as_subject(asking.leads, begins=True),
        minimum=asking.minimum,
        link=WHO_COULD_LINK,
        export=WHAT_EXPORTS_SHOW,
    )


def closed(end: RoundEnd, *, to_lead: bool) -> Content:
    """Return the message for everyone asked, alike whether they answered or not."""
    first = CLOSED.format(channel=channel(end.channel_id))
    if to_lead:
        ended = CLOSED_LEAD
    elif end.reached_minimum:
        ended = CLOSED_ENOUGH
    else:
        ended = CLOSED_UNREADABLE if end.is_unreadable else CLOSED_FEW
    return content(first, section(f"{first}\n{ended}"))


def talking_points(questions: Sequence[Question], *, is_too_similar: bool = False) -> Content:
    """Return the channel's message for a team that cannot be asked without names, and why.

    It is too small or, with `is_too_similar`, nearly that of another phase.
    """
    asked = [question_text(question, to_lead=False) for question in questions]
    why = TALKING_POINTS_SIMILAR if is_too_similar else TALKING_POINTS_WHY
    return content(TALKING_POINTS, section(f"*{TALKING_POINTS}*"), *asked, context(why))


def question_text(question: Question, *, to_lead: bool) -> Block:
    """Return a question with its label, for the form and for talking about it together."""
    sentence = question.to_lead if to_lead else question.to_member
    label = quote_within(question.label, LABEL_LIMIT)
    return section(f"*{label}*\n{quote_within(sentence, SENTENCE_LIMIT)}")


def _level_buttons(round_id: str, key: str, tap: str) -> Block:
    levels = [button(str(level), f"{tap}{key}.{level}", round_id) for level in LEVELS]
    return actions(*levels, block_id=block_id(round_id, key))


def _add_button(asking: QuestionnaireView) -> ButtonElement:
    text = SHARE_BUTTON if asking.to_lead else COMMENT_BUTTON
    return button(text, COMMENT, asking.round_id)


def _receipt(asking: QuestionnaireView, progress: Progress) -> tuple[str, list[Block]]:
    """Return the message of a person who is done: they answered all, or skipped the rest."""
    place = {"channel": channel(asking.channel_id), "until": date_token(asking.closes_at)}
    answered = [
        _answered(question.label)
        for question in asking.questions
        if question.key in progress.answered
    ]
    if not answered:
        answer = actions(button(ANSWER_BUTTON, CHANGE, asking.round_id))
        return SKIPPED, [section(SKIPPED_UNTIL.format(**place)), answer]
    if asking.check and CHECK_KEY in progress.answered:
        answered.append(_answered(LABELS[asking.check.kind]))
    return RECEIVED, [
        section(RECEIVED_UNTIL.format(**place)),
        context(" · ".join(answered)),
        *open_check(asking, progress),
        actions(_add_button(asking), button(CHANGE_BUTTON, CHANGE, asking.round_id)),
    ]


def _answered(label: str) -> str:
    return ANSWERED.format(label=quote_within(label, LABEL_LIMIT))


def open_until(asking: QuestionnaireView) -> str:
    """Return until when the questions are open."""
    return OPEN_UNTIL.format(until=date_token(asking.closes_at))


def _expectation(asking: QuestionnaireView) -> list[Block]:
    if not asking.expectation:
        return []
    return expectation_blocks(
        asking.leads, asking.expectation, asking.phase_id, has_replied=asking.has_replied
    )


def _last_buttons(asking: QuestionnaireView) -> list[Block]:
    if asking.introduction is None:
        return []
    return [actions(button(DO_NOT_ASK_BUTTON, DO_NOT_ASK, asking.channel_id))]


def _reply(asking: QuestionnaireView, most_words: int) -> list[Block]:
    """Return a lead's reply to the last results; a person's first questions have other news.

    Where words are few, the change has them before what was heard.
    """
    if asking.reply is None or asking.introduction:
        return []
    blocks: list[Block] = []
    for heading, text in reversed(reply_parts(asking.reply_by, asking.reply)):
        shown = cut_to_words(text, most_words - word_count([section(heading), *blocks]))
        if shown:
            blocks.insert(0, section(f"{heading}\n{quotation(shown, REPLY_LIMIT)}"))
    return blocks


def _introduction(asking: QuestionnaireView, most_words: int) -> list[Block]:
    if asking.introduction is None:
        return []
    added = INTRODUCTION[asking.phase_kind].format(
        leads=names_as_subject(asking.leads[:1], begins=True),
        channel=channel(asking.channel_id),
        day=day(asking.introduction.ends_on),
    )
    milestone = one_line(asking.introduction.milestone)
    milestone = cut_to_words(milestone, most_words - word_count([section(added)]))
    if not milestone:
        return [section(WITHOUT_MILESTONE.format(added=added))]
    milestone = quote_within(milestone, MILESTONE_LIMIT)
    return [section(WITH_MILESTONE.format(added=added, milestone=milestone))]
