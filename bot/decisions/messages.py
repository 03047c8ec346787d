"""The question for a decision, and its answer in the announcement's thread. Pure."""

from datetime import date

from slack_sdk.models.blocks import Block

from bot.dates import day
from bot.decisions.model import Answer, Cause, Choice, Decision
from bot.phases.model import Phase
from bot.phases.wording import leads_as_subject, one_line, one_or_many
from bot.slack.content import Content, actions, button, content, context, paragraphs, section
from bot.slack.mrkdwn import channel, labelled, quotation, quote_within, truncated

DECIDE = "decisions.decide"
#: In the form for the decision: goes on to the form that ends the phase.
END_INSTEAD = "decisions.end"
TEXT_SHOWN, STOP_IF_SHOWN, NAME_SHOWN = 2_000, 600, 100  # characters with their escapes
NAME_NOTIFIED = 30

ASKED_FIRST = "{channel}: does this go on as planned?"
ASKED = {
    Cause.DATE: "*Does this go on as planned?* It's time to decide, as announced.",
    Cause.CHECK: "*Does this go on as planned?* Your team says that it shouldn't.",
}
READ_BY = "Go on, change something, or end it: your team reads the answer in the thread."
STOP_IF = "*Stop if:*"
DECIDE_BUTTON = "Decide"

DECIDED_FIRST = {
    Choice.CONTINUE: "{name} decided: this goes on as planned",
    Choice.ADJUST: "{name} decided to change something",
    Choice.END: "{name} decided to end this phase",
}
HEADING = {
    Choice.CONTINUE: "*{name} decided: this goes on as planned.*",
    Choice.ADJUST: "*{name} decided that this goes on, and promises:*",
    Choice.END: "*{name} decided to end this phase.*",
}
BECAUSE = {
    Cause.DATE: "Stop if: {text}",
    Cause.CHECK: "The team said that this shouldn't go on as planned.",
}
HASNT_DECIDED, HAVENT_DECIDED = "{leads} hasn't decided yet", "{leads} haven't decided yet"
UNDECIDED = "*As of {today}, {undecided}* whether this goes on as planned. Asked on {asked}."

#: Refusals, and other replies to who pressed or typed.
OVER = "This phase has ended, so there's nothing left to decide. What came of it is in the channel."
DECIDED = "{name} has decided already, so nothing was changed. It's in the announcement's thread."
DECIDED_WHEN_READ = "{name} has decided. It's in the announcement's thread."
EMPTY = "This is still empty. Say why this goes on, or what you will change."


def question(phase: Phase, decision: Decision) -> list[Block]:
    """Return the question to the leads, to stand in a message with other things or on its own."""
    return [
        *paragraphs([*question_lines(phase, decision), READ_BY]),
        actions(button(DECIDE_BUTTON, DECIDE, button_value(decision), style="primary")),
    ]


def button_value(decision: Decision) -> str:
    return f"{decision.phase_id}:{decision.decision_id}"


def question_lines(phase: Phase, decision: Decision) -> list[str]:
    """Return why a decision is asked for, and what the leads said would make them stop."""
    return [ASKED[decision.cause], *_stop_if(phase)]


def asked(phase: Phase, decision: Decision) -> Content:
    """Build the message to a lead, where the question does not come with results."""
    first = ASKED_FIRST.format(channel=channel(phase.channel_id))
    return content(first, *question(phase, decision))


def asked_and_decided(phase: Phase, name: str) -> Content:
    """Build what replaces that message once a lead has decided."""
    first = ASKED_FIRST.format(channel=channel(phase.channel_id))
    said = DECIDED_WHEN_READ.format(name=quote_within(name, NAME_SHOWN))
    return content(first, section(f"*{first}*\n{said}"))


def decided(phase: Phase, cause: Cause, name: str, answer: Answer) -> Content:
    """Build the reply in the thread, signed by whoever decided; without text for the end."""
    name = one_line(name)
    heading = HEADING[answer.choice].format(name=quote_within(name, NAME_SHOWN))
    text = f"\n{quotation(answer.text, TEXT_SHOWN)}" if answer.text else ""
    return content(
        DECIDED_FIRST[answer.choice].format(name=truncated(name, NAME_NOTIFIED)),
        section(f"{heading}{text}"),
        context(_because(phase, cause)),
    )


def undecided(phase: Phase, decision: Decision, today: date) -> Content:
    """Build the reply that says as of when nothing was decided, which stays true afterwards."""
    template = one_or_many(len(phase.lead_names), HASNT_DECIDED, HAVENT_DECIDED)
    leads = leads_as_subject(phase)
    said = UNDECIDED.format(
        today=day(today),
        undecided=template.format(leads=leads),
        asked=day(phase.day_of(decision.asked_at)),
    )
    first = template.format(leads=leads_as_subject(phase, begins=True))
    return content(truncated(first, 80), section(said), context(_because(phase, decision.cause)))


def already_decided(decision: Decision) -> str:
    return DECIDED.format(name=quote_within(decision.name, NAME_SHOWN))


def _stop_if(phase: Phase) -> list[str]:
    text = phase.promise.stop_if
    return [labelled(STOP_IF, one_line(text), STOP_IF_SHOWN)] if text else []


def _because(phase: Phase, cause: Cause) -> str:
    text = quote_within(one_line(phase.promise.stop_if), STOP_IF_SHOWN)
    return BECAUSE[cause].format(text=text)
