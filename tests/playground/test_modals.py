"""Modals: filled, validated by the client, submitted, pushed, updated and closed."""

from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.server import FakeSlack
from tests.playground.helpers import (
    ANA,
    BEN,
    LAUNCH,
    answer_submissions,
    error_name,
    field,
    home,
    modal,
    open_with_command,
    option,
    radio,
    section,
    text_input,
)

TOO_LONG = modal(field("b", text_input(initial_value="x" * 241, max_length=240)))

pytestmark = pytest.mark.usefixtures("socket")


async def test_submission_sends_the_whole_state(slack: FakeSlack, app: AsyncApp) -> None:
    form = modal(
        field("level", radio(initial_option=option("3"))),
        field("why", text_input("why")),
        field("more", text_input("more"), optional=True),
        field("who", {"type": "multi_users_select", "action_id": "who"}, optional=True),
        field("when", {"type": "datepicker", "action_id": "when", "initial_date": "2026-12-18"}),
        private_metadata="7",
    )
    open_with_command(app, form)
    received = answer_submissions(app, {})
    ana = slack.as_user(ANA)
    await ana.command("/note", LAUNCH)
    assert ana.top_view is not None
    view_id = ana.top_view["id"]
    await ana.fill(view_id, {"why": "because", "who": [BEN]})
    result = await ana.submit(view_id)

    values = received[0]["view"]["state"]["values"]
    assert values["level"]["level"]["selected_option"]["value"] == "3"
    assert values["why"]["why"] == {"type": "plain_text_input", "value": "because"}
    assert values["more"]["more"]["value"] is None
    assert values["who"]["who"]["selected_users"] == [BEN]
    assert values["when"]["when"]["selected_date"] == "2026-12-18"
    assert (received[0]["view"]["id"], received[0]["view"]["private_metadata"]) == (view_id, "7")
    assert (result.errors, result.view) == ({}, None)


@pytest.mark.parametrize(
    ("element", "value", "error"),
    [
        (text_input(), None, "required"),
        (text_input(), "   ", "required"),
        (text_input(max_length=3), "four", "too long: 4 characters of 3"),
        (text_input(), "x" * 3001, "too long: 3001 characters of 3000"),
        (text_input(min_length=3), "a", "too short"),
        (radio(), None, "required"),
        ({"type": "number_input", "is_decimal_allowed": False, "action_id": "n"}, "1.5", "number"),
        (
            {
                "type": "number_input",
                "is_decimal_allowed": True,
                "action_id": "n",
                "max_value": "2",
            },
            "2.5",
            "between",
        ),
        ({"type": "email_text_input", "action_id": "n"}, "ana", "email"),
    ],
)
async def test_client_validates_inputs_before_it_submits(
    slack: FakeSlack, app: AsyncApp, element: dict[str, Any], value: Any, error: str
) -> None:
    open_with_command(app, modal(field("field", element)))
    received = answer_submissions(app, {})
    ana = slack.as_user(ANA)
    await ana.command("/note", LAUNCH)
    await ana.fill(ana.top_view["id"], {"field": value})  # type: ignore[index]
    result = await ana.submit()

    assert error in result.errors["field"]
    assert received == []


async def test_errors_are_shown_and_typed_values_are_kept(slack: FakeSlack, app: AsyncApp) -> None:
    open_with_command(app, modal(field("field", text_input())))
    answer_submissions(app, {"response_action": "errors", "errors": {"field": "too vague"}}, {})
    ana = slack.as_user(ANA)
    await ana.command("/note", LAUNCH)
    await ana.fill(ana.top_view["id"], {"text": "x"})  # type: ignore[index]
    refused = await ana.submit()

    assert refused.errors == {"field": "too vague"}
    assert refused.view is not None
    assert refused.view["state"]["values"]["field"]["text"]["value"] == "x"
    assert (await ana.submit()).view is None


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "errors", "errors": {"words": "not an input"}},
        {"response_action": "update", "view": modal(section("x" * 3001))},
        {"response_action": "update", "view": home(section())},
        {"response_action": "update", "view": TOO_LONG},
        {"response_action": "push", "view": TOO_LONG},
        {"response_action": "update", "view": modal(section(block_id="a"), section(block_id="a"))},
    ],
)
async def test_invalid_response_to_a_submission_shows_a_failure(
    slack: FakeSlack, app: AsyncApp, answer: dict[str, Any]
) -> None:
    open_with_command(
        app, modal(section(block_id="words"), field("field", text_input(), optional=True))
    )
    answer_submissions(app, answer)
    ana = slack.as_user(ANA)
    await ana.command("/note", LAUNCH)
    result = await ana.submit()

    assert result.failure == "We had some trouble connecting. Try again?"
    assert result.view is not None
    assert len(slack.problems) == 1


async def test_modals_can_be_pushed_updated_and_cleared(slack: FakeSlack, app: AsyncApp) -> None:
    first = modal(field("a", text_input(), optional=True))
    open_with_command(app, first)
    answer_submissions(
        app,
        {"response_action": "push", "view": modal(field("b", text_input(), optional=True))},
        {"response_action": "push", "view": modal(field("c", text_input(), optional=True))},
        {"response_action": "update", "view": modal(field("d", text_input(), optional=True))},
        {},
        {"response_action": "clear"},
    )
    ana = slack.as_user(ANA)
    await ana.command("/note", LAUNCH)
    stacks = []
    for _ in range(5):
        await ana.submit()
        stacks.append([view.blocks[0]["block_id"] for view in slack.workspace.stack_of(ANA)])

    assert stacks == [["a", "b"], ["a", "b", "c"], ["a", "b", "d"], ["a", "b"], []]


async def test_fourth_modal_is_refused(slack: FakeSlack, app: AsyncApp) -> None:
    form = modal(field("a", text_input(), optional=True))
    open_with_command(app, form)
    answer_submissions(app, {"response_action": "push", "view": form})
    ana = slack.as_user(ANA)
    await ana.command("/note", LAUNCH)
    results = [await ana.submit() for _ in range(3)]

    assert [bool(result.failure) for result in results] == [False, False, True]
    assert "push_limit_reached" in slack.problems[0]


async def test_view_closed_is_sent_with_notify_on_close(slack: FakeSlack, app: AsyncApp) -> None:
    open_with_command(app, modal(section(), notify_on_close=True))
    closed = []

    @app.view_closed("form")
    async def view_closed(ack: Any, body: dict[str, Any]) -> None:
        closed.append(body["is_cleared"])
        await ack()

    ana = slack.as_user(ANA)
    for everything in (False, True):
        await ana.command("/note", LAUNCH)
        await ana.close(everything=everything)

    assert closed == [False, True]
    assert ana.top_view is None


async def test_trigger_id_opens_one_modal_and_expires(
    slack: FakeSlack, app: AsyncApp, api: AsyncWebClient
) -> None:
    triggers = []

    @app.command("/note")
    async def note(ack: Any, body: dict[str, Any]) -> None:
        triggers.append(body["trigger_id"])
        await ack()

    for _ in range(2):
        await slack.as_user(ANA).command("/note", LAUNCH)
    view = modal(section())
    with pytest.raises(SlackApiError) as bad_view:
        await api.views_open(trigger_id=triggers[0], view=modal(section("")))
    await api.views_open(trigger_id=triggers[0], view=view)
    with pytest.raises(SlackApiError) as exchanged:
        await api.views_open(trigger_id=triggers[0], view=view)
    slack.core.triggers.age()
    with pytest.raises(SlackApiError) as expired:
        await api.views_open(trigger_id=triggers[1], view=view)
    with pytest.raises(SlackApiError) as unknown:
        await api.views_open(trigger_id="1.2.3", view=view)

    errors = [error_name(error.value) for error in (bad_view, exchanged, expired, unknown)]
    trigger_errors = ["exchanged_trigger_id", "expired_trigger_id", "invalid_trigger_id"]
    assert errors == ["invalid_arguments", *trigger_errors]
    messages = bad_view.value.response["response_metadata"]["messages"]
    assert "[json-pointer:/view/blocks/0/text/text]" in messages[0]


async def test_update_of_a_stale_or_closed_view_is_refused(
    slack: FakeSlack, app: AsyncApp, api: AsyncWebClient
) -> None:
    form = modal(field("keep", text_input()), field("drop", text_input()), external_id="mine")
    opened = open_with_command(app, form)
    ana = slack.as_user(ANA)
    await ana.command("/note", LAUNCH)
    view_id = opened[0]["id"]
    await ana.fill(view_id, {"keep": "kept", "drop": "gone"})
    changed = modal(field("keep", text_input()), field("new", text_input()), external_id="mine")
    await api.views_update(external_id="mine", view=changed, hash=opened[0]["hash"])
    with pytest.raises(SlackApiError) as stale:
        await api.views_update(view_id=view_id, view=changed, hash=opened[0]["hash"])
    await ana.close()
    with pytest.raises(SlackApiError) as closed:
        await api.views_update(view_id=view_id, view=changed)

    assert [error_name(error.value) for error in (stale, closed)] == ["hash_conflict", "not_found"]


async def test_external_id_must_be_unique(slack: FakeSlack, app: AsyncApp) -> None:
    open_with_command(app, modal(section(), external_id="mine"))
    await slack.as_user(ANA).command("/note", LAUNCH)
    slack.core.dispatch.ack_seconds = 0.2  # the app's error leaves Ben without an answer
    await slack.as_user(BEN).command("/note", LAUNCH)

    assert [call.response.get("error") for call in slack.calls if call.method == "views.open"] == [
        None,
        "duplicate_external_id",
    ]
