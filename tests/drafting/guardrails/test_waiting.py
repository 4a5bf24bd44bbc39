"""Which words of the last paragraph give leave to wait, and which only look as if they did."""

import pytest

from agent.drafting.guardrails import read
from agent.drafting.guardrails.waiting import leave_in
from tests.builders import a_brief
from tests.drafting.guardrails.held import closing, words

OFFER = "Growth includes 5,000 exports for €99 per month. Shall I switch you over?"
WATCH = "Come back to me when exports pass 90% of the 1,000 in your plan."


@pytest.mark.parametrize(
    "sentence",
    [
        "If you prefer to wait, wait.", "There is nothing wrong with waiting.",
        "A no for now is as welcome as a yes.", "Leaving it for now won't hurt anything.",
        "You can decide that later as well.", "If you'd rather hold off, do.", "No is fine too.",
        "You needn't answer now.", "Simply let it rest.", "You don't have to.",
        "You can also sit this one out.",
        "I won't mind in the least if you skip it.", "Turning it down is a perfectly sound choice.",
        "Nobody expects an answer this week.", "Sleep on it for as long as you like.",
        "Postponing it does no damage at all.", "Feel free to ignore this note.",
        "It keeps, so park it if you wish.", "Next quarter would be soon enough.",
        "If Starter still does the job, stick with it.", "Whether now or later is yours to choose.",
        "By all means give it a miss for the time being.", "Should you want to think it over, please do.",
        "Nothing obliges you to take it.", "If money is tight at present, I fully understand.",
        "There's no shame in declining.", "You're welcome to come back to this another day.",
        "I'd be just as happy with a no.", "Doing without it is possible as well.",
        "It's not a decision for today.", "Maybe it's one for next year, and that's fine.",
        "If Starter is enough for you, keep it.", "You may safely set this aside.",
        "Holding back is a reasonable thing to do.", "The offer will still be here in spring.",
        "If you want to see another month first, go ahead and see.",
        "You may prefer to stay small for now, which makes sense.",
        "That can sit in a drawer for a while.",
        "If the answer's no, so be it.",
        "Nothing is urgent about this.",
        "Your present plan will serve you a while longer, so there is no cause to move.",
        "I can live with a no.",
        "Do leave it if you have other worries.",
        "It would be quite normal to hold on a bit.",
        "Whenever suits you is soon enough.",
        "Don't feel rushed.",
        "Wait as long as you like.",
        "If this isn't for you, just delete this mail.",
        "A 'maybe later' is okay too.",
        "You are under no obligation.",
        "No decision is required from you at present.",
        "Perhaps not this month; I'd understand.",
        "Starter is still a good home for you, so stay if you wish.",
        "Should you want to let it be, let it be.",
        "We could just as well leave everything the way it is.",
        "Only if you want to; otherwise leave things alone.",
        "Not today? Fine.",
        "It's your decision, and there's no wrong one.",
        "There's plenty of time to decide.",
        "I'd also understand if you passed.",
        "You are free to turn this down.",
        "If you'd prefer to make do with what you have, that works too.",
    ],
)  # fmt: skip
def test_a_leave_to_wait_is_heard_in_any_words(sentence):
    """A word of waiting or declining with a word of leave."""
    assert words("not_yet_close", closing(f"{OFFER} {sentence} {WATCH}")) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "You can't wait much longer.", "Waiting isn't an option for your team.", "I would not wait.",
        "There is no time to wait.", "Sooner rather than later is fine by me.",
        "Better now than later.", "Why wait when it can be fine today?", "You can answer with a simple yes.",
        "We can start later today if that's fine.", "I can call you later today.",
        "You don't have to worry about limits any more.", "No more waiting: good for your team.",
        "You can keep exporting until the end of the month.", "I can't wait to hear from you, it'll be great.",
        "You don't need to do anything to get started.", "Later may be too late.",
        "You can wait, but it will cost you more.", "Of course you can leave it, though you'd regret it.",
        "If you'd rather not lose exports, that's the right choice.", "Please don't leave it for later.",
        "Don't put it off, and all will be fine.", "A no is hard to understand here.",
        "Waiting would not be fine.", "It's not okay to stay on Starter.",
        "Your team is happy to decide quickly.", "Take it, and your team will be fine.",
        "You can pay later.", "If you don't reply, I'll happily set it up for you.",
        "No need to wait: I can do it now.", "It's fine to go ahead without asking me.",
        "Just decide by Friday.", "You shouldn't hold off any longer.", "Feel free to say yes.",
        "No one stays on Starter for long.", "There is no good reason to wait.",
        "It's good that you didn't wait with the last upgrade.",
        "You can stop waiting for exports.",
        "I understand your team is tired of waiting.",
        "Now is as good a time as any.",
        "If you can, decide now, please.",
        "You may want to act before it's too late.",
        "Simply say yes and keep everything running.",
        "It's a fine plan, and you'll keep it for years.",
        "I'd be happy to think it through with you.",
        "Leave it to us, and it'll be fine.",
        "Leave it to me.",
        "No problem is too small for us.",
        "Of course you can stay in touch.",
        "You can pass 1,000 exports without a problem.",
        "If you stay on Starter, exports will stop, that's certain.",
        "Let me know soon, that would be good.",
        "You can keep your data, of course.",
        "Take your time back: let it run by itself.",
        "With Growth you can skip the limit, no problem.",
        "It's perfectly possible to be up and running later this week.",
        "If not now, when?",
        "You can come back to work without worry.",
        "If your team needs more exports, Growth works.",
    ],
)  # fmt: skip
def test_what_only_sounds_like_a_leave_is_none(sentence):
    """Denied, turned to pressure, or about something else."""
    text = read(closing(f"{OFFER} {sentence} {WATCH}"), a_brief())
    assert text.last is not None
    assert leave_in(text, text.last) is None


def test_a_question_of_waiting_is_answered_by_the_next_sentence():
    """Leave in two sentences."""
    assert words("not_yet_close", closing(f"{OFFER} Too soon? I understand. {WATCH}")) == []


def test_a_leave_in_other_words_is_no_pressure():
    """What gives leave belongs in the last paragraph, whatever else stands in it."""
    assert words("no_pressure", closing(f"{OFFER} You can also sit this one out. {WATCH}")) == []


def test_a_leave_taken_back_is_still_pressure():
    """Leave with a price on it."""
    said = "You can wait, but it will cost you more."
    assert words("no_pressure", closing(f"{OFFER} {said} {WATCH}"))


def test_advice_against_waiting_is_pressure():
    """Even where leave is given beside it."""
    said = "I would not put this off."
    assert words("no_pressure", closing(f"{OFFER} {said} No hurry, though. {WATCH}")) == [said]
