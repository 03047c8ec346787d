"""The page of a channel's history: its words, buttons and limits."""

from dataclasses import replace
from itertools import product

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.history import history_page
from bot.history.messages import picture_message
from bot.history.model import HistoryPage, PageTarget, PastPhase
from bot.history.rules import PAGE_SIZE
from bot.playground.fake_slack.checks import check_blocks, check_view
from bot.slack.errors import Refused
from tests.announcement.phases import HOSTILE
from tests.harness import LAUNCH
from tests.history.past_phases import FIRST, PAGE, SILENT, page
from tests.results.closed_rounds import START

PAGES = {
    "several": PAGE,
    "no levels": page(SILENT),
    "in the middle": page(FIRST, newer=PAGE_SIZE, has_older=True),
    "empty": page(),
    "past the last": page(newer=PAGE_SIZE),
}


@pytest.mark.parametrize("name", PAGES)
def test_page_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    view = history_page.build(PAGES[name]).to_dict()
    assert check_view(view) == []

    assert view == snapshot.use_extension(JSONSnapshotExtension)


def test_page_after_the_picture_was_sent_says_so_and_does_not_offer_it_again() -> None:
    shown = str(history_page.build(PAGE, is_picture_sent=True).to_dict())

    assert history_page.PICTURE_SENT in shown
    assert history_page.SEND_PICTURE not in shown


def test_guest_reads_why_they_may_start_no_phase() -> None:
    shown = str(history_page.build(page(), refusal_to_start="Guests can't start one.").to_dict())

    assert "Guests can't start one." in shown
    assert "Start a Phase" not in shown


def test_picture_message_matches_snapshot(snapshot: SnapshotAssertion) -> None:
    message = picture_message(PAGE)
    assert check_blocks(message.blocks, "message") == []
    assert not any(sign.isdigit() for sign in message.text.replace(LAUNCH, ""))

    assert [message.text, message.blocks] == snapshot.use_extension(JSONSnapshotExtension)


def longest_page(sample: str) -> HistoryPage:
    """A page on which every text is as long as its form allows."""
    labels = {key: (sample * 75)[:75] for key in START.labels}
    shown = replace(START, labels=labels)
    phase = replace(FIRST.phase, milestone=(sample * 240)[:240], outcome=(sample * 1_000)[:1_000])
    past = PastPhase(phase=phase, rounds=(shown, replace(shown, kind="weekly")))
    return page(*[past] * PAGE_SIZE, newer=PAGE_SIZE, has_older=True)


@pytest.mark.parametrize("sample", ["&", "*", "x", "y\n", "日", "😀", HOSTILE])
def test_page_and_picture_message_with_the_longest_texts_fit_in_slack(sample: str) -> None:
    full = longest_page(sample)

    assert check_view(history_page.build(full).to_dict()) == []
    assert check_blocks(picture_message(full).blocks, "message") == []


def test_metadata_round_trips() -> None:
    for facts, from_channel in product((PAGE, PAGES["in the middle"]), (False, True)):
        target = history_page.build(replace(facts, from_channel=from_channel)).private_metadata
        assert history_page.read_metadata(str(target)) == PageTarget(
            channel_id=LAUNCH, newer=facts.newer, from_channel=from_channel
        )


def test_page_of_a_channel_without_phases_names_it_alone() -> None:
    empty = replace(PAGES["empty"], from_channel=True)

    assert history_page.build(empty).private_metadata == LAUNCH


@pytest.mark.parametrize("newer", ["-10", "x", "٣", "1" * 7, "1:2", "here:here"])
def test_foreign_metadata_is_refused(newer: str) -> None:
    with pytest.raises(Refused):
        history_page.read_metadata(f"{LAUNCH}:{newer}")
