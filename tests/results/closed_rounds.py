"""Closed rounds and results views, as input for the message builders."""

from dataclasses import replace
from datetime import UTC, date, datetime

from bot.phases.privacy import Rounding
from bot.promises.model import Promise
from bot.results.levels import Counts, Participation, question_figures
from bot.results.model import ClosedRound, Reflection, ResultsView, ShownLevel
from tests.announcement.phases import SPRINT, participant
from tests.harness import ANA, BEN

TEAM_READS = datetime(2026, 12, 4, 10, 0, tzinfo=UTC)
LABELS = {
    "clarity": "Clear and doable?",
    "trust": "Trust under pressure?",
    "ego": "Room for mistakes?",
}
HOSTILE = "*Ana* <!channel> <@U0BEN> <https://x.example|y> `a` _b_ & \u202eabc"
NOTE = "Too many goals.\nWe drop the importer until January."
PROMISE = Promise(
    promise_id="p1",
    phase_id="p" * 32,
    round_id="b" * 32,
    made_by=ANA,
    name="Ana",
    made_at=TEAM_READS,
    heard="Nobody dares to say it.\nUntil it is late.",
    text=NOTE,
    is_change=True,
    outcome=None,
)
COMMENTS = ("The importer is late & nobody says so", "Thanks for Tuesday")

PHASE = replace(SPRINT, phase_id="p" * 32, starts_on=date(2026, 11, 23), people=(participant(ANA),))
TWO_LEADS = replace(PHASE, people=(participant(ANA), participant(BEN, is_lead=True)))
OWN = Reflection(name="Ana", answers={"clarity": 5, "trust": 3, "ego": None}, shared=False)


def shown_level(
    key: str,
    counts: Counts,
    change: float | None = None,
    rounding: Rounding = Rounding.HALF,
) -> ShownLevel:
    level = question_figures(key, counts, minimum=4, rounding=rounding)
    assert level is not None
    return ShownLevel(figure=level, change=change)


START = ClosedRound(
    round_id="a" * 32,
    phase_id=PHASE.phase_id,
    kind="first",
    week=1,
    opened_on=date(2026, 11, 24),
    asked=7,
    minimum=4,
    rounding=Rounding.HALF,
    reached_minimum=True,
    participation=None,
    labels=LABELS,
    figures=(
        shown_level("clarity", (0, 0, 2, 4, 0)),
        shown_level("trust", (0, 1, 3, 2, 0)),
        shown_level("ego", (0, 0, 1, 3, 2)),
    ),
    promise=None,
    shown_at=datetime(2026, 11, 27, 10, 0, tzinfo=UTC),
)
WEEK = replace(
    START,
    round_id="b" * 32,
    kind="weekly",
    week=2,
    opened_on=date(2026, 12, 1),
    figures=(
        shown_level("clarity", (2, 3, 1, 0, 0)),
        shown_level("trust", (0, 0, 2, 3, 1)),
    ),
    shown_at=None,
)
LARGE = replace(
    START,
    round_id="c" * 32,
    kind="weekly",
    week=3,
    opened_on=date(2026, 12, 8),
    asked=12,
    minimum=5,
    participation=Participation.MOST,
    figures=(
        shown_level("clarity", (0, 4, 2, 3, 2), change=0.0),
        shown_level("trust", (1, 0, 4, 3, 3)),
        shown_level("ego", (0, 0, 0, 6, 5), change=0.5),
    ),
    shown_at=None,
)
WHOLE = replace(
    LARGE,
    round_id="d" * 32,
    rounding=Rounding.WHOLE,
    participation=None,
    figures=(
        shown_level("clarity", (0, 4, 2, 3, 2), rounding=Rounding.WHOLE),
        shown_level("trust", (1, 0, 4, 3, 3), rounding=Rounding.WHOLE),
        shown_level("ego", (0, 0, 0, 6, 5), rounding=Rounding.WHOLE),
    ),
)
TOO_FEW = replace(WEEK, reached_minimum=False, figures=())


def showing(*rounds: ClosedRound, **changed: object) -> ResultsView:
    """Return the view of the last of these rounds."""
    view = ResultsView(
        phase=PHASE,
        rounds=rounds or (START, WEEK),
        reflections=(OWN,),
        team_sees_at=TEAM_READS,
    )
    return replace(view, **changed)  # type: ignore[arg-type]
