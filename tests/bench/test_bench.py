"""The benchmark's own calculations; nothing is timed here."""

import json
import re
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from math import inf
from pathlib import Path

import pytest
from slack_sdk.signature import SignatureVerifier

from bot.rounds.ballot_crypto import Ballot
from tests.bench import machine, table
from tests.bench.actions import clicks, key_of, level_of
from tests.bench.bench import POST
from tests.bench.clients import SECRET, LoadResult, signed
from tests.bench.measures.busy import parts
from tests.bench.measures.busy import row as busy_row
from tests.bench.measures.commands import row as command_row
from tests.bench.measures.fanout import WrongDelivery, check_each_once
from tests.bench.measures.growth import history_row
from tests.bench.measures.limits import least_seconds
from tests.bench.measures.limits import rows as limit_rows
from tests.bench.measures.starting import MemoryCourse, growth_row, rest_rows
from tests.bench.measures.statements import SCENARIOS
from tests.bench.measures.statements import rows as statement_rows
from tests.bench.sampling import imports, shares
from tests.bench.saved_results import last_answers, missing_answers
from tests.bench.table import GOALS, Row
from tests.bench.world import people


def make_row(**changed: object) -> Row:
    row = {
        "name": "answer, latency",
        "goal": GOALS["latency"],
        "value": 0.25,
        "unit": "x",
        "shown": "ours 3 ms, theirs 12 ms",
        "limit": "the disk",
        "next_step": "another disk",
    }
    return Row(**{**row, **changed})  # type: ignore[arg-type]


def test_ratio_is_the_median_of_the_repetitions():
    pairs = [(3.0, 12.0), (4.0, 10.0), (90.0, 10.0)]

    text = "{ours:.0f} and {theirs:.0f}"
    row = table.comparison_row("x", "latency", pairs, text=text, limit="", next_step="")

    assert (row.value, row.spread, row.shown) == (0.4, (0.25, 9.0), "4 and 10")
    assert row.samples["pairs"] == [[3.0, 12.0], [4.0, 10.0], [90.0, 10.0]]


@pytest.mark.parametrize("pairs", [[], [(1.0, 0.0)], [(3.0, 12.0), (1.0, 0.0)]])
def test_ratios_without_a_baseline_raise(pairs: list[tuple[float, float]]):
    with pytest.raises(ValueError, match="nothing"):
        table.ratios(pairs)


def test_form_is_judged_by_the_latency_with_the_larger_delay():
    near = [([9.0, 9.0], [2.0]), ([8.0], [2.0])]
    as_slack = [([260.0], [2.0]), ([240.0, 250.0, 900.0], [2.0]), ([300.0], [2.0])]

    row = command_row({0.0: near, 0.12: as_slack}, ["users.info"], None, "")

    assert (row.value, row.spread, row.is_met) == (258, (248, 298), False)
    assert "at 0 ms a call: ours 8.5 ms, do-nothing app 2.0 ms" in row.shown
    assert "at 120 ms a call: ours 260.0 ms" in row.shown
    assert "users.info" in row.limit


def test_row_shows_when_the_form_was_filled_in():
    row = command_row({0.0: [([9.0], [2.0])]}, [], 140.0, "")

    assert row.is_met
    assert "filled in after 140 ms" in row.shown


def test_last_answer_of_each_person_must_be_saved():
    last = last_answers([0, 1, 2, 4, 3, 7], people=3)
    assert last == {0: 3, 1: 7, 2: 2}

    expected = {10: 3, 11: 7, 12: 2, 13: 9}
    kept = {
        10: Ballot(answers={"other": 0, key_of(3): level_of(3)}),
        11: Ballot(answers={"other": level_of(4)}),  # an earlier answer
        12: Ballot(answers={key_of(2): level_of(2) - 1}),
        13: None,
    }
    assert missing_answers(expected, kept) == [11, 12, 13]


def test_generated_taps_all_differ_and_cover_every_level_of_every_question():
    everyone = people(1)
    made = [*islice(clicks(everyone, "http://hooks", datetime(2026, 12, 1, tzinfo=UTC)), 30)]

    assert [one.number for one in made] == [*range(30)]
    assert len({one.body for one in made}) == 30
    assert f"rounds.tap.{key_of(12)}.{level_of(12)}%22".encode() in made[12].body
    assert len({(key_of(number), level_of(number)) for number in range(1_000)}) == 15
    assert everyone[2].user_id.encode() in made[12].body
    assert not any(re.search(rb"This(?!\+Week)", one.body) for one in made)


def test_filesystem_is_that_of_the_nearest_mount(tmp_path: Path):
    mounts = f"/dev/vda / ext4 rw 0 0\ntmpfs {tmp_path} tmpfs rw 0 0\nproc /proc proc rw 0 0\n"

    assert machine.filesystem(tmp_path / "db", mounts) == "tmpfs"
    assert machine.filesystem(tmp_path.parent, mounts) == "ext4"


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
def test_goals_are_upper_or_lower_bounds(goal: str, value: float, met: bool):
    assert GOALS[goal].is_met_by(value) is met


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([5.0], 0.99, 5.0), (range(1, 101), 0.99, 99), (range(1, 101), 0.5, 50), ([2, 1], 1, 2)],
)
def test_quantile_is_a_measured_value(values: list[float], share: float, expected: float):
    assert table.quantile(list(values), share) == expected


def test_quantile_of_nothing_raises():
    with pytest.raises(ValueError, match="nothing"):
        table.quantile([], 0.5)


def test_table_shows_verdict_limit_and_next_step_of_each_row():
    printed = "\n".join(table.lines([make_row(), make_row(value=0.5, name="other")]))

    assert "0.25x" in printed
    assert "met " in printed
    assert "MISSED" in printed
    assert printed.count("limit: the disk") == 2
    assert printed.count("next: another disk") == 2
    assert printed.endswith("1 of 2 goals met")


def test_failed_measure_misses_its_goal():
    row = table.failed("busy", TimeoutError("60 s"))

    assert (row.value, row.is_met) == (inf, False)
    assert "TimeoutError: 60 s" in "\n".join(table.lines([row]))


def test_row_with_errors_misses_its_goal_whatever_its_value():
    row = make_row(errors="3 answered with 500")

    assert not row.is_met
    assert "FAILED: 3 answered with 500" in "\n".join(table.lines([row]))


@pytest.mark.parametrize(("value", "strict", "code"), [(0.2, True, 0), (1, True, 1), (1, False, 0)])
def test_missed_goal_fails_the_run_only_if_strict(value: float, strict: bool, code: int):
    assert table.exit_code([make_row(value=value)], strict=strict) == code


def test_json_has_raw_samples_and_the_machine():
    kept = json.loads(table.as_json([make_row(samples={"ms": [1, 2]})], {"cores": 2}))

    assert kept["machine"] == {"cores": 2}
    assert (kept["rows"][0]["samples"], kept["rows"][0]["met"]) == ({"ms": [1, 2]}, True)


@pytest.mark.parametrize(("count", "seconds"), [(300, 0.12), (301, 60.12), (1000, 180.12)])
def test_minimum_time_under_the_limits_is_in_whole_windows(count: int, seconds: float):
    assert least_seconds(count, 60) == pytest.approx(seconds)


def test_lost_duplicated_and_late_refused_messages_are_counted():
    def post(at: float, to: str, error: str = "", method: str = POST) -> dict:
        return {"method": method, "at": 100 + at, "to": to, "error": error}

    calls = [post(1, "U1"), post(2, "U1"), post(3, "U2"), post(59, "U3", "ratelimited")]
    calls += [post(61, "U3", "ratelimited"), post(70, "U9", "ratelimited", "users.info")]

    pace, exact = limit_rows(4, 60.0, 100.0, calls)

    assert exact.value == 2 + 1 + 2  # lost, duplicated, late refusals
    assert pace.value == pytest.approx(3.12 / 0.12)


def test_history_is_judged_by_the_page_that_grows_most():
    taken = {"home": ([6.0, 9.0, 7.0], [5.0, 5.0, 5.0]), "results": ([4.0], [4.0])}

    row = history_row("sqlite", taken, "")

    assert row.value == pytest.approx(1.4)
    assert row.spread == pytest.approx((1.0, 1.4))
    assert row.limit.startswith("home grows most")


def test_statements_are_judged_by_the_engine_with_more():
    fewer, more = dict.fromkeys(SCENARIOS, 64), dict.fromkeys(SCENARIOS, 73)

    first, *_ = found = statement_rows({"sqlite": fewer, "postgresql": more})

    assert len(found) == len(SCENARIOS)
    assert (first.value, first.is_met) == (73, False)
    assert first.shown == "64 statements on sqlite, 73 statements on postgresql"
    assert " 73 " in table.lines([first])[2]


def test_fan_out_requires_each_message_exactly_once():
    check_each_once(2, ["a", "b"])
    with pytest.raises(WrongDelivery, match="1 lost, 1 duplicated"):
        check_each_once(3, ["a", "b", "b"])


def test_busy_row_is_judged_by_the_slowest_part_of_all_runs():
    timed = LoadResult(seconds=[0.01] * 99 + [0.2, 0.05], ended_at=[1.0] * 100 + [9.0])

    quick = {"the fan-out": [0.01] * 100}
    found = busy_row([0.01], [quick, parts(timed, 5.0)], Counter(), work="", profile="")

    assert found.value == 50  # one answer while charts were drawn; 10 ms in the fan-out
    assert "p99 10.0 ms in the fan-out (of 100)" in found.shown
    assert "the longest 200 ms" in found.shown
    assert found.is_met


def test_failed_answer_while_busy_fails_the_row():
    errors = Counter({"500": 1})

    assert not busy_row([0.01], [{"the fan-out": [0.01]}], errors, work="", profile="").is_met


def memory_course(**changed: object) -> MemoryCourse:
    course = {
        "rest": 90.0, "warm": 95.0, "most": 98.0, "chart": 80.0, "answers": 100, "messages": 10,
        "people": 9, "charts": 3, "matplotlib": False, "errors": Counter(),
    }  # fmt: skip
    return MemoryCourse(**{**course, **changed})  # type: ignore[arg-type]


def test_memory_growth_is_judged_from_rest_and_shows_the_warm_value():
    row = growth_row(memory_course(), wanted=100)

    assert row.value == pytest.approx(8.89, abs=0.01)
    assert row.is_met
    assert "95 MB warm" in row.shown
    assert "5 MB come with the first" in row.limit


def test_memory_after_work_is_compared_with_the_empty_app_at_rest():
    rest, worked = rest_rows([(90.0, 45.0), (91.0, 40.0)], memory_course(most=112.0), imports_mb=70)

    assert rest.is_met
    assert worked.value == pytest.approx((112 / 45 + 112 / 40) / 2)
    assert not worked.is_met


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"answers": 99}, "only 99 of 100 answers"),
        ({"errors": Counter({"500": 2})}, "2 answers with 500"),
        ({"matplotlib": True}, "no chart"),
        ({"charts": 0}, "no chart"),
    ],
)
def test_memory_growth_after_incomplete_work_fails(changed: dict[str, object], text: str):
    row = growth_row(memory_course(**changed), wanted=100)

    assert not row.is_met
    assert text in row.errors


def test_import_time_is_described_by_package():
    timed = "import time: self [us] | cumulative | imported package\n"
    timed += "import time:    300000 |     300000 |   sqlalchemy.orm\n"
    timed += "import time:    100000 |     400000 | bot.app\n"

    assert imports(timed) == "imports 0.40 s when each is timed: sqlalchemy 75%, bot 25%"


def test_profile_description_names_the_largest_parts():
    seen = {"busy": 0.5, "parts": {"SQLAlchemy": 3, "Bolt": 1}}

    assert shares(seen) == "50% of a core: SQLAlchemy 75%, Bolt 25%"


def test_request_is_signed():
    head, _, body = signed(b"payload=1").decode().partition("\r\n\r\n")
    headers = dict(line.split(": ") for line in head.split("\r\n")[1:])

    assert (body, headers["Content-Length"]) == ("payload=1", "9")
    assert SignatureVerifier(SECRET).is_valid(
        body, headers["X-Slack-Request-Timestamp"], headers["X-Slack-Signature"]
    )
