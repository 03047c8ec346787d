"""App Home on a first visit: it teaches by example. Pure.

The announcement is built like a real one, from the start form's examples.
"""

from datetime import UTC, date, datetime, time, timedelta

from slack_sdk.models.blocks import Block

from bot.announcement.messages import announcement
from bot.home.phase_section import START, START_A_PHASE
from bot.phases.rules import PhaseKind, Proposal, SetAside, SprintPromise
from bot.phases.wording import EMOJI, KIND_SENTENCES, NAMES
from bot.slack.content import actions, button, context, divider, header, section
from bot.start.promise_texts import CAN_WAIT, example_texts
from bot.start.proposed_phase import phase_preview
from bot.workspaces.rules import WorkspaceSettings

TITLE = "Out of balance on purpose, for a while"
ABOUT = (
    "A phase is a promise that a lead makes to a team: what comes first, what waits, and until "
    "when. Once a week I ask the team how it goes, anonymously, and post the totals."
)
KIND = "{emoji} *{name}:* {sentence}"
EXAMPLE = "*Example: {what}*"
ANNOUNCEMENT = "how a phase is announced in its channel"
QUESTIONS = "what each person is asked once a week"
RESULTS = "what the team reads a few days later"
#: The example's people.
ANA, BEN, TEAM = "UANA", "UBEN", ("UBEN", "U1", "U2", "U3", "U4", "U5", "U6")
#: Without a date: the others follow the day on which this is read.
STAKES = "If we miss it, two customers leave."
ASKED = (
    "*Three quick questions about #launch*",
    "*Clear and doable:* Does Ana keep what's critical clear, and small enough to do without "
    "constant heroics?  1 · 2 · 3 · 4 · 5",
    "*Trust under pressure:* Even under pressure, does Ana make time for trust and relationships "
    "when it's needed?  1 · 2 · 3 · 4 · 5",
    "*Room for mistakes:* Where less is at stake, does Ana let mistakes happen, without having to "
    "be right?  1 · 2 · 3 · 4 · 5",
)
READ = (
    "*Week 1 in #launch:* trust is strong (4.5 of 5), room for mistakes is the weak spot (2.5).",
    "Ana heard: Reviews feel like exams. This week: When a review waits a day, I'll take it.",
)
MADE_UP = "Ana, Ben and their sprint are made up. Nothing was posted."


def blocks(today: date, *, may_start: bool) -> list[Block]:
    """Build the sections; with *Start a Phase* for those who may."""
    kinds = [
        KIND.format(emoji=EMOJI[kind], name=NAMES[kind], sentence=sentence)
        for kind, sentence in KIND_SENTENCES.items()
    ]
    start = button(START_A_PHASE, START, style="primary")
    return [
        header(TITLE),
        section(ABOUT),
        section("\n".join(kinds)),
        *([actions(start)] if may_start else []),
        divider(),
        *_example(ANNOUNCEMENT, _announced(today)),
        *_example(QUESTIONS, ASKED),
        *_example(RESULTS, READ),
        context(MADE_UP),
    ]


def _example(what: str, lines: tuple[str, ...]) -> list[Block]:
    quoted = "\n".join(f">{line}" for line in lines)
    return [context(EXAMPLE.format(what=what)), section(quoted)]


def _announced(today: date) -> tuple[str, ...]:
    kind = PhaseKind.RESULTS_SPRINT
    texts = {**example_texts(kind), "stakes": STAKES}
    proposal = Proposal(
        kind=kind,
        channel_id="",
        lead_id=ANA,
        member_ids=TEAM,
        milestone=texts.pop("milestone"),
        starts_on=today,
        ends_on=today + timedelta(weeks=2),
        zone="UTC",
        promise=SprintPromise(**texts),
        set_aside=(SetAside(text=CAN_WAIT[kind], owner_id=BEN),),
    )
    noon = datetime.combine(today, time(12), UTC)
    phase = phase_preview(proposal, {ANA: "Ana", BEN: "Ben"}, noon, WorkspaceSettings())
    message = announcement(phase, today)
    texts_of_blocks = (block["text"]["text"] for block in message.blocks if "text" in block)
    return tuple(line for text in texts_of_blocks for line in text.splitlines())
