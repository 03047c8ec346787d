"""`playground --workspaces 2`: the second workspace is installed by the pages, and stays so."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from tests.docs.reading import ROOT
from tests.harness import ANA, LAUNCH, OWNER
from tests.installing.conftest import Browser, free_port, new_browser_session


def three_free_ports() -> int:
    """Return the first of three consecutive ports that were free a moment ago."""
    while True:
        port = free_port()
        with ExitStack() as stack:
            try:
                for each in range(port, port + 3):
                    probe = stack.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", each))
            except (OSError, OverflowError):
                continue
            return port


@asynccontextmanager
async def playground(folder: Path, port: int) -> AsyncIterator[Browser]:
    """The running command; the page of its first workspace is at this port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "playground", "--workspaces", "2", "--no-open"),
        *("--port", str(port)),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert f":{port} " in (await process.stdout.readline()).decode()
    async with new_browser_session() as session:
        yield Browser(session, f"http://127.0.0.1:{port + 2}")
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


async def asked(browser: Browser, port: int, path: str, **body: str) -> Any:
    address = f"http://127.0.0.1:{port}/ui/{path}"
    async with browser.session.post(address, json=body) as answer:
        return await answer.json()


async def is_installed(browser: Browser, port: int) -> list[bool]:
    address = f"http://127.0.0.1:{port}/ui/state"
    async with browser.session.get(address, params={"user": ANA}) as answer:
        return [one["is_installed"] for one in (await answer.json())["workspaces"]]


async def command_works(browser: Browser, port: int) -> bool:
    typed = {"user": ANA, "channel": LAUNCH, "text": "/imbalance status"}
    return bool((await asked(browser, port, "send", **typed))["ok"])


async def test_second_workspace_is_installed_removed_and_remembered(tmp_path: Path) -> None:
    port = three_free_ports()
    async with playground(tmp_path, port) as browser:
        assert await is_installed(browser, port) == [True, False]
        assert [await command_works(browser, each) for each in (port, port + 1)] == [True, False]
        page = await browser.install(team="T0SOUTH", user=OWNER)
        assert "Imbalance is installed<" in page.text
        assert [await command_works(browser, each) for each in (port, port + 1)] == [True, True]

    async with playground(tmp_path, port) as browser:
        assert await is_installed(browser, port) == [True, True]
        assert [await command_works(browser, each) for each in (port, port + 1)] == [True, True]
        await asked(browser, port, "uninstall")
        assert [await command_works(browser, each) for each in (port, port + 1)] == [False, True]


async def test_three_ports_are_needed(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "playground", "--workspaces", "2", "--port", "0"),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().startswith("With two workspaces, --port")
