"""A durable list of actions that become due, local-time slots, and the tick that runs them.

Any process may carry out anything at any time: an hour late, weeks late, a second time, beside
what else is due. So each action asks what is true now and decides by pure rules what is still to
be done (`slots.once_welcome`, `slots.within_hours`, `rounds.rules.asked_at`). What is stale is
dropped with a line in the log (`agenda.let_go`). No action counts on another subject's having
been done before; things about one subject are done in the order they were due. Who is asked in
one round, or reminded, at one moment is so in one transaction: a person's slot costs a fraction.

What becomes of each when it is late, when it is stale, and at what hour people hear of it:

open_round      Asks everyone in their next hours. Stale 48 h after their time: for the whole round
                by the lead's clock, else the round goes without them, and not with too few.
                So a late one never comes within five days of the next. Silent.
ask             As long as the round is open for another hour. That person's hours.
remind          The same, and a day after the questions really reached them.
talk            Stale after 48 h. Late, in the lead's hours.
close_round     Always: answers are counted and destroyed, without their key after a day. A round in
                which no member was asked is taken back without a word. Leads in their hours.
show_results    Always, a working day after the leads could read them. Late, in the lead's hours.
warn_end        Until the phase ends. Each lead's hours.
end_phase       Always; it ends when the bot is back. Late, the channel reads it in the lead's
                hours (in time it does so at any hour); leads in theirs.
say_goodbye     (and say_line) Always, unless they left or opted out. That person's hours.
deliver_concerns  Always: a note is never lost. Each lead's mornings.
refresh_announcement  Once, for today, until it has ended. Silent.
follow_members  Until the phase ends: it asks who is in its channel now. Silent.
read_person     Always: it asks how somebody is now. Silent.
ask_what_was_missed  Always: plans the two above, spread out. Silent.
follow_zone     Moves questions that were not sent yet, if they can still be answered. Silent.
look_at_channel (and what else follows from Slack's no) Always: it asks how things are now.
scrub, tidy, forget_drafts  Always. Silent.

Messages that were decided in time and are late on their way, because Slack or we were away, are
put off to the next hours of the person, or of the channel's lead, where they are sent
(`phases.hours.welcome_at`).
"""
