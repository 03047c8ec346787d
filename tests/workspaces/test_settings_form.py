"""The settings as admins fill them in and as everyone else reads them."""

from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.playground.fake_slack.checks import check_blocks, check_view
from bot.rounds import questions_form
from bot.rounds.questions import QUESTIONS
from bot.workspaces import messages, settings_form
from bot.workspaces.rules import WorkspaceSettings, faults

OURS = WorkspaceSettings()
THEIRS = WorkspaceSettings(
    sprint_warn_weeks=3,
    sprint_max_weeks=5,
    trust_max_weeks=8,
    budget_percent=25,
    starters=("U0ANA", "U0BEN"),
    minimum_small=5,
    minimum_large=7,
    default_weeks=3,
    default_weekday=3,
    default_time=time(15, 30),
    default_zone="Europe/Lisbon",
)
WORDS = {"ego": {"label": "Room to err?", "to_lead": "Do I let people err?"}}


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


def as_opened(view: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """What Slack sends of a form in which nothing was touched."""
    names = {
        "initial_value": "value",
        "initial_users": "selected_users",
        "initial_option": "selected_option",
        "initial_time": "selected_time",
    }
    values: dict[str, dict[str, dict[str, Any]]] = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            state = {to: element.get(name) for name, to in names.items()}
            values[block["block_id"]] = {element["action_id"]: state}
    return values


@pytest.mark.parametrize("settings", [OURS, THEIRS], ids=["ours", "theirs"])
def test_is_shown_as_before(settings: WorkspaceSettings, picture: SnapshotAssertion) -> None:
    view = settings_form.build(settings).to_dict()

    assert check_view(view) == []
    assert view == picture


@pytest.mark.parametrize("settings", [OURS, THEIRS], ids=["ours", "theirs"])
def test_parse_reads_what_build_wrote(settings: WorkspaceSettings) -> None:
    view = settings_form.build(settings).to_dict()

    assert settings_form.parse(as_opened(view)) == settings


def test_only_what_was_changed_in_the_form_is_saved() -> None:
    """Another admin changed the minimum while this form was open."""
    view = settings_form.build(OURS).to_dict()
    given = replace(settings_form.parse(as_opened(view)), sprint_max_weeks=5)
    meanwhile = replace(OURS, minimum_small=6, questions=WORDS)

    saved = settings_form.with_changes(meanwhile, view["private_metadata"], given)

    assert saved == replace(meanwhile, sprint_max_weeks=5)


def test_nobody_chosen_means_anybody() -> None:
    view = settings_form.build(THEIRS).to_dict()
    values = as_opened(view)
    values["starters"][settings_form.VALUE]["selected_users"] = []
    given = settings_form.parse(values)

    saved = settings_form.with_changes(THEIRS, view["private_metadata"], given)
    assert saved.starters is None


def test_the_most_starters_fit_what_a_form_may_carry() -> None:
    crowd = tuple(f"U{n:010}" for n in range(settings_form.MOST_STARTERS))
    view = settings_form.build(replace(THEIRS, starters=crowd)).to_dict()

    assert check_view(view) == []
    assert check_blocks(messages.read_only(replace(THEIRS, starters=crowd)).blocks, "message") == []


@pytest.mark.parametrize("typed", ["", "-1", "many", "1.5", "99"])
def test_a_forged_number_is_out_of_bounds(typed: str) -> None:
    values = as_opened(settings_form.build(OURS).to_dict())
    values["minimum_small"][settings_form.VALUE]["value"] = typed

    (wrong,) = faults(settings_form.parse(values))
    assert wrong.field == "minimum_small"
    assert wrong.text.startswith("Nothing was saved")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"minimum_large": 4}, "minimum_large"),
        ({"default_weeks": 7}, "default_weeks"),
        ({"trust_max_weeks": 1}, "default_weeks"),
        ({"sprint_warn_weeks": 7}, "sprint_warn_weeks"),
        ({"sprint_max_weeks": 3}, "sprint_warn_weeks"),
        ({"default_time": time(21)}, "default_time"),
        ({"default_zone": "Lisbon"}, "default_zone"),
        ({"default_zone": ""}, "default_zone"),
        ({"default_zone": "../etc"}, "default_zone"),
        ({"questions": {"ego": {"label": "x" * 76}}}, "ego_label"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(changed: dict[str, Any], field: str) -> None:
    assert [fault.field for fault in faults(replace(OURS, **changed))] == [field]


def test_the_words_are_shown_as_before(picture: SnapshotAssertion) -> None:
    view = questions_form.build(QUESTIONS, WORDS).to_dict()

    assert check_view(view) == []
    assert view == picture


@pytest.mark.parametrize("words", [{}, WORDS])
def test_only_words_that_differ_from_ours_are_kept(words: dict[str, dict[str, str]]) -> None:
    view = questions_form.build(QUESTIONS, words).to_dict()

    assert questions_form.parse(as_opened(view), QUESTIONS) == words


def test_words_left_empty_are_ours_again() -> None:
    values = as_opened(questions_form.build(QUESTIONS, WORDS).to_dict())
    for block in values.values():
        block[questions_form.VALUE]["value"] = None

    assert questions_form.parse(values, QUESTIONS) == {}


@pytest.mark.parametrize("settings", [OURS, THEIRS], ids=["ours", "theirs"])
def test_everyone_may_read_them(settings: WorkspaceSettings, picture: SnapshotAssertion) -> None:
    message = messages.read_only(settings)

    assert check_blocks(message.blocks, "message") == []
    assert {"text": message.text, "blocks": message.blocks} == picture


def test_every_setting_has_a_name() -> None:
    assert set(messages.NAMES) == set(WorkspaceSettings.__dataclass_fields__)
