"""`/imbalance forget-me`: what it deletes and what it cannot, said before anything is deleted."""

from slack_sdk.models.views import View

from bot.slack.content import context, plain, section
from bot.slack.views import notice_view

FORM = "workspaces.forget_me"
TITLE = "Forget Me"
DELETED = (
    "*What is deleted*\n"
    "• your name and time zone as I remember them\n"
    "• your parts, the lines written for you, and that you were asked, in phases that have ended\n"
    "• what you answered as a lead about yourself, in phases that have ended\n"
    "• start forms you did not finish"
)
NOT_DELETED = (
    "*What stays*\n"
    "• messages in Slack: delete those you wrote there yourself\n"
    "• totals of questions that have closed: they contain nobody's name, and single answers were "
    "deleted when the questions closed\n"
    "• your place on the team of a phase until its last questions have closed; then use this "
    "again\n"
    "• what you signed as a lead, and the audit log of what leads and admins changed, for as long "
    "as this workspace keeps them\n"
    "• that you don't want to be asked, if you said so\n"
    "• backups, for as long as whoever runs this bot keeps them"
)
AGAIN = "If you use Imbalance again, I remember your name and time zone again."
DONE = "Done. What I kept about you is deleted, except what the list said stays."
DONE_FOR_NOW = (
    "Done, except for the phase you're in now: your part and the lines written for you are gone, "
    "and your place stays until its last questions have closed. Use this again afterwards."
)


def build() -> View:
    return View(
        type="modal",
        callback_id=FORM,
        title=plain(TITLE),
        submit=plain(TITLE),
        close=plain("Cancel"),
        blocks=[section(DELETED), section(NOT_DELETED), context(AGAIN)],
    )


def done(*, in_running_phase: bool) -> View:
    return notice_view(TITLE, DONE_FOR_NOW if in_running_phase else DONE)
