"""The start form, page 3 of 3, "Preview": what the team will see; and the confirmation after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.announcement import messages
from bot.dates import day
from bot.phases.model import Phase
from bot.phases.wording import WEEKDAYS, lead_names, title
from bot.rounds.messages import PRIVACY, question_text
from bot.rounds.questions import Question
from bot.slack.content import MAX_SECTION_LENGTH, actions, button, context, divider, plain, section
from bot.slack.mrkdwn import channel, truncated
from bot.start.page_promise import BACK

PAGE = "phase.start.preview"
TITLE, DONE_TITLE = "Preview", "Announced"
IN_CHANNEL = "*What {channel} will see*, with a pin and a bookmark if there is room:"
BUTTONS = "With the buttons *My part*, *Raise a concern* and *Details*."
IN_MESSAGE = "*What each of {people} people gets* {weekdays} at {time} their time, first {first}:"
AS_TALK = "*What {channel} gets* {weekdays}, to talk about together; nothing is stored:"
ASKED = "Three questions about this week in {channel}, about 20 seconds."
ENDS = ("1 · {}", "3 · {}", "5 · {}")
THEN = "With a comment if they want, *Send* and *Skip this week*."
NOTHING_YET = "Nothing is posted before you press *Announce*."
DONE = (
    "*{title}*\nThe announcement is on its way to {channel}. I pin and bookmark it there if there "
    "is room."
)
DONE_QUESTIONS = "The first questions go out {first}, then {weekdays}."
DONE_NEXT = (
    "Two working days before the end I ask you whether to end or to extend. Before that: "
    "`/imbalance status`, `/imbalance extend`, `/imbalance end`."
)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The phase and messages to preview, with what the lead should know first."""

    draft_id: str
    phase: Phase  # as it will be
    today: date
    first_on: date  # when the first questions come
    questions: Sequence[Question]  # as members will read them
    warnings: tuple[str, ...]
    refusal: str | None = None  # why *Announce* did not work


def build(preview: Preview) -> View:
    """Return the announcement and the weekly message, without anything to press in them."""
    phase = preview.phase
    announced = messages.announcement(phase, preview.today).blocks[:-1]
    blocks: list[Block] = []
    if preview.refusal:
        blocks.append(section(f"*{truncated(preview.refusal, MAX_SECTION_LENGTH - 2)}*"))
    blocks += [section(warning) for warning in preview.warnings]
    blocks += [section(IN_CHANNEL.format(channel=channel(phase.channel_id)))]
    blocks += [section(block["text"]["text"]) for block in announced]
    blocks += [context(BUTTONS), divider(), *_weekly(preview), context(NOTHING_YET)]
    blocks.append(actions(button("Back", BACK), block_id="start.preview.buttons"))
    return View(
        type="modal",
        callback_id=PAGE,
        private_metadata=preview.draft_id,
        title=plain(TITLE),
        submit=plain("Announce"),
        close=plain("Cancel"),
        blocks=blocks,
    )


def done(phase: Phase, first_on: date) -> View:
    """Return the confirmation in the form."""
    channel_link = channel(phase.channel_id)
    weekdays = WEEKDAYS[phase.weekday]
    return View(
        type="modal",
        title=plain(DONE_TITLE),
        close=plain("Close"),
        blocks=[
            section(DONE.format(title=title(phase, 300), channel=channel_link)),
            section(DONE_QUESTIONS.format(first=day(first_on), weekdays=weekdays)),
            context(DONE_NEXT),
        ],
    )


def _weekly(preview: Preview) -> list[Block]:
    channel_link = channel(preview.phase.channel_id)
    weekdays = WEEKDAYS[preview.phase.weekday]
    asked = len(preview.phase.roster)
    if preview.phase.minimum_answers is None:
        start = section(AS_TALK.format(channel=channel_link, weekdays=weekdays))
        return [start, *_questions(preview.questions)]
    start = section(
        IN_MESSAGE.format(
            people=asked,
            weekdays=weekdays,
            time=f"{preview.phase.time_of_day:%H:%M}",
            first=day(preview.first_on),
        )
    )
    leads = lead_names(preview.phase)
    see = "sees" if len(preview.phase.leads) == 1 else "see"
    privacy = PRIVACY.format(leads=leads, see=see, minimum=preview.phase.minimum_answers)
    return [
        start,
        section(ASKED.format(channel=channel_link)),
        *_questions(preview.questions),
        context(THEN),
        context(privacy),
    ]


def _questions(questions: Sequence[Question]) -> list[Block]:
    blocks: list[Block] = []
    for question in questions:
        ends = [text.format(end) for text, end in zip(ENDS, question.scale_labels, strict=True)]
        blocks += [question_text(question, to_lead=False), context(*ends)]
    return blocks
