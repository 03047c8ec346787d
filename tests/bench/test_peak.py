"""The peak: criteria for a sustained load, and the search for the largest one."""

import pytest

from tests.bench.bench import SinkCall
from tests.bench.measures.peak import next_try
from tests.bench.measures.peak import rows as peak_rows
from tests.bench.one_tuesday import PeakRun, reached


def test_run_is_sustained_if_everyone_is_asked_once_and_in_time():
    assert PeakRun(asked=2, late=(1, 299)).is_sustained
    assert not PeakRun(asked=3, late=(1, 299)).is_sustained
    assert not PeakRun(asked=2, late=(1, 301)).is_sustained
    assert not PeakRun(asked=2, late=(1, 299), duplicates=1).is_sustained
    assert not PeakRun(asked=2, late=(1, 299), errors=1).is_sustained


def test_duplicate_does_not_hide_a_person_who_was_not_asked():
    posts = [SinkCall("chat.postMessage", at, "", to, "") for at, to in ((101, "U1"), (102, "U1"))]

    late, duplicates = reached(posts, ten=100)

    assert len(late) == 1
    assert late[0] == pytest.approx(1.12)
    assert duplicates == 1


def test_replicas_are_compared_by_the_number_of_people():
    held = {1: PeakRun(asked=2, late=(1, 200.0)), 3: PeakRun(asked=3, late=(1, 2, 250.0))}

    one, three, ratio = peak_rows(held)

    assert (one.value, three.value, ratio.value) == (200, 250, 1.5)
    assert all(row.is_met for row in (one, three, ratio))


def test_unsustained_peak_misses_the_goals():
    held = {1: PeakRun(asked=3, late=(1, 200.0)), 3: PeakRun(asked=4, late=(1, 2, 3, 250.0))}

    one, three, ratio = peak_rows(held)

    assert (one.is_met, three.is_met, ratio.is_met) == (False, True, False)
    assert "1 were not asked in time" in one.errors


@pytest.mark.parametrize(
    ("held", "failed", "following"),
    [
        (0, None, 950),  # the estimate
        (950, None, 1045),
        (1900, None, 2000),  # the maximum
        (2000, None, None),
        (0, 950, 836),
        (836, 950, 893),
        (930, 950, None),  # close enough
        (0, 1, None),
    ],
)
def test_search_narrows_down_the_largest_load(held: int, failed: int | None, following: int | None):
    assert next_try(950, 2000, held, failed) == following
