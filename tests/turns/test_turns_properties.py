"""Whatever the caller does, decisions come in order and turns end."""

from hypothesis import given
from hypothesis import strategies as st

from backend.core.speech import OPEN_QUESTION, Completeness, HeardSoFar
from backend.turns.base import Decision
from tests.support.turn_sim import NUMBER, YES_NO, Caller

D = Decision
FOLLOWERS: dict[Decision | None, set[Decision]] = {
    None: {D.STARTED, D.HOLD, D.NO_ANSWER},
    D.STARTED: {D.PAUSED, D.ENDED},
    D.PAUSED: {D.RESUMED, D.ENDED, D.GO_ON, D.INTERRUPTED},
    D.RESUMED: {D.PAUSED, D.ENDED, D.GO_ON, D.INTERRUPTED},
    D.HOLD: {D.PAUSED, D.INTERRUPTED, D.ENDED},
    D.INTERRUPTED: {D.PAUSED, D.RESUMED, D.ENDED},
}
OVER = {D.ENDED, D.GO_ON, D.NO_ANSWER}

heard = st.builds(
    HeardSoFar, st.sampled_from(["", "yes", "mhm", "four two"]), st.sampled_from(Completeness)
)
sounds = st.lists(
    st.tuples(st.floats(0, 1), st.floats(-100, 0), st.floats(0.03, 2), st.booleans(), heard),
    max_size=25,
)


def check_order(course: list[Decision]) -> None:
    last: Decision | None = None
    for decision in course:
        assert decision in FOLLOWERS[last], course
        last = None if decision in OVER else decision


@given(sounds, st.sampled_from([OPEN_QUESTION, YES_NO, NUMBER]))
def test_a_turn_that_began_ends_when_silence_follows(
    caller_does: list[tuple[float, float, float, bool, HeardSoFar]], question: object
) -> None:
    caller = Caller()
    assert question in (OPEN_QUESTION, YES_NO, NUMBER)
    caller.listened_to(question)
    for probability, level_dbfs, seconds, echo, understood in caller_does:
        caller.understood = understood
        caller.window(probability, level_dbfs, seconds, echo=echo)
    caller.silence(7)
    check_order(caller.course)
    assert caller.course[-1] in {D.ENDED, D.NO_ANSWER}


@given(sounds)
def test_we_are_never_held_for_ever(
    caller_does: list[tuple[float, float, float, bool, HeardSoFar]],
) -> None:
    caller = Caller().spoken_to()
    caller.on_decision = lambda decision: (
        caller.keeper.listen(OPEN_QUESTION, caller.now_s)
        if decision is D.INTERRUPTED
        else caller.keeper.speak(caller.now_s, interruptible=True)
        if decision in OVER
        else None
    )
    for probability, level_dbfs, seconds, echo, understood in caller_does:
        caller.understood = understood
        caller.window(probability, level_dbfs, seconds, echo=echo)
    caller.silence(7)
    check_order(caller.course)
    assert not caller.course or caller.course[-1] in OVER
