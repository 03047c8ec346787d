"""The benchmark's own arithmetic: nothing here is timed."""

import json
from math import inf

import pytest

from tests.bench import table
from tests.bench.clients import signed
from tests.bench.measures.fanout import Unfaithful, once_each
from tests.bench.measures.limits import least_seconds
from tests.bench.measures.limits import rows as limit_rows
from tests.bench.measures.peak import Tuesday
from tests.bench.measures.peak import rows as peak_rows
from tests.bench.sampling import shares
from tests.bench.table import GOALS, Row


def a_row(**changed: object) -> Row:
    row = {
        "name": "answer, latency",
        "goal": GOALS["latency"],
        "value": 0.25,
        "unit": "x",
        "shown": "ours 3 ms, theirs 12 ms",
        "limit": "the disk",
    }
    return Row(**{**row, **changed})  # type: ignore[arg-type]


def test_a_ratio_is_the_median_of_the_repetitions():
    pairs = [(3.0, 12.0), (4.0, 10.0), (90.0, 10.0)]

    row = table.beside("x", "latency", pairs, said="{ours:.0f} and {theirs:.0f}", limit="")

    assert (row.value, row.spread, row.shown) == (0.4, (0.25, 9.0), "4 and 10")
    assert row.samples["pairs"] == [[3.0, 12.0], [4.0, 10.0], [90.0, 10.0]]


def test_a_repetition_in_which_the_machine_stood_still_does_not_count():
    assert table.ratios([(3.0, 12.0), (1.0, 0.0)]) == [0.25]
    with pytest.raises(ValueError, match="nothing"):
        table.ratios([(1.0, 0.0)])


def test_a_difference_is_the_median_of_the_repetitions():
    row = table.more_than("x", "command", [(30, 10), (50, 10), (9, 10)], said="", limit="")

    assert (row.value, row.spread) == (20, (-1, 40))


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [
        ("latency", 0.3, True),
        ("latency", 0.31, False),
        ("fan-out", 12, True),
        ("fan-out", 11.9, False),
        ("limits lost", 0, True),
        ("limits lost", 1, False),
    ],
)
def test_a_goal_bounds_from_its_side(goal: str, value: float, met: bool):
    assert GOALS[goal].is_met_by(value) is met


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([5.0], 0.99, 5.0), (range(1, 101), 0.99, 99), (range(1, 101), 0.5, 50), ([2, 1], 1, 2)],
)
def test_a_quantile_is_a_value_that_was_measured(
    values: list[float], share: float, expected: float
):
    assert table.quantile(list(values), share) == expected


def test_nothing_measured_is_no_result():
    with pytest.raises(ValueError, match="nothing"):
        table.quantile([], 0.5)


def test_every_row_says_whether_it_is_met_and_what_limits_it():
    printed = "\n".join(table.lines([a_row(), a_row(value=0.5, name="other")]))

    assert "0.25x" in printed
    assert "met " in printed
    assert "MISSED" in printed
    assert printed.count("limit: the disk") == 2
    assert printed.endswith("1 of 2 goals met")


def test_a_measure_that_fails_is_a_row_that_meets_nothing():
    row = table.failed("busy", TimeoutError("60 s"))

    assert (row.value, row.is_met) == (inf, False)
    assert "TimeoutError: 60 s" in "\n".join(table.lines([row]))


@pytest.mark.parametrize(("value", "strict", "code"), [(0.2, True, 0), (1, True, 1), (1, False, 0)])
def test_a_missed_goal_fails_only_when_asked_to(value: float, strict: bool, code: int):
    assert table.exit_code([a_row(value=value)], strict=strict) == code


def test_raw_samples_are_kept_with_the_machine():
    kept = json.loads(table.as_json([a_row(samples={"ms": [1, 2]})], {"cores": 2}))

    assert kept["machine"] == {"cores": 2}
    assert (kept["rows"][0]["samples"], kept["rows"][0]["met"]) == ({"ms": [1, 2]}, True)


@pytest.mark.parametrize(("count", "seconds"), [(300, 0.12), (301, 60.12), (1000, 180.12)])
def test_the_least_that_limits_allow_is_whole_minutes(count: int, seconds: float):
    assert least_seconds(count, 60) == pytest.approx(seconds)


def test_what_was_lost_or_said_twice_or_refused_late_is_counted():
    def post(at: float, to: str, error: str = "") -> dict:
        return {"at": 100 + at, "to": to, "error": error}

    told = [post(1, "U1"), post(2, "U1"), post(3, "U2"), post(59, "U3", "ratelimited")]
    told += [post(61, "U3", "ratelimited"), post(70, "U9", "ratelimited")]

    pace, exact = limit_rows(4, 60.0, 100.0, told)

    assert exact.value == 2 + 1 + 2  # lost, twice, late refusals
    assert pace.value == pytest.approx(3.12 / 0.12)


def test_a_fan_out_counts_only_if_each_came_once():
    once_each(2, ["a", "b"])
    with pytest.raises(Unfaithful, match="1 lost, 1 twice"):
        once_each(3, ["a", "b", "b"])


def test_a_tuesday_is_held_if_the_last_one_was_in_time():
    assert Tuesday(asked=2, late=(1, 299)).all_in_time
    assert not Tuesday(asked=3, late=(1, 299)).all_in_time
    assert not Tuesday(asked=2, late=(1, 301)).all_in_time


def test_replicas_are_compared_by_the_people_they_serve():
    held = {1: Tuesday(asked=120, late=(200.0,)), 3: Tuesday(asked=180, late=(250.0,))}

    one, three, ratio = peak_rows(held)

    assert (one.value, three.value, ratio.value) == (200, 250, 1.5)


def test_a_profile_in_words_names_the_largest_parts():
    seen = {"busy": 0.5, "parts": {"SQLAlchemy": 3, "Bolt": 1}}

    assert shares(seen) == "50% of a core: SQLAlchemy 75%, Bolt 25%"


def test_a_request_is_signed_over_its_body():
    request = signed(b"payload=1").decode()

    assert request.endswith("Content-Length: 9\r\n\r\npayload=1")
    assert "X-Slack-Signature: v0=" in request
