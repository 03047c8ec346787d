"""App Home: a person's open questions, the phases in their channels, and anonymity explained."""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.announcement.messages import DETAILS
from bot.ending.messages import EXTEND, WRAP_UP
from bot.history.history_page import HISTORY
from bot.home import held_messages
from bot.home.model import HomeContents, PhaseSummary
from bot.rounds.messages import CHANGE, answer_blocks, small_print
from bot.rounds.model import OpenQuestionnaire
from bot.slack.content import actions, button, context, divider, header, section
from bot.slack.mrkdwn import channel, date_token

SEND, SKIP = "home.send", "home.skip"
OPT_OUT, OPT_IN = "home.opt_out", "home.opt_in"
HOME = "home"
#: Questions that can be answered in place, as Slack accepts 100 blocks; the others are buttons.
INLINE = 3
#: Limits that keep the whole tab within 100 blocks.
QUESTION_BLOCKS, PHASES_SHOWN = 40, 20

QUESTIONS, NO_QUESTIONS = "Your open questions", "None. The next ones come as a message from me."
ABOUT = "*Three questions about {channel}*\nOpen until {until}."
ABOUT_YOU = "*Three questions about {channel}, about you as its lead*\nOpen until {until}."
ANSWERED = "*{channel}* Noted. You can still change that until {until}."
MORE_QUESTIONS = "There are more. Each of them came to you as a message."
MORE_PHASES = "And {count} more. `/imbalance` in a channel shows how its phase stands."
MORE = "*{channel}* Three questions are open until {until}."
PHASES, NO_PHASES = (
    "Phases in your channels",
    "None runs now. `/imbalance start` in a channel begins one; nothing is said before you "
    "announce it.",
)
OPTED_OUT = "You are not asked in {channel}."
OVER = "It is over. The team is asked once or twice more how things are since."
ANONYMITY = "How your answers stay anonymous"
#: The promise of anonymity in DESIGN, in plain words.
PROMISE = (
    "• While questions are open, your answers are kept under a code and encrypted, so that you "
    "can change them. Whoever runs the bot's server could link them to you until then.",
    "• When questions close, totals are counted and every single answer is deleted, with the key "
    "to it. From then on nobody can link them.",
    "• Nothing is shown below 4 answers, in teams of 8 or more below 5. What is shown is rounded, "
    "so that nobody stands out.",
    "• Nobody is shown who answered. Leads see the same totals a working day before the team.",
    "• Skip only stops the reminder.",
)
REMAINS = (
    "What remains: Slack carries what you send, your style in a comment may give you away, and "
    "when everybody agrees, everybody is known. Who kept a copy of the database and of its keys "
    "from before the questions closed could still link answers."
)
HELP = "`/imbalance help` in any channel lists what I can do."


def build(facts: HomeContents) -> View:
    """Build the whole tab."""
    blocks: list[Block] = [header(QUESTIONS), *_questions(facts.questions)]
    blocks += [divider(), header(PHASES), *_phases(facts.phases)]
    if facts.held:
        blocks += [divider(), *held_messages.blocks(facts.held, facts.held_count)]
    blocks += [divider(), header(ANONYMITY), section("\n".join(PROMISE)), context(REMAINS, HELP)]
    return View(type="home", callback_id=HOME, blocks=blocks)


def error_view(text: str) -> View:
    """Build a tab that says why the usual one cannot be shown."""
    return View(type="home", callback_id=HOME, blocks=[section(text), context(HELP)])


def _questions(questions: Sequence[OpenQuestionnaire]) -> list[Block]:
    if not questions:
        return [section(NO_QUESTIONS)]
    unanswered = [question for question in questions if not question.is_answered]
    blocks = [block for question in unanswered[:INLINE] for block in _inline(question)]
    for question in unanswered[INLINE:]:
        blocks += _as_button(question, MORE, "Answer")
    for question in questions:
        if question.is_answered:
            blocks += _as_button(question, ANSWERED, "Change")
    more = len(blocks) - QUESTION_BLOCKS
    return [*blocks[:QUESTION_BLOCKS], context(MORE_QUESTIONS)] if more > 0 else blocks


def _inline(question: OpenQuestionnaire) -> list[Block]:
    asking = question.questionnaire
    template = ABOUT_YOU if asking.to_lead else ABOUT
    return [
        section(_filled(template, question)),
        *answer_blocks(asking),
        context(small_print(asking)),
        actions(
            button("Send", SEND, asking.round_id, style="primary"),
            button("Skip this week", SKIP, asking.round_id),
        ),
    ]


def _as_button(question: OpenQuestionnaire, template: str, label: str) -> list[Block]:
    text = _filled(template, question)
    return [section(text, accessory=button(label, CHANGE, question.questionnaire.round_id))]


def _filled(template: str, question: OpenQuestionnaire) -> str:
    asking = question.questionnaire
    return template.format(channel=channel(asking.channel_id), until=date_token(asking.closes_at))


def _phases(phases: Sequence[PhaseSummary]) -> list[Block]:
    if not phases:
        return [section(NO_PHASES)]
    blocks = [block for phase in phases[:PHASES_SHOWN] for block in _phase(phase)]
    more = len(phases) - PHASES_SHOWN
    return [*blocks, context(MORE_PHASES.format(count=more))] if more > 0 else blocks


def _phase(phase: PhaseSummary) -> list[Block]:
    channel_link = channel(phase.channel_id)
    text = f"*{phase.title}*\n{channel_link} · {OVER if phase.is_over else phase.status_line}"
    if phase.has_opted_out:
        text += f"\n{OPTED_OUT.format(channel=channel_link)}"
    buttons = [
        button("Details", DETAILS, phase.phase_id),
        button("History", HISTORY, phase.channel_id),
    ]
    if phase.is_lead and not phase.is_over:
        buttons += [
            button("Extend", EXTEND, phase.phase_id),
            button("End", WRAP_UP, phase.phase_id),
        ]
    if phase.has_opted_out:
        buttons.append(button("Ask me here again", OPT_IN, phase.channel_id))
    elif phase.is_member:
        buttons.append(button("Don't ask me here", OPT_OUT, phase.channel_id))
    return [section(text), actions(*buttons)]
