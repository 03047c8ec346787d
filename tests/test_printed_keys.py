"""New keys: `python -m bot keys` prints what IMBALANCE_KEYS takes, the playground makes its own."""

from pathlib import Path

import pytest

from bot.__main__ import PLAYGROUND, _playground_settings, main
from bot.keys import KeyRing
from bot.settings import load


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["keys"]) == 0
    return capsys.readouterr().out.strip()


def test_printed_keys_are_accepted_as_settings_and_differ(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = printed(capsys), printed(capsys)
    keys = load({"IMBALANCE_KEYS": f"{second},{first}"}).keys

    assert [len(key) for key in keys] == [32, 32]
    assert len(set(keys)) == 2
    ring = KeyRing(keys)
    assert ring.unwrap(ring.wrap(b"secret", "here"), "here") == b"secret"


def test_the_playgrounds_key_is_made_once_and_is_its_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (key,) = _playground_settings(PLAYGROUND, reset=False).keys
    (file,) = tmp_path.rglob("key")

    assert len(key) == 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert _playground_settings(PLAYGROUND, reset=False).keys == (key,)
    assert _playground_settings(PLAYGROUND, reset=True).keys != (key,)
