"""views.* and blocks.validate: modals and App Homes."""

from collections.abc import Callable

from bot.playground.fake_slack import example_workspace, views
from bot.playground.fake_slack.arguments import Arguments
from bot.playground.fake_slack.checks import check_blocks, check_view
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.errors import SlackError, refuse
from bot.playground.fake_slack.json_shapes import view_object
from bot.playground.fake_slack.methods import Method
from bot.playground.fake_slack.model import Json, View
from bot.playground.fake_slack.triggers import Trigger

NOT_OPENED = "The app tried to open a form, and Slack refused: {error}."


def _open(core: Core, args: Arguments) -> Json:
    return _shown(core, args, _open_modal)


def _push(core: Core, args: Arguments) -> Json:
    return _shown(core, args, _push_modal)


def _open_modal(core: Core, trigger: Trigger, content: Json) -> View:
    return views.open_modal(core, trigger.user_id, content)


def _push_modal(core: Core, trigger: Trigger, content: Json) -> View:
    if not trigger.in_modal:
        raise SlackError("invalid_trigger_id")
    return views.push(core, trigger.user_id, content)


def _shown(core: Core, args: Arguments, show: Callable[[Core, Trigger, Json], View]) -> Json:
    """Show a modal with a trigger, which is used up only if the view is valid."""
    content, trigger_id = args.need_object("view"), args.need("trigger_id")
    try:
        refuse("invalid_arguments", check_view(content, has_file=core.has_file))
        return {"view": view_object(show(core, core.triggers.use(trigger_id), content))}
    except SlackError as error:
        core.stream.notice(core.triggers.owner(trigger_id), NOT_OPENED.format(error=error.error))
        raise


def _update(core: Core, args: Arguments) -> Json:
    if args.has("view_id") == args.has("external_id"):
        raise SlackError("invalid_arguments")
    view = _found(core, args.text("view_id"), args.text("external_id"))
    content = args.need_object("view")
    return {"view": view_object(views.update(core, view, content, args.get("hash")))}


def _found(core: Core, view_id: str, external_id: str) -> View:
    for view in core.workspace.views.values():
        if view.id == view_id or (external_id and view.external_id == external_id):
            return view
    raise SlackError("not_found")


def _publish(core: Core, args: Arguments) -> Json:
    user = core.workspace.users.get(args.need("user_id"))
    if user is None or user.is_bot or not example_workspace.is_colleague(user):
        raise SlackError("invalid_arguments")
    content = args.need_object("view")
    return {"view": view_object(views.publish(core, user.id, content, args.get("hash")))}


def _validate(core: Core, args: Arguments) -> Json:
    """Handle blocks.validate: report what would be refused, without any effect."""
    given = [name for name in ("blocks", "message", "view") if args.has(name)]
    if len(given) != 1:
        raise SlackError("invalid_arguments")
    if given == ["view"]:
        problems = check_view(args.get("view"), has_file=core.has_file)
    else:
        blocks = args.get("blocks") or args.need_object("message").get("blocks") or []
        problems = check_blocks(blocks, "message", has_file=core.has_file)
    if not problems:
        return {}
    errors = [
        {"pointer": problem.pointer, "code": "failed_constraint", "message": problem.message}
        for problem in problems
    ]
    raise SlackError(f"invalid_{given[0]}", errors=errors)


METHODS = {
    "views.open": Method(handler=_open, tier=4),
    "views.push": Method(handler=_push, tier=4),
    "views.update": Method(handler=_update, tier=4),
    "views.publish": Method(handler=_publish, tier=4),
    "blocks.validate": Method(handler=_validate, tier=3),
}
