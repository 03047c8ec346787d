"""The soak test's own check: times of questions that it accepts or rejects."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from tests.model.facts import Phase
from tests.model.reference_model import ReferenceModel
from tests.soak.random_choices import SeededChoices
from tests.soak.simulated_workspace import SimulatedWorkspace
from tests.soak.slack import Post
from tests.soak.slots import BEGUN_LATE, LATE, MOVED, ON_TIME, WRONG, Question, rule_of

BERLIN, LORD_HOWE = "Europe/Berlin", "Australia/Lord_Howe"
BEGAN = datetime(2026, 10, 1, tzinfo=UTC)
#: Tuesday, 27 October, is two days after Berlin's clocks went back.
OPENED = datetime(2026, 10, 27, 9, tzinfo=UTC)
CLOSES = datetime(2026, 10, 29, 15, tzinfo=UTC)  # somebody lives in New York
DOWNTIME = [(datetime(2026, 10, 27, 8, tzinfo=UTC), datetime(2026, 10, 27, 21, tzinfo=UTC))]


def question_at(
    at: datetime, *zones: tuple[datetime, str], kind: str = "weekly", begun_at: datetime = BEGAN
) -> Question:
    """The question of Tuesday at ten to somebody who lived in these zones, oldest first."""
    phase = Phase(
        phase_id="phase1",
        channel="C0TEAM",
        is_sprint=True,
        lead="U00",
        zone=BERLIN,
        starts=date(2026, 10, 5),
        ends=date(2026, 11, 6),
        weekday=1,
        at=time(10),
        reminds=True,
        leads={"U00"},
        members={"U01"},
    )
    workspace = SimulatedWorkspace(
        workspace_id="T0001",
        reference_model=ReferenceModel(now=BEGAN, people={}, inside={}),
        choices=SeededChoices(),
        zones={"U01": list(zones) or [(BEGAN, BERLIN)]},
    )
    post = Post(
        workspace_id="T0001", to="U01", message_id="m", at=at, ts="1.1", text="", button_values={}
    )
    opened = {"kind": kind, "opened_at": OPENED, "closes_at": CLOSES, "begun_at": begun_at}
    return Question(workspace=workspace, phase=phase, round=opened, post=post)


def test_late_start_asks_people_in_the_far_east_at_once() -> None:
    """The first questions of a phase are planned for the working day after it began."""
    nine_in_berlin = datetime(2026, 10, 6, 7, tzinfo=UTC)
    kiritimati = (BEGAN, "Pacific/Kiritimati")
    began = nine_in_berlin - timedelta(hours=10)  # noon in Kiritimati, past nine
    assert rule_of(question_at(began, kiritimati, kind="first", begun_at=began), []) == BEGUN_LATE
    after = began + timedelta(hours=1)
    assert rule_of(question_at(after, kiritimati, kind="first", begun_at=began), []) == WRONG
    assert rule_of(question_at(began, kiritimati, kind="first"), []) == WRONG


def test_ten_o_clock_local_time_is_on_time() -> None:
    assert rule_of(question_at(datetime(2026, 10, 27, 9, tzinfo=UTC)), []) == ON_TIME
    lord_howe = datetime(2026, 10, 26, 23, tzinfo=UTC)  # eleven hours ahead in summer
    assert rule_of(question_at(lord_howe, (BEGAN, LORD_HOWE)), []) == ON_TIME


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 10, 27, 8, tzinfo=UTC),  # ten in summer time, which has ended
        datetime(2026, 10, 27, 9, 15, tzinfo=UTC),
        datetime(2026, 10, 28, 9, tzinfo=UTC),
        datetime(2026, 11, 3, 9, tzinfo=UTC),
    ],
)
def test_any_other_time_is_wrong(at: datetime) -> None:
    assert rule_of(question_at(at), []) == WRONG


def test_next_permitted_hour_after_downtime_is_accepted() -> None:
    assert rule_of(question_at(datetime(2026, 10, 28, 7, tzinfo=UTC)), DOWNTIME) == LATE
    assert rule_of(question_at(DOWNTIME[0][1]), DOWNTIME) == WRONG  # ten in the evening


def test_question_after_days_of_downtime_is_accepted_until_the_last_call() -> None:
    days = [(DOWNTIME[0][0], datetime(2026, 10, 29, 13, 45, tzinfo=UTC))]
    assert rule_of(question_at(days[0][1]), days) == LATE
    too_long = [(DOWNTIME[0][0], datetime(2026, 10, 29, 14, 15, tzinfo=UTC))]
    assert rule_of(question_at(too_long[0][1]), too_long) == WRONG
    opened_late = [(datetime(2026, 10, 26, 12, tzinfo=UTC), days[0][1])]
    assert rule_of(question_at(days[0][1]), opened_late) == WRONG


def test_person_who_moved_is_asked_at_ten_in_the_new_zone() -> None:
    moved = (datetime(2026, 10, 27, 8, tzinfo=UTC), "America/New_York")
    assert (
        rule_of(question_at(datetime(2026, 10, 27, 14, tzinfo=UTC), (BEGAN, BERLIN), moved), [])
        == ON_TIME
    )
    late = (datetime(2026, 10, 27, 8, tzinfo=UTC), "Asia/Kolkata")  # half past one there
    assert rule_of(question_at(late[0], (BEGAN, BERLIN), late), []) == MOVED


def test_move_at_the_moment_of_the_question_may_count_as_later() -> None:
    ten = datetime(2026, 10, 27, 9, tzinfo=UTC)
    moved = (ten, "America/New_York")
    assert rule_of(question_at(ten, (BEGAN, BERLIN), moved), []) == ON_TIME
    assert (
        rule_of(question_at(ten, (BEGAN, BERLIN), (ten - timedelta(minutes=15), moved[1])), [])
        == WRONG
    )


def test_slots_are_fixed_when_a_round_opens_late() -> None:
    """After its day, people who move keep their slot if the hour is permitted there."""
    back = DOWNTIME[0][1]
    eight, kyiv = datetime(2026, 10, 28, 7, tzinfo=UTC), (back + timedelta(hours=1), "Europe/Kyiv")

    def late(at: datetime, *zones: tuple[datetime, str]) -> str:
        question = question_at(at, (BEGAN, BERLIN), *zones)
        return rule_of(replace(question, round={**question.round, "opened_at": back}), DOWNTIME)

    assert late(eight, kyiv) == LATE
    assert late(eight - timedelta(hours=1), kyiv) == WRONG  # eight there
    new_york = (back + timedelta(hours=1), "America/New_York")
    assert late(eight, new_york) == WRONG
    assert late(datetime(2026, 10, 28, 12, tzinfo=UTC), new_york) == LATE
    assert (
        rule_of(question_at(eight, (BEGAN, BERLIN), kyiv), DOWNTIME) == WRONG
    )  # the round opened in time
