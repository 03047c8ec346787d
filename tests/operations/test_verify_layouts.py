"""What `verify-slack` asks Slack and people about layouts, tried against the fake Slack.

None of this was tried in a real workspace.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.operations import verify_layouts, verify_trials
from bot.operations.verify_slack import verify
from bot.playground.fake_slack import api_chat
from bot.playground.server import FakeSlack
from bot.settings import Settings
from tests.harness import BEN, LAUNCH, TINY_PNG
from tests.operations.test_verify_slack import act_when_posted, settings

__all__ = ["settings"]


@pytest.fixture(autouse=True)
def ready_made_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    async def draw(_: object) -> bytes:
        return TINY_PNG

    monkeypatch.setattr(verify_trials, "draw_in_child", draw)


TESTS = Path(__file__).parents[1]


async def output_of(
    settings: Settings, capsys: pytest.CaptureFixture[str], **options: Any
) -> tuple[int, str]:
    chosen = {"people": False, "wait": 0.5, **options}
    return await verify(settings, LAUNCH, http=False, **chosen), capsys.readouterr().out


async def test_slack_accepts_every_snapshot_of_a_message_or_view(
    settings: Settings, fake_slack: FakeSlack, capsys: pytest.CaptureFixture[str]
) -> None:
    _, output = await output_of(settings, capsys, snapshots=TESTS)
    stored = list(verify_layouts.stored_payloads(TESTS))

    assert f"ok    snapshots: Slack accepts all {len(stored)}." in output
    calls = [call.args for call in fake_slack.calls if call.method == "blocks.validate"]
    assert len(calls) == len(stored) > 50
    assert {key for args in calls for key in ("view", "message") if key in args} == {
        "view",
        "message",
    }


async def test_refused_snapshot_is_named_with_its_place(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "results" / "__snapshots__" / "test_messages"
    folder.mkdir(parents=True)
    text = {"type": "mrkdwn", "text": "x" * 3_001}
    for name, blocks in (("long", [{"type": "section", "text": text}]), ("fine", [])):
        content = {"text": "hello", "blocks": blocks}
        (folder / f"{name}.json").write_text(json.dumps([content]))

    exit_code, output = await output_of(settings, capsys, snapshots=tmp_path)

    assert exit_code == 1
    assert "LOOK  snapshots: Slack refuses 1 of 2." in output
    assert "test_messages/long: /blocks/0/text/text" in output


async def test_missing_snapshots_and_a_failing_check_are_no_refusal(
    settings: Settings,
    fake_slack: FakeSlack,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    exit_code, output = await output_of(settings, capsys, snapshots=tmp_path)
    assert exit_code == 0
    assert f"-     snapshots: there are none in {tmp_path}." in output

    fake_slack.faults.fail_next("blocks.validate", error="unknown_method")
    exit_code, output = await output_of(settings, capsys, snapshots=TESTS)
    assert exit_code == 0
    assert "-     snapshots: could not be tried (unknown_method)." in output


@pytest.mark.parametrize(
    ("press", "result"),
    [
        (verify_trials.SEE, "ok    {}: 1 of 1 see it."),
        (verify_trials.SEE_NOT, "LOOK  {}: 0 of 1 see it. Tell us;"),
    ],
)
async def test_people_say_what_they_see_of_broadcasts_and_buttons(
    settings: Settings,
    fake_slack: FakeSlack,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    press: str,
    result: str,
) -> None:
    monkeypatch.setattr("bot.operations.verify_slack.WITH_PEOPLE", ())
    ben = fake_slack.as_user(BEN)

    async def people() -> None:
        for text in ("AFTER", "Five buttons"):
            await act_when_posted(text, fake_slack, lambda: ben.click(press, channel=LAUNCH))

    acting = asyncio.create_task(people())
    _, output = await output_of(settings, capsys, people=True)
    await acting

    assert result.format("broadcast") in output
    assert result.format("five buttons in a row") in output
    replies = [
        call.args for call in fake_slack.calls if str(call.args.get("reply_broadcast")) in "True1"
    ]
    assert any(block["type"] == "image" for block in replies[0]["blocks"])


async def test_edit_that_does_not_reach_the_channel_is_reported(
    settings: Settings,
    fake_slack: FakeSlack,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.operations.verify_slack.WITH_PEOPLE", ())
    monkeypatch.setattr(api_chat, "_changes", lambda *_: {})

    exit_code, output = await output_of(settings, capsys, people=True, wait=0)

    assert exit_code == 1
    assert "LOOK  broadcast: its edit does not reach the channel." in output
