"""The install pages over HTTP, from the first page to the last, and every way to go wrong."""

import asyncio
import io
import json
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from yarl import URL

from bot.clock import AdjustableClock
from bot.db import schema
from bot.installing.scopes import OPTIONAL, REASONS
from bot.settings import Settings
from bot.workspaces.installation_store import InstallationStore
from bot.workspaces.oauth_state_store import LIFETIME, OAuthStateStore
from tests.conftest import running_fake_slack
from tests.harness import BEN, OWNER, WORKSPACE
from tests.installing.conftest import (
    SECOND,
    WHOLE_ORGANIZATION,
    Browser,
    Installing,
    new_browser_session,
    running_pages,
)
from tests.scenarios.lead import Lead
from tests.scenarios.screen import channel_texts, dm_texts

WITHOUT_HISTORY = Path(__file__).parents[2] / ".slack" / "manifest.no-history.json"


async def installed_count(installing: Installing) -> int:
    async with installing.bot.db.reading() as reader:
        return await reader.scalar(select(func.count()).select_from(schema.installations)) or 0


def test_each_scope_of_the_manifest_has_a_reason() -> None:
    scopes = json.loads(Path("manifest.json").read_text())["oauth_config"]["scopes"]
    assert sorted(REASONS) == sorted(scopes["bot"])
    assert sorted(OPTIONAL) == sorted(scopes["bot_optional"])


# ------------------------------------------------------------ as it should be


async def test_bot_is_installed_by_the_pages_and_works(installing: Installing) -> None:
    first = await installing.browser.get(installing.browser.public_url + "/")
    page = await installing.browser.get(first.location)
    assert page.status == 200
    assert all(scope in page.text for scope in REASONS)
    begun = await installing.browser.get(page.button)
    consent = await installing.browser.get(begun.location)
    assert "asks for permission" in consent.text

    done = await installing.browser.get((await installing.browser.decide(begun)).location)

    assert done.status == 200
    assert "Imbalance is installed<" in done.text
    assert "<strong>Northwind</strong>" in done.text
    assert urlsplit(done.button).path == "/app_redirect"
    assert parse_qs(urlsplit(done.button).query)["team"] == [WORKSPACE]
    assert installing.slack.bot_token not in done.text
    await Lead(installing.harness).starts()
    assert "🏁" in channel_texts(installing.harness)[0]


async def test_installer_alone_is_told_what_to_do_first_once(installing: Installing) -> None:
    await installing.browser.install()
    await installing.harness.settle()

    (told,) = dm_texts(installing.harness, OWNER)
    assert told.startswith("Imbalance is installed.")
    others = [user for user in installing.slack.workspace.users if user != OWNER]
    assert not any(dm_texts(installing.harness, user) for user in others)
    await installing.browser.install()
    await installing.harness.settle()
    assert len(dm_texts(installing.harness, OWNER)) == 1


async def test_second_installation_says_so_and_keeps_what_there_is(installing: Installing) -> None:
    await installing.browser.install()
    await Lead(installing.harness).starts()

    again = await installing.browser.install()

    assert "is installed again" in again.text
    assert await installed_count(installing) == 1
    status = await installing.slack.as_user(BEN).command("/imbalance status")
    assert "90 days" in json.dumps(status.body)


async def test_bot_works_without_the_optional_permissions(installing: Installing) -> None:
    begun = await installing.browser.begin()
    allowed = await installing.browser.decide(begun, ticked=())

    assert (await installing.browser.get(allowed.location)).status == 200

    assert installing.slack.scopes == set(REASONS) - OPTIONAL
    await Lead(installing.harness).starts()
    assert "🏁" in channel_texts(installing.harness)[0]


async def test_app_without_history_asks_for_none(
    settings: Settings, clock: AdjustableClock
) -> None:
    """Slack would refuse a request for a permission that the app's manifest lacks."""
    own = replace(settings, ask_for_history="no")
    async with (
        running_fake_slack(clock, WITHOUT_HISTORY) as slack,
        running_pages(own, clock, slack, WITHOUT_HISTORY) as running,
    ):
        page = await running.browser.get(slack.directory.install_url)
        assert ":history" not in page.text
        assert "is installed" in (await running.browser.install()).text
        assert slack.scopes == set(REASONS) - OPTIONAL


async def test_two_installations_at_once_in_one_browser_both_end_well(
    installing: Installing,
) -> None:
    browser = installing.browser
    begun = [await browser.begin(), await browser.begin()]
    allowed = [
        await browser.decide(begun[0]),
        await browser.decide(begun[1], team=SECOND),
    ]

    pages = await asyncio.gather(*(browser.get(one.location) for one in allowed))

    assert ["Northwind" in pages[0].text, "Southgate" in pages[1].text] == [True, True]
    assert await installed_count(installing) == 2


async def test_one_workspace_installed_twice_at_once_is_installed_once(
    installing: Installing,
) -> None:
    browser = installing.browser
    allowed = [await browser.decide(await browser.begin()) for _ in range(2)]

    pages = await asyncio.gather(*(browser.get(one.location) for one in allowed))

    assert [page.status for page in pages] == [200, 200]
    assert await installed_count(installing) == 1
    await installing.harness.settle()
    assert len(dm_texts(installing.harness, OWNER)) == 1


async def test_whole_organization_is_told_where_to_add_workspaces(installing: Installing) -> None:
    for slack in (installing.slack, installing.second):
        slack.join_organization()

    page = await installing.browser.install(team=WHOLE_ORGANIZATION)

    assert page.status == 200
    assert "Organization settings" in page.text
    assert "Add to workspaces" in page.text
    before = await installing.second.as_user(BEN).command("/imbalance status")
    assert before.error == "unknown_command"  # Slack shows it in no workspace yet
    granted = installing.second.grant_access()
    assert granted is not None
    assert await granted
    after = await installing.second.as_user(BEN).command("/imbalance status")
    assert after.status == 200
    assert after.text or after.body
    assert all(not dm_texts(installing[slack], OWNER) for slack in (installing.slack,))


# ------------------------------------------------------------ what goes wrong


async def test_used_state_is_refused(installing: Installing) -> None:
    allowed = await installing.browser.decide(await installing.browser.begin())
    cookies = installing.browser.session.cookie_jar.filter_cookies(URL(allowed.location))
    await installing.browser.get(allowed.location)
    installing.browser.session.cookie_jar.update_cookies(cookies)

    again = await installing.browser.get(allowed.location)

    assert again.status == 400
    assert "has been used" in again.text
    assert await installed_count(installing) == 1


async def test_expired_state_is_refused(installing: Installing) -> None:
    allowed = await installing.browser.decide(await installing.browser.begin())
    installing.clock.advance(LIFETIME + timedelta(seconds=1))

    page = await installing.browser.get(allowed.location)

    assert page.status == 400
    assert "too old" in page.text
    assert await installed_count(installing) == 0


async def test_other_browser_is_refused_and_spoils_nothing(installing: Installing) -> None:
    allowed = await installing.browser.decide(await installing.browser.begin())
    async with new_browser_session() as session:
        other = Browser(session, installing.browser.public_url)
        refused = await other.get(allowed.location)
    assert refused.status == 400
    assert "another browser" in refused.text
    assert await installed_count(installing) == 0

    assert (await installing.browser.get(allowed.location)).status == 200


@pytest.mark.parametrize("query", [{}, {"code": "1"}, {"state": ""}, {"error": "access_denied"}])
async def test_page_without_a_state_is_refused(
    installing: Installing, query: dict[str, str]
) -> None:
    page = await installing.browser.complete(**query)
    assert page.status == 400
    assert "without an installation" in page.text


@pytest.mark.parametrize("state", ["é" * 50, "'; --", "%00", "x" * 4000])
async def test_strange_state_is_refused(installing: Installing, state: str) -> None:
    page = await installing.browser.complete(code="1", state=state)
    assert page.status == 400
    assert "another browser" in page.text


async def test_denied_consent_is_a_page(installing: Installing) -> None:
    begun = await installing.browser.begin()
    denied = await installing.browser.decide(begun, decision="cancel")

    page = await installing.browser.get(denied.location)

    assert page.status == 403
    assert "was not installed" in page.text
    assert page.button == installing.slack.directory.install_url
    assert await installed_count(installing) == 0


async def test_person_without_the_right_is_sent_to_an_admin(installing: Installing) -> None:
    begun = await installing.browser.begin()
    refused = await installing.browser.decide(begun, user=BEN)
    assert refused.status == 403
    assert "An admin has to approve" in refused.text

    back = await installing.browser.get(refused.button)

    assert back.status == 403
    assert "ask a workspace admin" in back.text
    assert await installed_count(installing) == 0


async def test_code_of_another_time_is_refused(installing: Installing) -> None:
    begun = await installing.browser.begin()
    page = await installing.browser.complete(code="1.2", state=begun.query["state"])
    assert page.status == 400
    assert "expired" in page.text


async def test_missing_code_is_refused(installing: Installing) -> None:
    begun = await installing.browser.begin()
    page = await installing.browser.complete(state=begun.query["state"])
    assert page.status == 502
    assert "did not complete" in page.text


REFUSALS = {
    "bad_client_secret": (502, "did not complete"),
    "invalid_team_for_non_distributed_app": (403, "another workspace"),
    "app_not_approved": (403, "may not install"),
    "code_already_used": (400, "expired"),
    "ratelimited": (502, "does not answer"),
    "internal_error": (502, "does not answer"),
}


@pytest.mark.parametrize("error", REFUSALS)
async def test_refusal_by_slack_is_a_page(installing: Installing, error: str) -> None:
    installing.slack.faults.fail_next("oauth.v2.access", error=error)

    page = await installing.browser.install()

    status, sentence = REFUSALS[error]
    assert (page.status, sentence in page.text) == (status, True)
    assert await installed_count(installing) == 0
    assert (await installing.browser.install()).status == 200  # nothing is left half done


async def test_slack_that_is_down_is_a_page(installing: Installing) -> None:
    allowed = await installing.browser.decide(await installing.browser.begin())
    await installing.slack.stop()

    page = await installing.browser.get(allowed.location)

    assert page.status == 502
    assert "Slack does not answer" in page.text


ROTATING = '{"ok": true, "team": {"id": "T0PLAY"}, "access_token": "x", "refresh_token": "y"}'


@pytest.mark.parametrize(
    ("raw", "status", "sentence"),
    [
        (ROTATING, 502, "expires in hours"),
        ('{"ok": true, "team": {"id": "T0PLAY"}}', 502, "did not complete"),
        ('{"ok": true}', 502, "did not complete"),
        ("<h1>Slack is down</h1>", 502, "does not answer"),
    ],
)
async def test_strange_answer_of_slack_is_a_page_and_stores_nothing(
    installing: Installing, raw: str, status: int, sentence: str
) -> None:
    installing.slack.faults.fail_next("oauth.v2.access", raw=raw)

    page = await installing.browser.install()

    assert (page.status, sentence in page.text) == (status, True)
    assert await installed_count(installing) == 0


BROKEN_DISK = sqlite3.OperationalError("disk I/O error")
BROKEN_DISK.sqlite_errorcode = sqlite3.SQLITE_IOERR
FAILURES = {
    503: OperationalError("select", {}, BROKEN_DISK),
    500: RuntimeError("a defect, with xoxb-secret"),
}


@pytest.mark.parametrize("status", FAILURES)
@pytest.mark.parametrize("at_begin", [True, False])
async def test_failure_of_the_bot_is_a_page(
    installing: Installing, monkeypatch: pytest.MonkeyPatch, status: int, at_begin: bool
) -> None:
    async def fails(*_: object) -> None:
        raise FAILURES[status]

    store: type = OAuthStateStore if at_begin else InstallationStore
    monkeypatch.setattr(store, "async_issue" if at_begin else "save_and", fails)

    page = await (installing.browser.begin() if at_begin else installing.browser.install())

    assert page.status == status
    assert page.button == installing.slack.directory.install_url
    assert await installed_count(installing) == 0
    monkeypatch.undo()
    assert (await installing.browser.install()).status == 200


# ------------------------------------------------------------ what protects it


async def test_pages_forbid_scripts_frames_and_caches(installing: Installing) -> None:
    browser = installing.browser
    page = await browser.get(installing.slack.directory.install_url)
    for shown in (page, await browser.complete(), await browser.begin(), await browser.install()):
        policy = shown.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert shown.headers["Cache-Control"] == "no-store"
        assert shown.headers["Referrer-Policy"] == "no-referrer"
        assert shown.headers["X-Content-Type-Options"] == "nosniff"


async def test_state_cookie_is_for_this_site_and_no_script(installing: Installing) -> None:
    begun = await installing.browser.begin()
    cookie = begun.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/slack/oauth_redirect" in cookie
    assert "Secure" not in cookie  # the address is http://


async def test_name_of_a_workspace_is_text(installing: Installing) -> None:
    object.__setattr__(installing.slack.core.team, "name", "<script>&")
    page = await installing.browser.install()
    assert "&lt;script&gt;&amp;" in page.text


async def test_log_holds_no_secret(installing: Installing, written: io.StringIO) -> None:
    allowed = await installing.browser.decide(await installing.browser.begin())
    await installing.browser.get(allowed.location)
    installing.slack.faults.fail_next("oauth.v2.access", error="bad_client_secret")
    await installing.browser.install()
    await installing.harness.settle()

    log = written.getvalue()
    assert '"event": "installed"' in log
    assert '"error": "bad_client_secret"' in log
    secrets = (
        installing.slack.directory.client_secret,
        installing.slack.bot_token,
        allowed.query["code"],
        allowed.query["state"],
    )
    assert not [secret for secret in secrets if secret in log]
