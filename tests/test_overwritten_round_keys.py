"""A round key is overwritten where it lies before its file is deleted."""

from pathlib import Path

import pytest

from bot import round_keys
from bot.keys import KEY_BYTES


def test_key_is_overwritten_whole_and_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is truncated first may get other blocks, and the old ones keep the key."""
    file = tmp_path / "key"
    key, noise = b"k" * KEY_BYTES, b"n" * KEY_BYTES
    file.write_bytes(key)
    while_open: list[bytes] = []

    def random_bytes(count: int) -> bytes:
        while_open.append(file.read_bytes())
        return noise[:count]

    monkeypatch.setattr(round_keys, "random_bytes", random_bytes)

    round_keys._overwrite(file)

    assert while_open == [key]
    assert file.read_bytes() == noise
