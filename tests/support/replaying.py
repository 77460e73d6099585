"""A bot for replays that understands callers another way than they were understood."""

from collections.abc import Sequence

from backend.calls.replay import CallerTurn
from backend.core.events import CallEvent
from backend.core.records import CallInfo
from tests.support.call_events import Script


class Understanding:
    """Answers with another script, and keeps what it was given."""

    def __init__(self) -> None:
        self.turns: Sequence[CallerTurn] = ()

    async def replay(self, info: CallInfo, turns: Sequence[CallerTurn]) -> list[CallEvent]:
        self.turns = turns
        script = Script(info.call_id).started().answered("Hello.", thinking_s=None, total_s=0.0)
        script.asked("what do i own", intent="account_info").answered("Everything.")
        return script.ended().events
