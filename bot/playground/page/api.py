"""The page's API: the actions of `people`, in JSON."""

import mimetypes
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from bot.playground import example_phases
from bot.playground.fake_slack import (
    block_actions,
    commands,
    example_workspace,
    messages,
    modals,
    simulated_team,
    workspace_changes,
)
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.model import Conversation, Json
from bot.playground.fake_slack.people import Person
from bot.playground.page import screen

PAGE = Path(__file__).parent
SETTLE_SECONDS = 5
IN_THREAD = "{command} is not supported in threads. Write it in the channel."
ARCHIVED = "This channel is archived: nothing can be written here."
READ_ONLY = "Messages to this app are turned off."
NO_CLOCK = "Time cannot be moved here."
NO_ANSWER = "The app did not answer ({error})."
NOT_FOUND = "That is not there any more."

#: The names of this machine; the page is for the person in front of it.
OWN_HOSTS = ("127.0.0.1", "localhost", "::1")
OF_PAGE = ("/ui/", "/files/", "/archives/", "/oauth/")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BadRequest(Exception):
    """A request that the page cannot fulfil, with a sentence about it."""


def add_routes(application: web.Application, core: Core) -> None:
    """Add the page, its files, the uploads, and the /ui/ calls."""
    application.middlewares.append(_own_page_only)
    router = application.router
    router.add_get("/", _index)
    router.add_get("/archives/{rest:.*}", _index)
    if PAGE.is_dir():
        router.add_static("/static/", PAGE)
    router.add_get("/files/{file_id}", partial(_file, core))
    router.add_get("/ui/stream", core.stream.serve)
    for path, get in _READS.items():
        router.add_get(f"/ui/{path}", partial(_read, core, get))
    for path, post in _ACTIONS.items():
        router.add_post(f"/ui/{path}", partial(_do, core, post))


@web.middleware
async def _own_page_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests by other sites open in the same browser.

    A site may point a name of its own at this machine, so the name is checked, too.
    """
    if request.path.startswith(OF_PAGE) or request.path == "/":
        origin = request.headers.get("Origin")
        if _hostname(request.host) not in OWN_HOSTS or origin not in (
            None,
            f"{request.scheme}://{request.host}",
        ):
            raise web.HTTPForbidden(text="The playground listens to its own page only.")
    response = await handler(request)
    if request.path == "/" or request.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-cache"  # no outdated parts after an update
    return response


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


async def _index(_: web.Request) -> web.StreamResponse:
    index = PAGE / "index.html"
    if not index.exists():
        raise web.HTTPNotFound(text="The page is missing.")
    return web.FileResponse(index)


async def _file(core: Core, request: web.Request) -> web.Response:
    file_id = request.match_info["file_id"]
    content = core.workspace.contents.get(file_id)
    if content is None:
        raise web.HTTPNotFound(text=NOT_FOUND)
    kind = mimetypes.guess_type(core.workspace.files[file_id].name)[0]
    return web.Response(body=content, content_type=kind or "application/octet-stream")


async def _read(
    core: Core, get: Callable[[Core, Any], Awaitable[Json]], request: web.Request
) -> web.Response:
    return await _json_response(get(core, request.query))


async def _do(
    core: Core, post: Callable[[Core, Any], Awaitable[Json]], request: web.Request
) -> web.Response:
    body = await request.json() if request.can_read_body else {}
    answer = await _json_response(post(core, body))
    if post in _MAY_CHANGE_NEXT_EVENT:
        await _publish_time(core)
    return answer


async def _json_response(call: Awaitable[Json]) -> web.Response:
    """Return refusals as normal responses: HTTP errors would fill the browser's console."""
    try:
        return web.json_response({"ok": True, **await call})
    except BadRequest as refusal:
        return web.json_response({"ok": False, "error": str(refusal)})
    except LookupError:
        return web.json_response({"ok": False, "error": NOT_FOUND})


# ------------------------------------------------------------ reading


async def _state(core: Core, query: Json) -> Json:
    user_id = query["user"]
    if not core.workspace.users[user_id].is_bot and core.install.is_usable:
        # Slack lists apps even before their first message.
        core.workspace.open_direct_message(user_id, example_workspace.BOT_USER_ID)
    return screen.state(core, user_id) | {
        "next_event": await _next_event(core),
        "is_fresh": example_phases.is_fresh(core),
        "building": core.building,
    }


def _conversation(core: Core, body: Json) -> Conversation:
    conversation = core.workspace.conversations[body["channel"]]
    if conversation not in core.workspace.visible_to(body["user"]):
        raise LookupError(conversation.id)
    return conversation


async def _history(core: Core, query: Json) -> Json:
    return {"messages": screen.history(core, _conversation(core, query), query["user"])}


async def _replies(core: Core, query: Json) -> Json:
    conversation = _conversation(core, query)
    return {"messages": screen.thread(core, conversation, query["user"], query["thread_ts"])}


async def _home(core: Core, query: Json) -> Json:
    return {"view": await Person(core, query["user"]).open_home()}


# ------------------------------------------------------------ acting


async def _mark_read(core: Core, body: Json) -> Json:
    conversation = _conversation(core, body)
    latest = next(reversed(conversation.messages), "")
    if conversation.read.get(body["user"], "") != latest:
        conversation.read[body["user"]] = latest
        messages.show_conversation(core, conversation)
    return {}


async def _send(core: Core, body: Json) -> Json:
    conversation, text = _conversation(core, body), str(body["text"]).strip()
    if text.startswith("/"):
        return await _command(core, conversation, body, text)
    if conversation.is_archived:
        raise BadRequest(ARCHIVED)
    with_app = conversation.is_im and example_workspace.BOT_USER_ID in conversation.members
    if with_app and not core.manifest.takes_messages:
        raise BadRequest(READ_ONLY)
    person = Person(core, body["user"])
    await person.say(conversation.id, text, body.get("thread_ts"))
    return {}


async def _command(core: Core, conversation: Conversation, body: Json, text: str) -> Json:
    name, _, rest = text.partition(" ")
    if body.get("thread_ts"):
        raise BadRequest(IN_THREAD.format(command=name))
    result = await commands.run(core, body["user"], conversation, name, rest.strip())
    if result.error:
        raise BadRequest(result.text)
    return {}


async def _action(core: Core, body: Json) -> Json:
    values = (body.get("state") or {}).get("values") or {}
    answer = await block_actions.act(core, body["user"], body["container"], body["action"], values)
    if not answer.is_ack:
        raise BadRequest(NO_ANSWER.format(error=answer.error or f"http_{answer.status}"))
    return {}


async def _shortcut(core: Core, body: Json) -> Json:
    conversation = _conversation(core, body)
    person = Person(core, body["user"])
    answer = await person.use_shortcut(body["callback_id"], conversation.id, body["ts"])
    if not answer.is_ack:
        raise BadRequest(NO_ANSWER.format(error=answer.error or f"http_{answer.status}"))
    return {}


async def _submit(core: Core, body: Json) -> Json:
    view = core.workspace.views[body["view_id"]]
    block_actions.merge(view.typed, (body.get("state") or {}).get("values") or {})
    result = await modals.submit(core, view)
    if result.failure:
        raise BadRequest(result.failure)
    return {"ok": not result.errors, "errors": result.errors}


async def _close(core: Core, body: Json) -> Json:
    view = core.workspace.views[body["view_id"]]
    await modals.close(core, view, everything=bool(body.get("all")))
    return {}


async def _direct(core: Core, body: Json) -> Json:
    """Return the direct message of two people, opening it if needed."""
    person, other = (core.workspace.users[body[key]].id for key in ("user", "other"))
    conversation = core.workspace.open_direct_message(person, other)
    return {"conversation": screen.conversation_item(core, conversation, person)}


async def _time(core: Core, body: Json) -> Json:
    if core.hooks.advance is None:
        raise BadRequest(NO_CLOCK)
    async with core.hooks.moving:
        await core.hooks.advance(body["advance"])
        with suppress(TimeoutError):
            await core.work.settled(SETTLE_SECONDS)
    return await _publish_time(core)


async def _publish_time(core: Core) -> Json:
    """Send the time to every page, as an action may have changed the next event."""
    times = {"now": core.workspace.now().isoformat(), "next_event": await _next_event(core)}
    for each in core.directory.cores:
        each.stream.publish(lambda _: {"type": "time", **times})
    return times


async def _next_event(core: Core) -> str | None:
    following = await core.hooks.next_event() if core.hooks.next_event is not None else None
    return following.isoformat() if following is not None else None


async def _team_answers(core: Core, _: Json) -> Json:
    return {"answered": await simulated_team.answer_open_questions(core)}


async def _build_example(core: Core, _: Json) -> Json:
    try:
        await example_phases.build(core)
    except example_phases.ExampleRefused as refusal:
        raise BadRequest(str(refusal)) from refusal
    return await _publish_time(core)


async def _uninstall(core: Core, _: Json) -> Json:
    """Remove the app from this workspace, as an admin does in Slack's settings."""
    await workspace_changes.wait_for_delivery(workspace_changes.uninstall(core))
    core.install.is_installed = False
    core.stream.publish(lambda _: {"type": "reset"})
    return await _publish_time(core)


async def _reset(core: Core, _: Json) -> Json:
    core.workspace.reset()
    if core.hooks.reset is not None:
        await core.hooks.reset()
    core.stream.publish(lambda _: {"type": "reset"})
    return {}


_READS = {"state": _state, "history": _history, "replies": _replies, "home": _home}
_ACTIONS = {
    "read": _mark_read,
    "direct": _direct,
    "send": _send,
    "action": _action,
    "shortcut": _shortcut,
    "view/submit": _submit,
    "view/close": _close,
    "time": _time,
    "team-answers": _team_answers,
    "example": _build_example,
    "uninstall": _uninstall,
    "reset": _reset,
}
_MAY_CHANGE_NEXT_EVENT = (_send, _action, _submit, _team_answers)
