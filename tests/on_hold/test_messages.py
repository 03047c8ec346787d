"""Messages and forms about work on hold: texts, and what is read back from the forms."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from slack_sdk.models.views import View
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.announcement.messages import announcement, on_hold_lines
from bot.on_hold import messages, on_hold_form, proposal_forms
from bot.on_hold.lookup import SharePlace
from bot.on_hold.proposal_forms import Answer
from bot.on_hold.rules import WAITING_LIMIT, Change, HoldProposal, ItemChange, ListChanges
from bot.phases.model import ItemOutcome, Phase
from bot.playground.fake_slack.checks import check_blocks, check_view
from bot.playground.fake_slack.forms import state_values
from bot.slack.content import MAX_SECTION_LENGTH, Content
from bot.slack.errors import Refused
from tests.announcement.phases import HOSTILE, SPRINT, TODAY, TRUST, item, participant
from tests.harness import ANA, BEN, CHIARA

DARK, HIRING = SPRINT.set_aside_items
LATER = date(2027, 1, 11)
PARKED = replace(HIRING, outcome=ItemOutcome.PARKED, parked_until=LATER)
BACK = replace(
    item(2, "Logo", CHIARA), outcome=ItemOutcome.RESUMED, back_on=TODAY, back_reason="Asked."
)
CHANGED = replace(SPRINT, set_aside_items=(DARK, PARKED, BACK))
EMPTY = replace(TRUST, set_aside_items=())
PROPOSAL = HoldProposal(
    proposal_id="p1", text="Monthly report", proposed_by=BEN, proposer_name="Ben"
)
ACCEPTED = replace(PROPOSAL, accepted=True, answered_by=ANA, answer_name="Ana", answer="Good idea.")
DECLINED = replace(ACCEPTED, accepted=False, answer="The board reads it.")
WITH_REPORT = replace(SPRINT, set_aside_items=(DARK, item(1, "Monthly report", CHIARA)))
GONE = replace(SPRINT, people=(participant(ANA), participant(BEN, has_left=True)))
HOSTILE_ITEM = replace(item(0, HOSTILE, BEN), owner_name=HOSTILE)
HOSTILE_PHASE = replace(SPRINT, set_aside_items=(HOSTILE_ITEM,))
HOSTILE_PROPOSAL = replace(ACCEPTED, text=HOSTILE, proposer_name=HOSTILE, answer=HOSTILE)

MESSAGES: dict[str, Content] = {
    "announcement with parked and returned work": announcement(CHANGED, TODAY),
    "back early": messages.back_early([DARK, HIRING], "Ana", "The customer\nneeds it."),
    "proposed": messages.proposed(SPRINT, PROPOSAL),
    "proposed, no lead left": messages.proposed(replace(SPRINT, people=()), PROPOSAL),
    "proposed and accepted": messages.proposed(SPRINT, ACCEPTED),
    "proposed and declined": messages.proposed(SPRINT, DECLINED),
    "accepted": messages.answered(WITH_REPORT, ACCEPTED),
    "accepted without a line": messages.answered(WITH_REPORT, replace(ACCEPTED, answer=None)),
    "declined": messages.answered(SPRINT, DECLINED),
    "declined, the member has left": messages.answered(GONE, DECLINED),
    "parked until today": messages.parked_until_today(CHANGED, PARKED),
    "parked without owner": messages.parked_without_owner(CHANGED, PARKED),
    "found": messages.found(CHANGED, [DARK, PARKED, BACK], "phase1:1.2-0.1.2"),
    "not found, lead": messages.not_found(CHANGED, ANA),
    "not found, member": messages.not_found(CHANGED, BEN),
    "not found, outside the team": messages.not_found(CHANGED, "U0OWN"),
    "nothing on hold": messages.not_found(EMPTY, ANA),
    "shared": messages.shared(CHANGED, [DARK], "Ben"),
    "share done": messages.share_done(CHANGED, [DARK]),
    "hostile back early": messages.back_early([HOSTILE_ITEM], HOSTILE, HOSTILE),
    "hostile proposal": messages.proposed(SPRINT, replace(HOSTILE_PROPOSAL, accepted=None)),
    "hostile answer": messages.answered(HOSTILE_PHASE, HOSTILE_PROPOSAL),
    "hostile answer to a private question": messages.found(
        HOSTILE_PHASE, [HOSTILE_ITEM], "phase1:1.2-0"
    ),
}
FORMS: dict[str, View] = {
    "list": on_hold_form.build(CHANGED, (PROPOSAL, DECLINED), TODAY),
    "empty list": on_hold_form.build(EMPTY, (), TODAY),
    "propose": proposal_forms.propose_form(CHANGED),
    "accept": proposal_forms.answer_form(SPRINT, PROPOSAL, accepts=True),
    "decline": proposal_forms.answer_form(SPRINT, PROPOSAL, accepts=False),
}


def submitted(view: View, **changes: Any) -> dict[str, Any]:
    """Return what the form submits as shown, with changes by block id."""
    values = state_values(view.to_dict()["blocks"], {})
    for name, value in changes.items():
        (action_id,) = values[name]
        values[name][action_id] = {**values[name][action_id], **value}
    return values


@pytest.mark.parametrize("name", MESSAGES)
def test_message_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    message = MESSAGES[name]
    assert check_blocks(message.blocks, "message") == []
    assert len(message.text) <= 80

    shown = {"text": message.text, "blocks": message.blocks}
    assert shown == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("name", [name for name in MESSAGES if name.startswith("hostile")])
def test_what_people_wrote_never_mentions_anybody(name: str) -> None:
    text = str(MESSAGES[name].blocks)
    assert "<!channel>" not in text
    assert text.count("<@") == text.count(f"<@{ANA}>") + ("answer" in name and "<@U0BEN>" in text)


@pytest.mark.parametrize("name", FORMS)
def test_form_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    view = FORMS[name].to_dict()
    assert check_view(view) == []

    assert view == snapshot.use_extension(JSONSnapshotExtension)


def test_list_sent_as_shown_changes_nothing() -> None:
    assert on_hold_form.parse(submitted(FORMS["list"])) == ListChanges(
        changes=(
            ItemChange(position=0, was=None),
            ItemChange(position=1, was=LATER, until=LATER),
        )
    )


def test_what_is_chosen_in_the_list_is_read() -> None:
    values = submitted(
        FORMS["list"],
        **{
            "item:0:": {"selected_option": {"value": "back"}},
            "item:1:2027-01-11": {"selected_option": {"value": "park"}},
            "until:1": {"selected_date": "2027-02-01"},
            "reason": {"value": " A customer\u200b asked. "},
            "new.text": {"value": "Monthly report"},
            "new.owner": {"selected_user": BEN},
        },
    )
    assert on_hold_form.parse(values) == ListChanges(
        changes=(
            ItemChange(position=0, was=None, change=Change.BACK),
            ItemChange(position=1, was=LATER, change=Change.PARK, until=date(2027, 2, 1)),
        ),
        reason="A customer asked.",
        new_text="Monthly report",
        new_owner=BEN,
    )


def test_answers_are_read_from_their_forms() -> None:
    accepted = submitted(FORMS["accept"], reason={"value": "Fine."})
    declined = submitted(FORMS["decline"], reason={"value": "No."})
    assert proposal_forms.parse_answer(accepted) == Answer(line="Fine.", owner_id=BEN)
    assert proposal_forms.parse_answer(declined) == Answer(line="No.")


@pytest.mark.parametrize("positions", [(0,), (3, 0, 29)])
def test_place_to_share_in_fits_in_a_button_and_is_read_back(positions: tuple[int, ...]) -> None:
    place = SharePlace(phase_id="e" * 32, thread_ts="1700000000.000100", positions=positions)
    assert SharePlace.parse(str(place)) == place
    assert all(len(part) <= 32 for part in str(place).split(":"))


@pytest.mark.parametrize("value", ["", "phase1", "phase1:1.2", "phase1:1.2-", "phase1:1.2-x"])
def test_button_of_another_version_is_refused(value: str) -> None:
    with pytest.raises(Refused):
        SharePlace.parse(value)


@pytest.mark.parametrize("sample", ["&", "<", "*", "x", "word ", "日", "😀"])
@pytest.mark.parametrize("is_parked", [False, True])
def test_longest_list_fits_in_the_announcement_and_the_form(sample: str, is_parked: bool) -> None:
    state: dict[str, Any] = {"outcome": "parked", "parked_until": LATER} if is_parked else {}
    text, name = (sample * 240)[:240], (sample * 80)[:80]
    items = tuple(
        replace(item(at, text, BEN), owner_name=name, **state) for at in range(WAITING_LIMIT)
    )
    phase: Phase = replace(SPRINT, set_aside_items=items)

    assert all(len(line) <= MAX_SECTION_LENGTH for line in on_hold_lines(phase))
    assert str(on_hold_lines(phase)).count("(") == WAITING_LIMIT
    assert check_blocks(announcement(phase, TODAY).blocks, "message") == []
    proposals = (replace(PROPOSAL, text=text, proposer_name=name),) * 20
    assert check_view(on_hold_form.build(phase, proposals, TODAY).to_dict()) == []
    assert check_view(proposal_forms.propose_form(phase).to_dict()) == []
