"""Invariants that must hold after every step."""

import json
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import RowMapping

from tests.model.calendar import is_welcome
from tests.model.decisions import decisions_not_as_foreseen
from tests.model.evidence import BotMessage, Evidence, duplicate_ids
from tests.model.facts import Phase, Round
from tests.model.messages import not_as_foreseen, rightly_expired
from tests.model.promises import number_of
from tests.model.reference_model import ReferenceModel
from tests.model.world import World

FIVE_DAYS = timedelta(days=5)
#: Actions that may be due for a closed round, and for an ended phase.
AFTER_CLOSING = {"scrub", "show_results", "link_results"}
AFTER_THE_END = {
    *(
        "open_round",
        "follow_up_parked",
        "post_talking_points",
        "deliver_concerns",
        "send_goodbye",
        "send_late_thanks",
        "check_channel",
    ),
}
#: Calls whose views are shown to one person only, and appear in no export.
VIEW_METHODS = {"views.open", "views.push", "views.update"}
ANSWER_FIELDS = ("initial_option", "selected_option", "initial_value")
FINAL_STATES = {"sent", "expired"}


def check(
    evidence: Evidence, fresh: list[BotMessage], world: World, reference_model: ReferenceModel
) -> None:
    """Check every invariant."""
    check_one_active_phase_per_channel(evidence)
    check_every_message_is_posted_once(evidence, world.now)
    check_message_order(evidence)
    check_working_hours(fresh, evidence, reference_model)
    check_round_spacing(evidence)
    check_results_stay_anonymous(evidence)
    check_ballots_are_deleted_with_their_round(evidence)
    check_set_aside_work_is_returned(evidence)
    check_pins_and_bookmarks(evidence, world)
    check_agenda(evidence, world.now)
    check_phases_match_model(evidence, reference_model)
    check_messages_match_model(evidence, reference_model)
    assert world.slack.problems == []


def check_answers_stay_private(world: World, comments: dict[str, Round]) -> None:
    """Answers appear only in views of their author; comments only after the round has closed."""
    fresh = world.unread_calls()
    still_open = [text for text, one in comments.items() if one.is_open]
    for call in fresh:
        if call.method not in VIEW_METHODS:
            sent = json.dumps(call.args, default=str)
            assert not any(word in sent for word in ANSWER_FIELDS), call.method
            assert not any(text in sent for text in still_open), call.method


def check_one_active_phase_per_channel(evidence: Evidence) -> None:
    active = [row["channel_id"] for row in evidence.phases if row["state"] == "active"]
    assert len(active) == len(set(active)), active


def check_nothing_is_posted_twice(evidence: Evidence) -> None:
    assert duplicate_ids(evidence.bot_messages) == []


def check_every_message_is_posted_once(evidence: Evidence, now: datetime) -> None:
    """No message is duplicated, lost, or unknown to the outbox."""
    check_nothing_is_posted_twice(evidence)
    in_slack = {one.message_id for one in evidence.bot_messages}
    posts = [row for row in evidence.messages if row["operation"] == "post"]
    assert in_slack == {row["message_id"] for row in posts if row["state"] == "sent"}
    for row in evidence.messages:
        waits = row["state"] == "pending" and row["not_before"] > now
        assert waits or row["state"] in FINAL_STATES, (row["key"], row["state"], row["error"])


def check_messages_match_model(evidence: Evidence, reference_model: ReferenceModel) -> None:
    """The outbox holds exactly the messages that the model predicts, each on time."""
    rows = {row["key"]: dict(row) for row in evidence.messages}
    ids: dict[Phase | Round, str] = {one: one.phase_id for one in reference_model.phases}
    for phase in reference_model.phases:
        found = evidence.rounds_of(phase.phase_id)
        ids |= {one: row["round_id"] for one, row in zip(phase.rounds, found, strict=True)}
    letters = reference_model.letters
    wrong = list(not_as_foreseen(letters, reference_model.rounds(only_open=False), rows, ids))
    wrong += decisions_not_as_foreseen(reference_model.phases, letters, rows)
    assert wrong == [], wrong
    for key, row in rows.items():
        assert row["state"] != "expired" or rightly_expired(key, row, rows), (key, row["error"])


def check_message_order(evidence: Evidence) -> None:
    """Messages of a conversation keep their order, except those with a later `not_before`."""
    rows = {row["message_id"]: row for row in evidence.messages}
    for channel in {one.channel for one in evidence.bot_messages}:
        here = sorted((one for one in evidence.bot_messages if one.channel == channel), key=_ts)
        for earlier, later in pairwise(here):
            first, second = rows[earlier.message_id], rows[later.message_id]
            overtook = first["message_id"] > second["message_id"]
            allowed = first["not_before"] < second["not_before"]
            assert allowed or not overtook, (first["key"], second["key"])


def check_working_hours(
    fresh: list[BotMessage], evidence: Evidence, reference_model: ReferenceModel
) -> None:
    """Direct messages arrive from 08:00 to 20:00 on weekdays, in the recipient's zone."""
    rows = {row["message_id"]: row for row in evidence.messages}
    for one in fresh:
        if one.to is not None:
            key, person = rows[one.message_id]["key"], reference_model.people[one.to]
            assert is_welcome(one.at, person.zone), (key, one.at, person.zone)


def check_round_spacing(evidence: Evidence) -> None:
    """Rounds of a channel are five days apart; cancelled rounds asked nobody and do not count."""
    taken_back = {row["round_id"] for row in evidence.rounds if row["state"] == "cancelled"}
    asked = evidence.with_key_prefix("ask:").items()
    sent = {key.partition(":")[0] for key, row in asked if row["state"] == "sent"}
    assert not sent & taken_back, sent & taken_back
    channels = {row["phase_id"]: row["channel_id"] for row in evidence.phases}
    for channel in set(channels.values()):
        opened = sorted(
            row["opened_at"]
            for row in evidence.rounds
            if channels[row["phase_id"]] == channel and row["round_id"] not in taken_back
        )
        for earlier, later in pairwise(opened):
            # A week with a change to daylight saving time is an hour short.
            assert later - earlier >= FIVE_DAYS - timedelta(hours=1), (earlier, later)


def check_results_stay_anonymous(evidence: Evidence) -> None:
    """Levels are rounded as the round says; no phrase or change in teams under eight."""
    rounds = {row["round_id"]: row for row in evidence.rounds}
    for row in evidence.figures:
        of_round = rounds[row["round_id"]]
        is_fine = of_round["rounding"] == "half"
        assert (row["level"] * (2 if is_fine else 1)).is_integer()
        if not is_fine or of_round["asked"] < 8:
            assert (row["share"], row["change"]) == (None, None)


def check_ballots_are_deleted_with_their_round(evidence: Evidence) -> None:
    is_open = {row["round_id"] for row in evidence.rounds if row["state"] == "open"}
    assert set(evidence.ballots) <= is_open
    assert set(evidence.secrets) == is_open


def check_set_aside_work_is_returned(evidence: Evidence) -> None:
    active = {row["phase_id"] for row in evidence.phases if row["state"] == "active"}
    for row in evidence.items:
        is_over, is_back = row["phase_id"] not in active, row["back_on"] is not None
        is_parked = row["outcome"] == "parked"
        assert is_parked == (row["parked_until"] is not None), row["text"]
        assert (row["outcome"] is not None) == (is_over or is_back or is_parked), row["text"]


def check_pins_and_bookmarks(evidence: Evidence, world: World) -> None:
    """Each active phase has one pin and one bookmark; ended phases have none."""
    ts_by_key = {row["key"]: row["ts"] for row in evidence.messages}
    for channel in {row["channel_id"] for row in evidence.phases}:
        active = [
            row["phase_id"]
            for row in evidence.phases
            if row["channel_id"] == channel and row["state"] == "active"
        ]
        here = world.slack.workspace.conversations[channel]
        expected = [ts_by_key[f"announcement:{one}"] for one in active]
        assert [pin["ts"] for pin in here.pins] == expected
        assert len(here.bookmarks) == len(expected)


def check_agenda(evidence: Evidence, now: datetime) -> None:
    """No agenda item is late, and ended phases and closed rounds have only allowed actions."""
    active = {row["phase_id"]: row["state"] == "active" for row in evidence.phases}
    is_open = {row["round_id"]: row["state"] == "open" for row in evidence.rounds}
    for row in evidence.agenda:
        assert row["due_at"] > now, (row["action"], row["subject"], row["due_at"])
        about = row["subject"].split(":")[0]
        if about in active and not active[about]:
            assert row["action"] in AFTER_THE_END, row["action"]
        if about in is_open and not is_open[about]:
            assert row["action"] in AFTER_CLOSING, row["action"]


def check_phases_match_model(evidence: Evidence, reference_model: ReferenceModel) -> None:
    assert len(evidence.phases) == len(reference_model.phases)
    for phase in reference_model.phases:
        row = evidence.phase(phase.phase_id)
        assert row["channel_id"] == phase.channel
        assert (row["state"] == "active") == phase.is_active
        assert row["ends_on"] == phase.ends
        assert (row["wrapped_up_at"] is not None) == phase.is_wrapped_up
        _check_rounds_match_model(evidence, row, phase)
        _check_decisions_match_model(evidence, phase)
        _check_promises_match_model(evidence, phase)


def _check_decisions_match_model(evidence: Evidence, phase: Phase) -> None:
    """Of each phase at most one decision is open, and none once it has ended."""
    rows = [row for row in evidence.decisions if row["phase_id"] == phase.phase_id]
    still_open = [row for row in rows if row["choice"] is None]
    assert len(still_open) <= int(phase.is_active)
    if phase.decisions_uncertain:
        return
    found = [(row["cause"], row["asked_at"], row["choice"], row["decided_by"]) for row in rows]
    expected = [(one.cause, one.asked_at, one.choice, one.by) for one in phase.decisions]
    assert sorted(found, key=str) == sorted(expected, key=str)


def _check_promises_match_model(evidence: Evidence, phase: Phase) -> None:
    """There is at most one change a week, and each has the outcome that the team said."""
    rows = [row for row in evidence.promises if row["phase_id"] == phase.phase_id]
    found = {(row["promise_id"], row["made_by"], row["is_change"], row["outcome"]) for row in rows}
    promises = phase.promises
    assert found == {(one.promise_id, one.by, one.is_change, one.outcome) for one in promises}
    weeks = [number_of(phase, one) for one in promises if one.is_change]
    assert len(weeks) == len(set(weeks))


def _check_rounds_match_model(evidence: Evidence, row: RowMapping, phase: Phase) -> None:
    rows = evidence.rounds_of(row["phase_id"])
    opened = [(one["kind"], one["opened_at"], one["closes_at"]) for one in rows]
    assert opened == [(one.kind, one.opened_at, one.closes_at) for one in phase.rounds]
    for found, one in zip(rows, phase.rounds, strict=True):
        assert (found["state"] == "open") == one.is_open
        assert found["minimum"] == one.minimum
        assert (found["asked"], found["rounding"]) == (one.roster_size, one.rounding)
        assert found["check_kind"] == one.check
        promise_id = one.checked.promise_id if one.checked else None
        assert found["check_subject"] == promise_id
        _check_people_match_model(evidence, found["round_id"], one)
        if one.is_open:
            assert evidence.ballots.get(found["round_id"], 0) == len(one.ballots)
        else:
            _check_results_match_model(evidence, found, one)


def _check_people_match_model(evidence: Evidence, round_id: str, one: Round) -> None:
    slots = {
        row["user_id"]: row["slot_at"]
        for row in evidence.round_people
        if row["round_id"] == round_id
    }
    assert {user for user, slot_at in slots.items() if slot_at} == one.people
    assert set(slots) == one.can_answer | one.leads
    asked = {*_sent(evidence, f"ask:{round_id}:"), *_sent(evidence, f"reflect:{round_id}:")}
    assert asked ^ set(one.asked) <= one.uncertain, (one.kind, asked ^ set(one.asked))
    reminded = set(_sent(evidence, f"remind:{round_id}:"))
    assert reminded ^ set(one.reminded) <= one.uncertain, (one.kind, reminded ^ set(one.reminded))


def _check_results_match_model(evidence: Evidence, found: RowMapping, one: Round) -> None:
    if found["state"] == "cancelled":  # it was open during downtime only
        assert not one.reached - one.uncertain
    assert bool(found["reached_minimum"]) == bool(one.shown)
    figures = [row for row in evidence.figures if row["round_id"] == found["round_id"]]
    assert {row["key"] for row in figures} == set(one.shown)
    nearest = 0.25 if one.rounding == "half" else 0.5
    for row in figures:
        levels = one.shown[row["key"]]
        assert abs(row["level"] - sum(levels) / len(levels)) <= nearest
        assert (row["share"] is None) == (len(levels) < 8 or one.rounding == "whole")
    assert found["check_outcome"] == one.check_outcome
    assert found["shown_at"] == one.shown_at


def _sent(evidence: Evidence, prefix: str) -> list[str]:
    return [who for who, row in evidence.with_key_prefix(prefix).items() if row["state"] == "sent"]


def _ts(one: BotMessage) -> tuple[int, ...]:
    return tuple(int(part) for part in one.ts.split("."))
