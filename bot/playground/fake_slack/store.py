"""The workspace on disk: a JSON file, with the uploads beside it, that survives restarts."""

import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.model import Conversation, File, User, View

SAVE_AFTER_SECONDS = 0.5
VERSION = 1
#: What is kept of the installation: its token has to be the one that the bot has stored.
_INSTALL = ("token", "installer", "is_installed", "revoked")


class Store:
    """Saves the workspace atomically, a moment after the last change and on closing."""

    def __init__(self, core: Core, path: Path) -> None:
        self._core = core
        self._path = path
        self._uploads = path.with_suffix(".files")
        self._timer: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None
        self.saved = asyncio.Event()  # at least once

    def load(self) -> None:
        """Load the stored workspace, if any, and save changes from now on."""
        self._core.stream.on_change = self._changed
        if self._path.exists():
            content = json.loads(self._path.read_text("utf-8"))
            if content.get("version") == VERSION:
                self._restore(content)

    def _restore(self, content: dict[str, Any]) -> None:
        workspace, ids = self._core.workspace, self._core.ids
        workspace.empty()
        workspace.users.update((u["id"], User(**u)) for u in content["users"])
        workspace.conversations.update(
            (c["id"], Conversation(**c)) for c in content["conversations"]
        )
        workspace.files.update((f["id"], File(**f)) for f in content["files"])
        homes = [View(**view) for view in content["homes"]]
        workspace.views.update((view.id, view) for view in homes)
        workspace.homes.update((view.user_id, view.id) for view in homes)
        for file_id in workspace.files:
            upload = self._uploads / file_id
            if upload.exists():
                workspace.contents[file_id] = upload.read_bytes()
        for name, value in content.get("install", {}).items():
            setattr(self._core.install, name, value)
        ids.made, ids.last_microsecond = content["made"], content["last_microsecond"]

    def _changed(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(SAVE_AFTER_SECONDS, self._begin)

    def _begin(self) -> None:
        self._timer = None
        if self._saving is not None and not self._saving.done():
            self._changed()  # saved later, after the write in progress
            return
        self._saving = asyncio.create_task(self._save())

    async def _save(self) -> None:
        text, uploads = self._snapshot(), self._new_uploads()
        await asyncio.to_thread(self._write, text, uploads)
        self.saved.set()

    def _snapshot(self) -> str:
        workspace, ids = self._core.workspace, self._core.ids
        homes = [view for view in workspace.views.values() if view.is_home]
        return json.dumps(
            {
                "version": VERSION,
                "made": ids.made,
                "last_microsecond": ids.last_microsecond,
                "users": [asdict(user) for user in workspace.users.values()],
                "conversations": [asdict(c) for c in workspace.conversations.values()],
                "files": [asdict(file) for file in workspace.files.values()],
                "install": {name: getattr(self._core.install, name) for name in _INSTALL},
                "homes": [asdict(view) for view in homes],
            }
        )

    def _new_uploads(self) -> dict[str, bytes]:
        contents = self._core.workspace.contents
        return {name: content for name, content in contents.items() if name not in self._kept()}

    def _kept(self) -> set[str]:
        return {file.name for file in self._uploads.iterdir()} if self._uploads.exists() else set()

    def _write(self, text: str, uploads: dict[str, bytes]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        for name, content in uploads.items():
            self._uploads.mkdir(exist_ok=True)
            _write_whole(self._uploads / name, content)
        _write_whole(self._path, text.encode())

    async def close(self) -> None:
        """Save any remaining changes."""
        if self._timer is not None:
            self._timer.cancel()
        if self._saving is not None:
            await self._saving
        self._write(self._snapshot(), self._new_uploads())


def _write_whole(path: Path, content: bytes) -> None:
    """Write a temporary file, then rename it, so that nobody reads a partial file."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
