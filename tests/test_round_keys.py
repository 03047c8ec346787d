"""Round keys: files outside the database, made safely and deleted for good."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot import round_keys
from bot.keys import KeyMissing, KeyRing, Wrapped
from bot.round_keys import KeyName, KeyUse, RoundKeys

DAY = date(2026, 12, 1)
RING = KeyRing([bytes(range(32))])


def keys_in(folder: Path | None) -> RoundKeys:
    """Keys as another process or a restarted bot has them."""
    return RoundKeys(folder, RING)


def wrap(keys: RoundKeys, use: KeyUse = KeyUse.BALLOTS, day: date = DAY) -> Wrapped:
    return keys.wrap(b"secret", "here", use=use, day=day)


def test_another_process_with_the_folder_unwraps(tmp_path: Path) -> None:
    wrapped = wrap(keys_in(tmp_path))

    assert keys_in(tmp_path).unwrap(wrapped, "here") == b"secret"


def test_one_key_serves_a_day_and_a_use(tmp_path: Path) -> None:
    first, second = wrap(keys_in(tmp_path)), wrap(keys_in(tmp_path))
    next_day = wrap(keys_in(tmp_path), day=DAY + timedelta(days=1))
    text = wrap(keys_in(tmp_path), KeyUse.TEXTS)

    assert first.key_id == second.key_id
    assert len({first.key_id, next_day.key_id, text.key_id}) == len(list(tmp_path.iterdir())) == 3


def test_key_files_are_readable_by_the_bot_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    wrap(keys_in(folder))

    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_processes_that_make_a_key_at_once_can_read_each_others_values(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda _: wrap(keys_in(tmp_path)), range(32)))

    assert {keys_in(tmp_path).unwrap(each, "here") for each in values} == {b"secret"}


def test_key_and_its_name_are_on_disk_before_a_value_is_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a key that another process has just made."""
    synced: list[str] = []

    def fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        files = [file.name for file in tmp_path.iterdir()]
        synced.append("folder" if is_folder else "unfinished" if files[0][0] == "." else "late")

    monkeypatch.setattr(os, "fsync", fsync)
    wrap(keys_in(tmp_path))
    wrap(keys_in(tmp_path))

    assert synced == ["unfinished", "folder", "folder"]


@pytest.mark.parametrize("damage", ["deleted", "changed", "cut", "another folder", "no folder"])
def test_missing_or_damaged_key_is_reported_as_missing(tmp_path: Path, damage: str) -> None:
    folder: Path | None = tmp_path / "keys"
    assert folder is not None
    wrapped = wrap(keys_in(folder))
    (file,) = folder.iterdir()
    if damage == "deleted":
        file.unlink()
    elif damage in ("changed", "cut"):
        file.write_bytes(bytes(32) if damage == "changed" else b"")
    else:
        folder = tmp_path / "other" if damage == "another folder" else None

    with pytest.raises(KeyMissing):
        keys_in(folder).unwrap(wrapped, "here")


def test_values_wrapped_without_a_folder_stay_readable_with_one(tmp_path: Path) -> None:
    wrapped = wrap(keys_in(None))

    assert keys_in(tmp_path).unwrap(wrapped, "here") == b"secret"
    assert RING.unwrap(wrapped, "here") == b"secret"


def test_deleted_key_is_overwritten_first(tmp_path: Path) -> None:
    wrapped = wrap(keys_in(tmp_path))
    (file,) = tmp_path.iterdir()
    before = file.read_bytes()
    copy = tmp_path / "same blocks"
    os.link(file, copy)

    keys_in(tmp_path).delete([wrapped.key_id])

    assert not file.exists()
    assert before not in copy.read_bytes()


def test_deleting_a_key_twice_is_no_error(tmp_path: Path) -> None:
    wrapped = wrap(keys_in(tmp_path))
    for _ in range(2):
        keys_in(tmp_path).delete([wrapped.key_id])


def test_keys_of_earlier_days_include_files_that_were_never_finished(tmp_path: Path) -> None:
    old = wrap(keys_in(tmp_path)).key_id
    wrap(keys_in(tmp_path), day=DAY + timedelta(days=1))
    unfinished = f".{old}"
    (tmp_path / unfinished).touch()
    (tmp_path / "somebody's file").touch()

    assert keys_in(tmp_path).before(DAY) == set()
    assert keys_in(tmp_path).before(DAY + timedelta(days=1)) == {old, unfinished}


def test_key_id_fits_its_column() -> None:
    for use in KeyUse:
        name = KeyName(use=use, day=DAY, digest="0" * round_keys.DIGEST_LENGTH)
        assert len(str(name)) <= round_keys.KEY_ID_LENGTH
        assert KeyName.parse(str(name)) == name


@pytest.mark.parametrize("made", [True, False])
def test_unusable_folder_is_noticed_at_the_start(tmp_path: Path, made: bool) -> None:
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(OSError, match="file"):
        keys_in(file if made else file / "keys").prepare()


def test_usable_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    keys_in(tmp_path / "a" / "keys").prepare()

    assert list((tmp_path / "a" / "keys").iterdir()) == []
