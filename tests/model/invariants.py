"""What must hold after every step, whatever happened before."""

import json
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import RowMapping

from tests.model.calendar import is_welcome
from tests.model.evidence import Evidence, Said, twice
from tests.model.facts import Phase, Round
from tests.model.messages import not_as_foreseen, rightly_expired
from tests.model.reference_model import ReferenceModel
from tests.model.world import World

FIVE_DAYS = timedelta(days=5)
#: What may be due about a round that is closed, and about a phase that is over.
AFTER_CLOSING = {"scrub", "show_results"}
AFTER_THE_END = {
    *("open_round", "talk", "deliver_concerns", "say_goodbye", "say_line", "look_at_channel"),
}
#: Shown to one person only, and in no export.
FORMS = {"views.open", "views.push", "views.update"}
ANSWERED = ("initial_option", "selected_option", "initial_value")
GOOD_ENDS = {"sent", "expired"}


def check(seen: Evidence, fresh: list[Said], world: World, reference_model: ReferenceModel) -> None:
    """All of it."""
    one_active_phase_a_channel(seen)
    everything_is_said_once(seen, world.now)
    in_order(seen)
    nobody_is_disturbed(fresh, seen, reference_model)
    rounds_keep_apart(seen)
    nothing_finer_than_promised(seen)
    ballots_go_with_their_round(seen)
    work_is_given_back(seen)
    only_what_runs_is_pinned(seen, world)
    the_agenda_is_clean(seen, world.now)
    phases_are_as_the_model_has_them(seen, reference_model)
    messages_are_as_foreseen(seen, reference_model)
    assert world.slack.problems == []


def nothing_given_away(world: World, comments: dict[str, Round]) -> None:
    """No answer is in any call but the form of who gave it; comments go out when it is closed."""
    fresh = world.unread_calls()
    still_open = [text for text, one in comments.items() if one.is_open]
    for call in fresh:
        if call.method not in FORMS:
            said = json.dumps(call.args, default=str)
            assert not any(word in said for word in ANSWERED), call.method
            assert not any(text in said for text in still_open), call.method


def one_active_phase_a_channel(seen: Evidence) -> None:
    active = [row["channel_id"] for row in seen.phases if row["state"] == "active"]
    assert len(active) == len(set(active)), active


def everything_is_said_once(seen: Evidence, now: datetime) -> None:
    """Nothing twice, nothing lost, nothing that we do not know of."""
    assert twice(seen.said) == []
    in_slack = {one.message_id for one in seen.said}
    posts = [row for row in seen.messages if row["operation"] == "post"]
    assert in_slack == {row["message_id"] for row in posts if row["state"] == "sent"}
    for row in seen.messages:
        waits = row["state"] == "pending" and row["not_before"] > now
        assert waits or row["state"] in GOOD_ENDS, (row["key"], row["state"], row["error"])


def messages_are_as_foreseen(seen: Evidence, reference_model: ReferenceModel) -> None:
    """Each that was to be decided was, to whom and for when it should be; and no other."""
    rows = {row["key"]: dict(row) for row in seen.messages}
    ids: dict[Phase | Round, str] = {one: one.phase_id for one in reference_model.phases}
    for phase in reference_model.phases:
        found = seen.rounds_of(phase.phase_id)
        ids |= {one: row["round_id"] for one, row in zip(phase.rounds, found, strict=True)}
    wrong = list(
        not_as_foreseen(reference_model.letters, reference_model.rounds(only_open=False), rows, ids)
    )
    assert wrong == [], wrong
    for key, row in rows.items():
        assert row["state"] != "expired" or rightly_expired(key, row, rows), (key, row["error"])


def in_order(seen: Evidence) -> None:
    """Within a conversation, as it was decided; what may come later may also come after."""
    rows = {row["message_id"]: row for row in seen.messages}
    for channel in {one.channel for one in seen.said}:
        here = sorted((one for one in seen.said if one.channel == channel), key=_ts)
        for earlier, later in pairwise(here):
            first, second = rows[earlier.message_id], rows[later.message_id]
            overtook = first["message_id"] > second["message_id"]
            allowed = first["not_before"] < second["not_before"]
            assert allowed or not overtook, (first["key"], second["key"])


def nobody_is_disturbed(fresh: list[Said], seen: Evidence, reference_model: ReferenceModel) -> None:
    """Direct messages come 08:00 to 20:00 on weekdays, where the person is."""
    rows = {row["message_id"]: row for row in seen.messages}
    for one in fresh:
        if one.to is not None:
            key, person = rows[one.message_id]["key"], reference_model.people[one.to]
            assert is_welcome(one.at, person.zone), (key, one.at, person.zone)


def rounds_keep_apart(seen: Evidence) -> None:
    """One that asked no member, because all its time was downtime, was taken back: it is none."""
    taken_back = {row["round_id"] for row in seen.rounds if row["state"] == "cancelled"}
    asked = seen.keys("ask:").items()
    sent = {key.partition(":")[0] for key, row in asked if row["state"] == "sent"}
    assert not sent & taken_back, sent & taken_back
    channels = {row["phase_id"]: row["channel_id"] for row in seen.phases}
    for channel in set(channels.values()):
        opened = sorted(
            row["opened_at"]
            for row in seen.rounds
            if channels[row["phase_id"]] == channel and row["round_id"] not in taken_back
        )
        for earlier, later in pairwise(opened):
            # A week with a change to summer time is an hour short.
            assert later - earlier >= FIVE_DAYS - timedelta(hours=1), (earlier, later)


def nothing_finer_than_promised(seen: Evidence) -> None:
    minimum = {row["round_id"]: row["minimum"] for row in seen.rounds}
    for row in seen.figures:
        assert row["answers"] >= minimum[row["round_id"]]
        assert (row["level"] * 2) % 1 == 0
        bands = [band["answers"] for band in row["bands"] or []]
        assert sum(bands) in (0, row["answers"])
        assert 1 not in bands


def ballots_go_with_their_round(seen: Evidence) -> None:
    is_open = {row["round_id"] for row in seen.rounds if row["state"] == "open"}
    assert set(seen.ballots) <= is_open
    assert set(seen.secrets) == is_open


def work_is_given_back(seen: Evidence) -> None:
    active = {row["phase_id"] for row in seen.phases if row["state"] == "active"}
    for row in seen.items:
        assert (row["outcome"] is None) == (row["phase_id"] in active), row["text"]


def only_what_runs_is_pinned(seen: Evidence, world: World) -> None:
    """One announcement and one bookmark for each active phase, none afterwards."""
    places = {row["key"]: row["ts"] for row in seen.messages}
    for channel in {row["channel_id"] for row in seen.phases}:
        active = [
            row["phase_id"]
            for row in seen.phases
            if row["channel_id"] == channel and row["state"] == "active"
        ]
        here = world.slack.workspace.conversations[channel]
        expected = [places[f"announcement:{one}"] for one in active]
        assert [pin["ts"] for pin in here.pins] == expected
        assert len(here.bookmarks) == len(expected)


def the_agenda_is_clean(seen: Evidence, now: datetime) -> None:
    """Nothing is late, and nothing is due about what is over but what belongs there."""
    active = {row["phase_id"]: row["state"] == "active" for row in seen.phases}
    is_open = {row["round_id"]: row["state"] == "open" for row in seen.rounds}
    for row in seen.agenda:
        assert row["due_at"] > now, (row["action"], row["subject"], row["due_at"])
        about = row["subject"].split(":")[0]
        if about in active and not active[about]:
            assert row["action"] in AFTER_THE_END, row["action"]
        if about in is_open and not is_open[about]:
            assert row["action"] in AFTER_CLOSING, row["action"]


def phases_are_as_the_model_has_them(seen: Evidence, reference_model: ReferenceModel) -> None:
    assert len(seen.phases) == len(reference_model.phases)
    for phase in reference_model.phases:
        row = seen.phase(phase.phase_id)
        assert row["channel_id"] == phase.channel
        assert (row["state"] == "active") == phase.is_active
        assert row["ends_on"] == phase.ends
        assert (row["wrapped_up_at"] is not None) == phase.is_wrapped_up
        _rounds_are_as_believed(seen, row, phase)


def _rounds_are_as_believed(seen: Evidence, row: RowMapping, phase: Phase) -> None:
    rows = seen.rounds_of(row["phase_id"])
    opened = [(one["kind"], one["opened_at"], one["closes_at"]) for one in rows]
    assert opened == [(one.kind, one.opened_at, one.closes_at) for one in phase.rounds]
    for found, one in zip(rows, phase.rounds, strict=True):
        assert (found["state"] == "open") == one.is_open
        assert found["minimum"] == one.minimum
        assert found["asked"] == len(one.members)
        _people_are_as_believed(seen, found["round_id"], one)
        if one.is_open:
            assert seen.ballots.get(found["round_id"], 0) == len(one.ballots)
        else:
            _results_are_as_believed(seen, found, one)


def _people_are_as_believed(seen: Evidence, round_id: str, one: Round) -> None:
    listed = {row["user_id"] for row in seen.round_people if row["round_id"] == round_id}
    assert listed == one.people
    asked = {*_said(seen, f"ask:{round_id}:"), *_said(seen, f"reflect:{round_id}:")}
    assert asked ^ set(one.asked) <= one.unsure, (one.kind, asked ^ set(one.asked))
    reminded = set(_said(seen, f"remind:{round_id}:"))
    assert reminded ^ set(one.reminded) <= one.unsure, (one.kind, reminded ^ set(one.reminded))


def _results_are_as_believed(seen: Evidence, found: RowMapping, one: Round) -> None:
    if found["state"] == "cancelled":  # all of its time was downtime
        assert not one.reached - one.unsure
    assert bool(found["reached_minimum"]) == bool(one.shown)
    figures = [row for row in seen.figures if row["round_id"] == found["round_id"]]
    assert {row["key"]: row["answers"] for row in figures} == {
        key: len(levels) for key, levels in one.shown.items()
    }
    for row in figures:
        levels = one.shown[row["key"]]
        assert abs(row["level"] - sum(levels) / len(levels)) <= 0.25
    if found["reached_minimum"]:
        given = [one.answers[user] for user in one.answers if user in one.members]
        assert found["answered"] == sum(bool(answers) for answers in given)
    assert found["shown_at"] == one.shown_at


def _said(seen: Evidence, start: str) -> list[str]:
    return [who for who, row in seen.keys(start).items() if row["state"] == "sent"]


def _ts(one: Said) -> tuple[int, ...]:
    return tuple(int(part) for part in one.ts.split("."))
