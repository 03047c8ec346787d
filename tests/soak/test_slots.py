"""The soak's own yardstick: what it takes for a question at its time, and what not."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from tests.model.facts import Phase
from tests.model.reference_model import ReferenceModel
from tests.soak.random_choices import Dice
from tests.soak.simulated_workspace import Place
from tests.soak.slack import Post
from tests.soak.slots import BEGUN, LATE, MOVED, ON_TIME, WRONG, Asked, why

BERLIN, LORD_HOWE = "Europe/Berlin", "Australia/Lord_Howe"
BEGAN = datetime(2026, 10, 1, tzinfo=UTC)
#: Tuesday, 27 October, is two days after Berlin's clocks went back.
OPENED = datetime(2026, 10, 27, 9, tzinfo=UTC)
CLOSES = datetime(2026, 10, 29, 15, tzinfo=UTC)  # somebody lives in New York
AWAY = [(datetime(2026, 10, 27, 8, tzinfo=UTC), datetime(2026, 10, 27, 21, tzinfo=UTC))]


def asked(
    at: datetime, *zones: tuple[datetime, str], kind: str = "weekly", begun_at: datetime = BEGAN
) -> Asked:
    """The question of Tuesday at ten to somebody who lived there, the last place last."""
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
    place = Place(
        workspace_id="T0001",
        reference_model=ReferenceModel(now=BEGAN, people={}, inside={}),
        dice=Dice(),
        zones={"U01": list(zones) or [(BEGAN, BERLIN)]},
    )
    post = Post(workspace_id="T0001", to="U01", message_id="m", at=at, ts="1.1", pressing={})
    opened = {"kind": kind, "opened_at": OPENED, "closes_at": CLOSES, "begun_at": begun_at}
    return Asked(place=place, phase=phase, round=opened, post=post)


def test_who_begins_when_it_is_later_in_the_east_asks_there_at_once() -> None:
    """The first questions of a phase are planned for the working day after it began."""
    nine_in_berlin = datetime(2026, 10, 6, 7, tzinfo=UTC)
    kiritimati = (BEGAN, "Pacific/Kiritimati")
    began = nine_in_berlin - timedelta(hours=10)  # noon there, nine has passed
    assert why(asked(began, kiritimati, kind="first", begun_at=began), []) == BEGUN
    after = began + timedelta(hours=1)
    assert why(asked(after, kiritimati, kind="first", begun_at=began), []) == WRONG
    assert why(asked(began, kiritimati, kind="first"), []) == WRONG


def test_ten_by_the_clock_on_the_wall_is_on_time() -> None:
    assert why(asked(datetime(2026, 10, 27, 9, tzinfo=UTC)), []) == ON_TIME
    lord_howe = datetime(2026, 10, 26, 23, tzinfo=UTC)  # eleven hours ahead in summer
    assert why(asked(lord_howe, (BEGAN, LORD_HOWE)), []) == ON_TIME


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 10, 27, 8, tzinfo=UTC),  # ten in summer time, which is over
        datetime(2026, 10, 27, 9, 15, tzinfo=UTC),
        datetime(2026, 10, 28, 9, tzinfo=UTC),
        datetime(2026, 11, 3, 9, tzinfo=UTC),
    ],
)
def test_any_other_time_is_wrong(at: datetime) -> None:
    assert why(asked(at), []) == WRONG


def test_after_downtime_it_is_the_next_good_hour() -> None:
    assert why(asked(datetime(2026, 10, 28, 7, tzinfo=UTC)), AWAY) == LATE
    assert why(asked(AWAY[0][1]), AWAY) == WRONG  # at ten in the evening


def test_after_days_away_it_is_asked_while_it_can_be_answered() -> None:
    days = [(AWAY[0][0], datetime(2026, 10, 29, 13, 45, tzinfo=UTC))]
    assert why(asked(days[0][1]), days) == LATE
    too_long = [(AWAY[0][0], datetime(2026, 10, 29, 14, 15, tzinfo=UTC))]
    assert why(asked(too_long[0][1]), too_long) == WRONG
    opened_late = [(datetime(2026, 10, 26, 12, tzinfo=UTC), days[0][1])]
    assert why(asked(days[0][1]), opened_late) == WRONG


def test_who_moved_is_asked_at_ten_there() -> None:
    moved = (datetime(2026, 10, 27, 8, tzinfo=UTC), "America/New_York")
    assert why(asked(datetime(2026, 10, 27, 14, tzinfo=UTC), (BEGAN, BERLIN), moved), []) == ON_TIME
    late = (datetime(2026, 10, 27, 8, tzinfo=UTC), "Asia/Kolkata")  # half past one there
    assert why(asked(late[0], (BEGAN, BERLIN), late), []) == MOVED


def test_who_moves_at_the_very_moment_may_do_so_after_it() -> None:
    ten = datetime(2026, 10, 27, 9, tzinfo=UTC)
    moved = (ten, "America/New_York")
    assert why(asked(ten, (BEGAN, BERLIN), moved), []) == ON_TIME
    assert why(asked(ten, (BEGAN, BERLIN), (ten - timedelta(minutes=15), moved[1])), []) == WRONG


def test_the_time_is_fixed_for_good_where_a_round_opens_late() -> None:
    """Its day is over: who moves is asked when they would have been, if it suits there."""
    back = AWAY[0][1]
    eight, kyiv = datetime(2026, 10, 28, 7, tzinfo=UTC), (back + timedelta(hours=1), "Europe/Kyiv")

    def late(at: datetime, *zones: tuple[datetime, str]) -> str:
        question = asked(at, (BEGAN, BERLIN), *zones)
        return why(replace(question, round={**question.round, "opened_at": back}), AWAY)

    assert late(eight, kyiv) == LATE
    assert late(eight - timedelta(hours=1), kyiv) == WRONG  # eight there
    new_york = (back + timedelta(hours=1), "America/New_York")
    assert late(eight, new_york) == WRONG
    assert late(datetime(2026, 10, 28, 12, tzinfo=UTC), new_york) == LATE
    assert why(asked(eight, (BEGAN, BERLIN), kyiv), AWAY) == WRONG  # it opened in time
