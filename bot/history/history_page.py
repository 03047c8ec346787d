"""The history of a channel as a form to read: ids, build, and the page that it shows."""

from collections.abc import Iterator

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.dates import day
from bot.history.model import HistoryPage, PageTarget, PastPhase
from bot.history.rules import LevelsOverPhase, levels_over_phase
from bot.phases.model import MilestoneOutcome, Phase
from bot.phases.rules import TrustPromise
from bot.phases.wording import EMOJI, NAMES, one_line
from bot.promises.messages import record
from bot.results.level_blocks import quoted_label
from bot.slack.content import actions, button, context, plain, section
from bot.slack.errors import Refused
from bot.slack.inputs import UNKNOWN_TEXT
from bot.slack.mrkdwn import channel, quote_within, truncated
from bot.start.wizard import START

HISTORY, OLDER, NEWER = "history.show", "history.older", "history.newer"
PICTURE = "history.picture"
FORM = "history"
FROM_CHANNEL = ":here"
#: Characters of a phase's goal and of its outcome, before and after their marks are escaped.
TEXT_SHOWN, TEXT_ROOM = 240, 480

TITLE, BUTTON = "History", "History"
HEADING = "*Phases in {channel}*, newest first"
SEND_PICTURE = "Send Me the Picture"
PICTURE_SENT = "The picture is on its way to you, as a direct message."
NONE_YET = "*No phase has run in {channel} yet.* Once one has, its dates and results are here."
NO_OLDER = "*There are no older phases in {channel}.*"
DATES = "{first} to {last}"
RUNNING = "{dates} · running now"
OUTCOME = "*Outcome:* {outcome}"
MILESTONE_OUTCOME = {
    MilestoneOutcome.HIT: "Goal hit. ",
    MilestoneOutcome.MISSED: "Goal missed. ",
    MilestoneOutcome.MOVED: "Goal moved. ",
}
NOT_WRITTEN, NOT_KEPT = "Not written down.", "No longer kept."
BOTH = "*{label}:* {start} at the start, {end} at the end"
SO_FAR = "*{label}:* {start} at the start, {end} in the latest results"
ONCE = "*{label}:* {end}"
START_LEVEL, LEVEL, TOO_FEW = "{level:g}", "{level:g} of 5", "not enough answers"
NO_LEVELS, NO_LEVELS_YET = "No levels were shown.", "No levels yet."
PROMISES = "*Promises kept:* {record}"
RECOVERY = "*Recovery:* Until {day}."
SMALL_PRINT = (
    "Only you see this page. It shows the levels that the team has read in the results, and "
    "nothing finer."
)


def build(
    page: HistoryPage, *, refusal_to_start: str | None = None, is_picture_sent: bool = False
) -> View:
    """Build the page; where no phase ever ran, with *Start a Phase* or why this person may not."""
    shown = _phases(page, is_picture_sent) if page.phases else _empty(page, refusal_to_start)
    return View(
        type="modal",
        callback_id=FORM,
        title=plain(TITLE),
        close=plain("Close"),
        private_metadata=_metadata(page),
        blocks=list(shown),
    )


def read_metadata(target: str) -> PageTarget:
    """Return the page that a form shows.

    Raises:
        Refused: this is not of a page.
    """
    rest = target.removesuffix(FROM_CHANNEL)
    channel_id, _, newer = rest.partition(":")
    # `isdecimal` alone takes digits of every script; more of them than this are no number of ours.
    if newer and not (newer.isascii() and newer.isdecimal() and len(newer) <= 6):
        raise Refused(UNKNOWN_TEXT)
    return PageTarget(channel_id=channel_id, newer=int(newer or 0), from_channel=rest != target)


def _metadata(page: HistoryPage) -> str:
    if not (page.phases or page.newer):  # *Start a Phase* takes the whole of it as its channel
        return page.channel_id
    target = f"{page.channel_id}:{page.newer}" if page.newer else page.channel_id
    return target + FROM_CHANNEL * page.from_channel


def _empty(page: HistoryPage, refusal_to_start: str | None) -> Iterator[Block]:
    template = NO_OLDER if page.newer else NONE_YET
    yield section(template.format(channel=channel(page.channel_id)))
    if page.newer:
        yield actions(button("Newer", NEWER))
    elif refusal_to_start:
        yield context(refusal_to_start)
    else:
        yield actions(button("Start a Phase", START, page.channel_id, style="primary"))


def _phases(page: HistoryPage, is_picture_sent: bool) -> Iterator[Block]:
    yield section(HEADING.format(channel=channel(page.channel_id)))
    for past in page.phases:
        yield section("\n".join(_lines(past, page)))
    if buttons := list(_buttons(page, is_picture_sent)):
        yield actions(*buttons)
    yield context(*([PICTURE_SENT] if is_picture_sent else []), SMALL_PRINT)


def _buttons(page: HistoryPage, is_picture_sent: bool) -> Iterator[object]:
    if page.has_older:
        yield button("Older", OLDER)
    if page.newer:
        yield button("Newer", NEWER)
    if page.shows_levels and not is_picture_sent:
        yield button(SEND_PICTURE, PICTURE)


def _lines(past: PastPhase, page: HistoryPage) -> Iterator[str]:
    phase = past.phase
    yield f"*{heading(phase)}*"
    dates = DATES.format(
        first=day(phase.starts_on, page.today), last=day(phase.ended_on, page.today)
    )
    yield RUNNING.format(dates=dates) if phase.is_active else dates
    if not phase.is_active:
        yield OUTCOME.format(outcome=_outcome(phase))
    levels = levels_over_phase(past.rounds)
    for level in levels:
        yield _level_line(phase, level)
    if not levels:
        yield NO_LEVELS_YET if phase.is_active else NO_LEVELS
    if kept := record(past.promises):
        yield PROMISES.format(record=kept)
    if phase.recovery_until is not None:
        yield RECOVERY.format(day=day(phase.recovery_until, page.today))


def heading(phase: Phase) -> str:
    """Return a phase's kind and its goal, quoted; the goal of trust-building may be its purpose."""
    purpose = phase.promise.purpose if isinstance(phase.promise, TrustPromise) else ""
    goal = phase.milestone or purpose
    kind = f"{EMOJI[phase.kind]} {NAMES[phase.kind]}"
    return f"{kind}: {_quoted(goal)}" if goal else kind


def _outcome(phase: Phase) -> str:
    if phase.outcome:
        outcome = phase.milestone_outcome
        became = MILESTONE_OUTCOME[MilestoneOutcome(outcome)] if outcome else ""
        return f"{became}{_quoted(phase.outcome)}"
    return NOT_WRITTEN if phase.wrapped_up_at is None else NOT_KEPT


def _level_line(phase: Phase, level: LevelsOverPhase) -> str:
    template = ONCE if not level.has_end else SO_FAR if phase.is_active else BOTH
    return template.format(
        label=quoted_label(level.label),
        start=_level(level.start, START_LEVEL),
        end=_level(level.end if level.has_end else level.start, LEVEL),
    )


def _level(level: float | None, template: str) -> str:
    return TOO_FEW if level is None else template.format(level=level)


def _quoted(text: str) -> str:
    return quote_within(truncated(one_line(text), TEXT_SHOWN), TEXT_ROOM)
