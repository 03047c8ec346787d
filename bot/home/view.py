"""App Home: open questions and the phases in one's channels; on a first visit, examples."""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.home import held_messages, phase_section, welcome
from bot.home.model import HomeContents
from bot.home.privacy_section import privacy_blocks
from bot.rounds import messages
from bot.rounds.model import OpenQuestionnaire
from bot.slack.content import button, context, divider, header, section
from bot.slack.mrkdwn import channel, date_token

TAP, SKIP = "home.tap.", "home.skip"
CHANGE, FORM = "home.change", "home.form"
HOME = "home"
#: Questions that can be answered in place, as Slack accepts 100 blocks; the others are buttons.
INLINE = 3
#: Keeps the whole tab within 100 blocks.
QUESTION_BLOCKS = 40

QUESTIONS, NO_QUESTIONS = (
    "Your open questions",
    ("None right now. The next ones come as a message from me."),
)
ANSWERED = "*{channel}* Thanks, that's it. You can change your answers until {until}."
MORE_QUESTIONS = "There are more. You have a message from me for each of them."
MORE = "*{channel}* Three questions are open until {until}."
NOT_ASKED_ANY_MORE = (
    "You won't be asked in {channel} any more. This week's questions stay open until they close. "
    "To be asked again, open my Home tab."
)
HELP = "`/imbalance help` in any channel lists what I can do."


def build(facts: HomeContents) -> View:
    """Build the whole tab."""
    if facts.questions or facts.phases:
        blocks: list[Block] = [header(QUESTIONS), *_questions(facts.questions), divider()]
        blocks += phase_section.blocks(facts.phases, may_start=facts.may_start)
    else:
        blocks = welcome.blocks(facts.today, may_start=facts.may_start)
    if facts.held:
        blocks += [divider(), *held_messages.blocks(facts.held, facts.held_count)]
    blocks += [divider(), *privacy_blocks(), context(HELP)]
    return View(type="home", callback_id=HOME, blocks=blocks)


def error_view(text: str) -> View:
    """Build a tab that says why the usual one cannot be shown."""
    return View(type="home", callback_id=HOME, blocks=[section(text), context(HELP)])


def _questions(questions: Sequence[OpenQuestionnaire]) -> list[Block]:
    if not questions:
        return [section(NO_QUESTIONS)]
    unanswered = [question for question in questions if not is_done(question)]
    blocks = [block for question in unanswered[:INLINE] for block in _inline(question)]
    for question in unanswered[INLINE:]:
        blocks += _as_button(question, MORE, "Answer")
    for question in questions:
        if is_done(question):
            blocks += _as_button(question, ANSWERED, "Change")
            blocks += messages.open_check(question.questionnaire, question.progress, tap=TAP)
    more = len(blocks) - QUESTION_BLOCKS
    return [*blocks[:QUESTION_BLOCKS], context(MORE_QUESTIONS)] if more > 0 else blocks


def is_done(question: OpenQuestionnaire) -> bool:
    """Return whether the person answered all of it, or skipped the rest."""
    return messages.is_done(question.questionnaire, question.progress)


def _inline(question: OpenQuestionnaire) -> list[Block]:
    asking, progress = question.questionnaire, question.progress
    return [
        *messages.question_blocks(asking, progress, tap=TAP),
        context(f"{messages.open_until(asking)} {messages.small_print(asking)}"),
        messages.answer_buttons(asking, progress, skip=SKIP, change=CHANGE),
    ]


def _as_button(question: OpenQuestionnaire, template: str, label: str) -> list[Block]:
    text = _filled(template, question)
    return [section(text, accessory=button(label, CHANGE, question.questionnaire.round_id))]


def _filled(template: str, question: OpenQuestionnaire) -> str:
    asking = question.questionnaire
    return template.format(channel=channel(asking.channel_id), until=date_token(asking.closes_at))
