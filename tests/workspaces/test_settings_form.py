"""The settings form for admins, the questions form, and the read-only view for everyone."""

from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.playground.fake_slack.checks import check_blocks, check_view
from bot.rounds import questions_form
from bot.rounds.questions import WORDINGS
from bot.slack.errors import Refused
from bot.workspaces import messages, settings_form
from bot.workspaces.public_holidays import countries
from bot.workspaces.rules import WorkspaceSettings, faults

DEFAULTS = WorkspaceSettings()
CUSTOM = WorkspaceSettings(
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
    country="PT",
    asks_checks=False,
)
WORDING = {"ego": {"label": "Room to err?", "to_lead": "Do I let people err?"}}


@pytest.fixture
def json_snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


def unchanged_values(view: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what Slack submits for a form in which nothing was changed."""
    names = {
        "initial_value": "value",
        "initial_users": "selected_users",
        "initial_option": "selected_option",
        "initial_options": "selected_options",
        "initial_time": "selected_time",
    }
    values: dict[str, dict[str, dict[str, Any]]] = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            state = {to: element.get(name) for name, to in names.items()}
            values[block["block_id"]] = {element["action_id"]: state}
    return values


@pytest.mark.parametrize("settings", [DEFAULTS, CUSTOM], ids=["defaults", "custom"])
def test_settings_form_matches_snapshot(
    settings: WorkspaceSettings, json_snapshot: SnapshotAssertion
) -> None:
    view = settings_form.build(settings).to_dict()

    assert check_view(view) == []
    (menu,) = (one["element"] for one in view["blocks"] if one.get("block_id") == "country")
    groups = menu["option_groups"]  # of 250 countries: only the chosen one's letter is compared
    menu["option_groups"] = [one for one in groups if menu["initial_option"] in one["options"]]
    assert view == json_snapshot


def test_country_is_chosen_from_all_that_the_library_knows() -> None:
    view = settings_form.build(DEFAULTS).to_dict()
    (menu,) = (one["element"] for one in view["blocks"] if one.get("block_id") == "country")
    none, *letters = menu["option_groups"]
    offered = {
        option["value"]: (group["label"]["text"], option["text"]["text"])
        for group in letters
        for option in group["options"]
    }

    assert [option["value"] for option in none["options"]] == [settings_form.NO_COUNTRY]
    assert len(offered) == len(countries()) > 240
    assert [offered[code] for code in ("AX", "CI", "DE", "GB", "TR")] == [
        ("A", "Åland Islands"),
        ("C", "Côte d’Ivoire"),
        ("G", "Germany"),
        ("U", "United Kingdom"),
        ("T", "Türkiye"),
    ]
    labels = [group["label"]["text"] for group in letters]
    assert labels == sorted(set(labels))


@pytest.mark.parametrize("chosen", [{}, None, {"value": "XX"}, {"value": ""}])
def test_country_that_was_not_offered_is_refused(chosen: dict[str, str] | None) -> None:
    values = unchanged_values(settings_form.build(CUSTOM).to_dict())
    values["country"][settings_form.VALUE]["selected_option"] = chosen

    with pytest.raises(Refused):
        settings_form.parse(values)


def test_country_that_the_library_no_longer_knows_stays_as_it_is() -> None:
    stored = replace(CUSTOM, country="XX")
    view = settings_form.build(stored).to_dict()
    submitted = settings_form.parse(unchanged_values(view))

    saved = settings_form.with_changes(stored, view["private_metadata"], submitted)
    assert check_view(view) == []
    assert saved == stored


@pytest.mark.parametrize("settings", [DEFAULTS, CUSTOM], ids=["defaults", "custom"])
def test_settings_form_round_trips(settings: WorkspaceSettings) -> None:
    view = settings_form.build(settings).to_dict()

    assert settings_form.parse(unchanged_values(view)) == settings


def test_only_settings_changed_in_the_form_are_saved() -> None:
    """Another admin changed the minimum while this form was open."""
    view = settings_form.build(DEFAULTS).to_dict()
    submitted = replace(settings_form.parse(unchanged_values(view)), sprint_max_weeks=5)
    stored = replace(DEFAULTS, minimum_small=6, questions=WORDING)

    saved = settings_form.with_changes(stored, view["private_metadata"], submitted)

    assert saved == replace(stored, sprint_max_weeks=5)


def test_empty_starters_field_means_no_restriction() -> None:
    view = settings_form.build(CUSTOM).to_dict()
    values = unchanged_values(view)
    values["starters"][settings_form.VALUE]["selected_users"] = []
    submitted = settings_form.parse(values)

    saved = settings_form.with_changes(CUSTOM, view["private_metadata"], submitted)
    assert saved.starters is None


def test_maximum_number_of_starters_fits_form_and_message() -> None:
    starters = tuple(f"U{n:010}" for n in range(settings_form.MAX_STARTERS))
    view = settings_form.build(replace(CUSTOM, starters=starters)).to_dict()

    assert check_view(view) == []
    assert (
        check_blocks(messages.read_only(replace(CUSTOM, starters=starters)).blocks, "message") == []
    )


@pytest.mark.parametrize("typed", ["", "-1", "many", "1.5", "99"])
def test_invalid_number_is_reported_as_out_of_bounds(typed: str) -> None:
    values = unchanged_values(settings_form.build(DEFAULTS).to_dict())
    values["minimum_small"][settings_form.VALUE]["value"] = typed

    (wrong,) = faults(settings_form.parse(values))
    assert wrong.field == "minimum_small"
    assert wrong.text == "Choose a number from 4 to 7."


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
def test_invalid_setting_is_reported_at_its_field(changed: dict[str, Any], field: str) -> None:
    assert [fault.field for fault in faults(replace(DEFAULTS, **changed))] == [field]


def test_questions_form_matches_snapshot(json_snapshot: SnapshotAssertion) -> None:
    view = questions_form.build(WORDINGS, WORDING).to_dict()

    assert check_view(view) == []
    assert view == json_snapshot


@pytest.mark.parametrize("wording", [{}, WORDING])
def test_only_wording_that_differs_from_the_default_is_kept(
    wording: dict[str, dict[str, str]],
) -> None:
    view = questions_form.build(WORDINGS, wording).to_dict()

    assert questions_form.parse(unchanged_values(view), WORDINGS) == wording


def test_empty_wording_restores_the_default() -> None:
    values = unchanged_values(questions_form.build(WORDINGS, WORDING).to_dict())
    for block in values.values():
        block[questions_form.VALUE]["value"] = None

    assert questions_form.parse(values, WORDINGS) == {}


@pytest.mark.parametrize("settings", [DEFAULTS, CUSTOM], ids=["defaults", "custom"])
def test_read_only_settings_match_snapshot(
    settings: WorkspaceSettings, json_snapshot: SnapshotAssertion
) -> None:
    message = messages.read_only(settings)

    assert check_blocks(message.blocks, "message") == []
    assert {"text": message.text, "blocks": message.blocks} == json_snapshot


def test_every_setting_has_a_display_name() -> None:
    assert set(messages.NAMES) == set(WorkspaceSettings.__dataclass_fields__)
