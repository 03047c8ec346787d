"""A durable agenda of due actions, local-time slots, and the ticker that runs the actions.

Any process may run any action at any time: an hour late, weeks late, a second time, or alongside
other due actions. Each action therefore reads the current state and decides by pure rules what is
still to be done (`slots.within_hours_if_late`, `slots.within_hours`, `rounds.rules.asked_at`). A
stale action is dropped and logged (`agenda_action_stale`). No action relies on an action of another
subject having run before it; actions on one subject run in the order they were due. Everyone who is
asked or reminded in one round at the same moment is handled in one transaction, so a person's slot
costs a fraction of one.

For each action, when it still runs if late, when it is stale, and at what hour people hear of it:

open_round      Asks each person at their next suitable hour. Put off to the next working day if
                its day has become a holiday. Stale 48 h after its time: for the whole round by the
                lead's clock; a person for whom it is stale is left out, and the round is not opened
                with too few. So a late round never comes within five days of the next. Silent.
ask             While the round stays open for at least another hour. In the person's hours.
remind          As for ask, and a day after the questions actually reached the person.
talk            Stale after 48 h. If late, in the lead's hours.
close_round     Always: answers are counted and destroyed; after a day, without their key. A round
                in which no member was asked is cancelled silently. Leads hear in their hours.
show_results    Always, a working day after the leads could read them. If late, in the lead's hours.
warn_end        Until the phase ends. In each lead's hours.
end_phase       Always; a phase ends as soon as the bot is back. If late, the channel is told in the
                lead's hours (at any hour if on time); leads in theirs.
send_goodbye    (and send_late_thanks) Always, unless the person left or opted out. In their hours.
deliver_concerns  Always: a concern is never lost. In each lead's morning.
refresh_announcement  Once, for today, until the phase has ended. Silent.
sync_members    Until the phase ends: reads who is in the channel now. Silent.
send_again_to_person  What people wrote, to a person whose account is open again. In their hours.
read_person     Always: reads the person's current profile. Silent.
catch_up         Always: schedules the two above, spread out. Silent.
reschedule_for_zone Reschedules questions not sent yet, if they can still be answered. Silent.
check_channel   (and other consequences of a Slack refusal) Always: reads the current state.
delete_round_keys  Always, once nothing needs the day's keys any more. Silent.
scrub, tidy, delete_old_drafts  Always. Silent.

Messages that were decided in time but are sent late, because Slack or the bot was down, are
postponed when they are sent to the next suitable hour of the person, or of the channel's lead
(`phases.quiet_hours.next_allowed_at`).
"""
