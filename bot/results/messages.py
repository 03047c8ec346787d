"""Results of a closed round: for its leads at once, for the team a working day later. Pure.

Hints, gaps and (unless the form chose otherwise) comments are for the leads alone.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.checks.messages import result_line
from bot.decisions.messages import question
from bot.phases.privacy import Rounding
from bot.phases.wording import one_or_many
from bot.promises.messages import checked_line, reply_parts
from bot.results.level_blocks import (
    LEADS_SHOWN,
    NAME_SHOWN,
    chart,
    headline,
    level_lines,
    quoted_label,
)
from bot.results.levels import Participation
from bot.results.model import ClosedRound, ResultsView
from bot.results.round_labels import headline_label, notification_label
from bot.slack.content import (
    Content,
    actions,
    button,
    content,
    context,
    divider,
    paragraphs,
    picture_block,
    section,
)
from bot.slack.mrkdwn import channel, date_token, join_names, link_to, quotation, quote_within
from bot.slack.views import notice_view

REPLY_TO_TEAM, ABOUT_NUMBERS = "results.reply", "results.about"
#: Limit of each part of a reply, without the heading before it.
QUOTED_LIMIT = 2_700

TO_LEADS = "{results}, for the leads first"
HEADLINE = "{here}: {gist}."
FEW = "{results}: not enough answers."
NOT_COUNTED = "{results}: the answers couldn't be counted."
TOO_FEW = (
    "Not enough answers to keep everyone anonymous, so nothing is shown and nothing was kept. A "
    "question's level is shown from {minimum} answers on."
)
ANSWERED = {
    Participation.MOST: "Most of the {asked} people asked answered.",
    Participation.ABOUT_HALF: "About half of the {asked} people asked answered.",
    Participation.FEWER: "Fewer than half of the {asked} people asked answered.",
}
ONE_CHANGED = (
    "The team has changed by one person, so levels are rounded to the nearest whole number for "
    "now. Finer ones could show what that person answered."
)
KEY_MISSING = (
    "The answers couldn't be counted, because the key that protected them is missing on the bot's "
    "server. They are deleted. Whoever runs the bot can see why in the log; the next questions "
    "will have a new key."
)
TEAM_READS = (
    "Your team reads the totals {when}, in the announcement's thread. Nobody can change them."
)
TEAM_READS_SHARED = (
    "Your team reads the totals {when}, in the announcement's thread, with the answers of {leads} "
    "beside them. Nobody can change them."
)
TEAM_READS_THAT = "Your team reads that {when}, in the announcement's thread."
ABOUT_TITLE, ABOUT_BUTTON = "About These Numbers", "About These Numbers"
SMALL_PRINT = (
    "Totals only, rounded, from {minimum} answers on. Individual answers were deleted when the "
    "questions closed. {leads} also {get} private tips based on these totals."
)

WHEN_BACK = "once I can post in the channel again"

#: Limits of names in a sentence, and of a question's label beside an answer.
NAMES_SHOWN, LABEL_SHOWN = 600, 75
MORE_LEADS = "And those of {count} more."

ONLY_YOU, ONLY_LEADS = "*Only you see this*", "*Only the leads see this*"
YOU_SAID = "{label}: you said {mine}; your team said {team:g}."
LEAD_SAID = "{label}: {lead} said {mine}; the team said {team:g}."

NO_REPLY = "*What {name} heard, and what changes*\n{sentence}"
I_HEARD = "*What I heard, and what changes*\n{text}"
WRITE_NOW = (
    "Write what you heard, and the one thing you will change. Your team reads it with the results, "
    "and again above the next questions."
)
WRITE_LATE = "Your team has read the results. A reply written now is added to them."
NOT_ANSWERED = "No lead replied to these results. Newer ones are out."
WRITE, CHANGE = "Reply to the Team", "Change My Reply"
NOTE_SAVED = "Written by {name}. It can be changed until your team reads it, {when}."
TEAM_SAW = "Your team has read this, so it stays as it is."
ONE_HAS_NOT_REPLIED = "{names} hasn't replied yet."
SEVERAL_HAVE_NOT_REPLIED = "{names} haven't replied yet."

TO_MEMBERS = "*{results} are out.* Individual answers are deleted.\n{link}"
READ_THEM = "Read them in the thread"

#: Refusals of a reply to the team.
NOT_A_LEAD = (
    "Only the leads of this phase reply here. You can write in the announcement's thread instead."
)
ALREADY_READ = (
    "Your team has read the reply, so it stays as it is. Write in the announcement's thread "
    "instead, or with the next results."
)
NEWER_ARE_OUT = (
    "Newer results are out. Reply to those instead: one change a week is enough to keep."
)
NOT_THERE = "These results belong to a channel you aren't in. Join the channel first."
EMPTY = (
    "This is still empty. Write the one thing that changes, or why nothing does, or close the form."
)


def leads_message(view: ResultsView) -> Content:
    """Return the message to each lead when questions close; edited with each reply of a lead."""
    shown = view.round
    first = _without_levels(view) or TO_LEADS.format(results=_results(view))
    return _message(
        view,
        section("\n".join([f"*{_heading(view)}*", *_about(shown), *_team_reads(view)])),
        *_private(view),
        divider(),
        *((*question(view.phase, view.decision), divider()) if view.decision else ()),
        *_reply_to_leads(view),
        first=first,
    )


def team_message(view: ResultsView) -> Content:
    """Return the post in the announcement's thread, whatever the leads wrote.

    Its notification has no numbers, as it can be read over a shoulder.
    """
    shown = view.round
    about = actions(button(ABOUT_BUTTON, ABOUT_NUMBERS, shown.round_id))
    message = _message(
        view,
        section("\n".join([f"*{_heading(view)}*", *_about(shown)])),
        *(_reply(view) if shown.promise or shown.reached_minimum else ()),
        *((about,) if shown.reached_minimum else ()),
        first=_without_levels(view) or _results(view),
    )
    return replace(message, is_broadcast=shown.is_broadcast)


def members_message(view: ResultsView, link: str) -> Content:
    """Return what replaces the questions to a member once the results can be read in a thread."""
    first = _results(view)
    text = TO_MEMBERS.format(results=first, link=link_to(link, READ_THEM))
    return content(first, section(text))


def about_numbers(view: ResultsView) -> View:
    """Return the small print of the team's results."""
    return notice_view(ABOUT_TITLE, _small_print(view))


def shows_comments_to_team(view: ResultsView) -> bool:
    """Return whether the form chose that the team reads comments."""
    return view.phase.comments_to == "team"


def _message(view: ResultsView, head: Block, *rest: Block, first: str) -> Content:
    """Return the head, the levels and the chart where there are any, then the rest."""
    drawn = chart(view)
    levels = paragraphs(_levels(view)) if view.round.reached_minimum else []
    chart_blocks: list[dict[str, Any]] = [picture_block(drawn.alt_text)] if drawn else []
    return content(first, head, *levels, *chart_blocks, *_check(view), *rest, picture=drawn)


def _check(view: ResultsView) -> list[Block]:
    """Return a line with the check and its median answer, where enough people answered it."""
    line = result_line(view.round.check) if view.round.check else None
    return [section(line)] if line else []


def _levels(view: ResultsView) -> list[str]:
    more = len(view.shared_reflections) - LEADS_SHOWN
    return [*level_lines(view), *([MORE_LEADS.format(count=more)] if more > 0 else [])]


def _results(view: ResultsView) -> str:
    return notification_label(view.round, channel(view.phase.channel_id))


def _heading(view: ResultsView) -> str:
    here = headline_label(view.round, channel(view.phase.channel_id))
    return _without_levels(view) or HEADLINE.format(here=here, gist=headline(view))


def _without_levels(view: ResultsView) -> str | None:
    """Return the first line of results without levels; None where there are some."""
    if view.round.reached_minimum:
        return None
    template = NOT_COUNTED if view.round.unreadable else FEW
    return template.format(results=_results(view))


def _about(shown: ClosedRound) -> Iterable[str]:
    if shown.unreadable:
        yield KEY_MISSING
    elif not shown.reached_minimum:
        yield TOO_FEW.format(minimum=shown.minimum)
    elif shown.rounding is Rounding.WHOLE:
        yield ONE_CHANGED
    elif shown.participation is not None:
        yield ANSWERED[shown.participation].format(asked=shown.asked)


def _team_reads(view: ResultsView) -> list[str]:
    if view.round.shown_at:
        return []
    when = _team_reads_when(view)
    shared = join_names([reflection.name for reflection in view.shared_reflections])
    if not view.round.reached_minimum:
        return [TEAM_READS_THAT.format(when=when)]
    if shared:
        return [TEAM_READS_SHARED.format(when=when, leads=quote_within(shared, NAMES_SHOWN))]
    return [TEAM_READS.format(when=when)]


def _team_reads_when(view: ResultsView) -> str:
    return WHEN_BACK if view.phase.is_paused else date_token(view.team_sees_at)


def _small_print(view: ResultsView) -> str:
    names = view.phase.lead_names
    get = "gets" if len(names) == 1 else "get"
    leads = quote_within(join_names(names), NAMES_SHOWN)
    return SMALL_PRINT.format(minimum=view.round.minimum, leads=leads, get=get)


def _private(view: ResultsView) -> list[Block]:
    answers, tips = [*_lead_answers(view)], [section(hint.text) for hint in view.hints]
    heading = one_or_many(len(view.phase.leads), ONLY_YOU, ONLY_LEADS)
    return [*paragraphs([heading, *answers]), *tips] if answers or tips else []


def _lead_answers(view: ResultsView) -> Iterable[str]:
    """Yield the own answers that a lead does not share beside the shown level."""
    template = YOU_SAID if len(view.phase.leads) == 1 else LEAD_SAID
    for shown_level in view.round.figures:
        for reflection in view.private_reflections[:LEADS_SHOWN]:
            level = reflection.answers.get(shown_level.figure.key)
            if level is not None:
                yield template.format(
                    label=quoted_label(view.round.labels[shown_level.figure.key], LABEL_SHOWN),
                    lead=quote_within(reflection.name, NAME_SHOWN),
                    mine=level,
                    team=shown_level.figure.level,
                )
    more = len(view.private_reflections) - LEADS_SHOWN
    if more > 0 and view.round.figures:
        yield MORE_LEADS.format(count=more)


def _reply_to_leads(view: ResultsView) -> list[Block]:
    """Return the reply as it is, and the way to write or change it as long as that may be done."""
    shown = view.round
    if shown.promise:
        when = _team_reads_when(view)
        name = quote_within(shown.promise.name, NAMES_SHOWN)
        below = TEAM_SAW if shown.shown_at else NOTE_SAVED.format(name=name, when=when)
        blocks: list[Block] = [*_reply(view), context(below)]
    elif not view.may_be_replied_to:
        blocks = [context(NOT_ANSWERED)]
    else:
        blocks = [section(I_HEARD.format(text=WRITE_LATE if shown.shown_at else WRITE_NOW))]
    if view.may_be_replied_to:
        label = CHANGE if shown.promise else WRITE
        blocks.append(actions(button(label, REPLY_TO_TEAM, shown.round_id, style="primary")))
    return blocks


def _reply(view: ResultsView) -> list[Block]:
    """Return the reply, or the sentence that there is none yet."""
    promise = view.round.promise
    if promise:
        parts = reply_parts(promise.name, promise)
        checked = checked_line(promise)
        return [
            *(section(f"{heading}\n{quotation(text, QUOTED_LIMIT)}") for heading, text in parts),
            *([context(checked)] if checked else []),
        ]
    name = quote_within(join_names(view.phase.lead_names), NAMES_SHOWN)
    count = len(view.phase.lead_names)
    nothing = one_or_many(count, ONE_HAS_NOT_REPLIED, SEVERAL_HAVE_NOT_REPLIED)
    return [section(NO_REPLY.format(name=name, sentence=nothing.format(names=name)))]
