"""files.*: the two-step upload; a file is shared a moment after its completion."""

from functools import partial

from aiohttp import web

from bot.playground.fake_slack import example_workspace, messages
from bot.playground.fake_slack.api_chat import content_of
from bot.playground.fake_slack.arguments import Arguments
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.errors import SlackError
from bot.playground.fake_slack.json_shapes import file_object
from bot.playground.fake_slack.methods import Method, require_membership
from bot.playground.fake_slack.model import Conversation, File, Json

LONGEST_ALT_TEXT = 1000
MOST_CHANNELS = 100


def _upload_url(core: Core, args: Arguments) -> Json:
    if len(args.text("alt_txt")) > LONGEST_ALT_TEXT:
        raise SlackError("alt_txt_too_large")
    length = args.number("length", 0)
    if length <= 0:
        raise SlackError("invalid_arguments")
    file = File(
        id=core.ids.new("F"),
        name=args.need("filename"),
        length=length,
        alt_text=args.text("alt_txt"),
        user_id=example_workspace.BOT_USER_ID,
        created=core.ids.now_seconds(),
    )
    core.workspace.files[file.id] = file
    return {"upload_url": f"{core.url}/upload/v1/{file.id}", "file_id": file.id}


async def upload(core: Core, request: web.Request) -> web.Response:
    """Handle the second step: raw bytes, no token."""
    with core.work.under_way("upload"):
        file = core.workspace.files.get(request.match_info["file_id"])
        if file is None or file.completed:
            return web.Response(status=404, text="no such upload")
        content = await _bytes_of(request)
        if len(content) != file.length:
            return web.Response(status=400, text="the length is not as announced")
        core.workspace.contents[file.id] = content
        file.uploaded = True
        core.stream.on_change()
        return web.Response(text=f"OK - {len(content)}")


async def _bytes_of(request: web.Request) -> bytes:
    """Return the raw body, or the first file of a form."""
    if request.content_type != "multipart/form-data":
        return await request.read()
    for part in (await request.post()).values():
        if isinstance(part, web.FileField):
            return part.file.read()
    return b""


def _complete(core: Core, args: Arguments) -> Json:
    listed = args.get("files")
    if not isinstance(listed, list) or not listed:
        raise SlackError("invalid_arguments")
    files = [_uploaded(core, entry.get("id", "")) for entry in listed]
    channels = _channels(core, args)
    message = _message(core, args) if channels else {}
    for file, named in zip(files, listed, strict=True):
        file.completed = True
        file.title = named.get("title") or file.name
    for conversation in channels:
        content = {**message, "files": [file_object(file, core.url) for file in files]}
        core.later(partial(_share, core, conversation, files, content, args.text("thread_ts")))
    return {"files": [file_object(file, core.url) for file in files]}


def _message(core: Core, args: Arguments) -> Json:
    """Return the content posted with the files; blocks are ignored beside a comment."""
    if args.has("initial_comment"):
        return {"text": args.text("initial_comment")}
    return content_of(core, args)


def _uploaded(core: Core, file_id: str) -> File:
    file = core.workspace.files.get(file_id)
    if file is None or not file.uploaded or file.completed:
        raise SlackError("file_not_found")
    return file


def _channels(core: Core, args: Arguments) -> list[Conversation]:
    ids = args.words("channels") or args.words("channel_id")
    if len(ids) > MOST_CHANNELS:
        raise SlackError("invalid_arguments")
    return [require_membership(core, channel_id) for channel_id in ids]


def _share(
    core: Core, conversation: Conversation, files: list[File], content: Json, thread_ts: str
) -> None:
    if thread_ts:
        content["thread_ts"] = thread_ts
    message = messages.post(core, conversation, messages.by_bot(core, content))
    for shared in files:
        shared.shares.setdefault(conversation.id, []).append(message["ts"])


def _info(core: Core, args: Arguments) -> Json:
    file = core.workspace.files.get(args.need("file"))
    if file is None or not file.completed:
        raise SlackError("file_not_found")
    return {"file": file_object(file, core.url)}


METHODS = {
    "files.getUploadURLExternal": Method(handler=_upload_url, tier=4, scope="files:write"),
    "files.completeUploadExternal": Method(handler=_complete, tier=4, scope="files:write"),
    "files.info": Method(handler=_info, tier=4, scope="files:read"),
}
