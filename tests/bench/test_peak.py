"""The peak: when a load counts as held, and how the largest is found."""

import pytest

from tests.bench.bench import Seen
from tests.bench.measures.peak import next_try
from tests.bench.measures.peak import rows as peak_rows
from tests.bench.one_tuesday import Tuesday, reached


def test_a_tuesday_is_held_if_everyone_was_asked_once_and_in_time():
    assert Tuesday(asked=2, late=(1, 299)).is_held
    assert not Tuesday(asked=3, late=(1, 299)).is_held
    assert not Tuesday(asked=2, late=(1, 301)).is_held
    assert not Tuesday(asked=2, late=(1, 299), twice=1).is_held
    assert not Tuesday(asked=2, late=(1, 299), wrong=1).is_held


def test_somebody_asked_twice_hides_nobody_who_was_not():
    posts = [Seen("chat.postMessage", at, "", to, "") for at, to in ((101, "U1"), (102, "U1"))]

    late, twice = reached(posts, ten=100)

    assert len(late) == 1
    assert late[0] == pytest.approx(1.12)
    assert twice == 1


def test_replicas_are_compared_by_the_people_they_serve():
    held = {1: Tuesday(asked=2, late=(1, 200.0)), 3: Tuesday(asked=3, late=(1, 2, 250.0))}

    one, three, ratio = peak_rows(held)

    assert (one.value, three.value, ratio.value) == (200, 250, 1.5)
    assert all(row.is_met for row in (one, three, ratio))


def test_a_peak_that_was_not_held_is_no_success():
    held = {1: Tuesday(asked=3, late=(1, 200.0)), 3: Tuesday(asked=4, late=(1, 2, 3, 250.0))}

    one, three, ratio = peak_rows(held)

    assert (one.is_met, three.is_met, ratio.is_met) == (False, True, False)
    assert "1 were not asked in time" in one.wrong


@pytest.mark.parametrize(
    ("held", "failed", "following"),
    [
        (0, None, 950),  # the estimate
        (950, None, 1045),
        (1900, None, 2000),  # there are no more
        (2000, None, None),
        (0, 950, 836),
        (836, 950, 893),
        (930, 950, None),  # close enough
        (0, 1, None),
    ],
)
def test_the_largest_load_is_closed_in_on(held: int, failed: int | None, following: int | None):
    assert next_try(950, 2000, held, failed) == following
