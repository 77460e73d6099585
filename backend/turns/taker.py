"""Who has the floor: the state of one call's turn-taking."""

from dataclasses import dataclass
from enum import Enum, auto

from backend.core.speech import OPEN_QUESTION, HeardSoFar, Question
from backend.turns.activity import Activity, Run, Voice
from backend.turns.base import Decision, Window
from backend.turns.endpoint import EndpointStrategy, SilenceAndCompleteness
from backend.turns.interruption import Sound, Verdict
from backend.turns.settings import TurnSettings

_ROUNDING_S = 1e-6
"""Sums of window lengths compare as they read."""


class _Floor(Enum):
    CALLER = auto()
    US = auto()
    NOBODY = auto()
    """Before the first sentence, and while the answer is being prepared."""


@dataclass(slots=True)
class _Utterance:
    began_at_s: float
    voice_ended_at_s: float
    voiced_s: float
    loudest_dbfs: float
    sound: Sound | None
    """It came while we spoke, and is being judged."""
    paused: bool = False
    longest_pause_s: float = 0.0
    """Of the pauses after which the caller went on."""
    silent_s: float = 0.0
    """All of them together."""
    loud_until_s: float = 0.0
    """End of the last window about as loud as the loudest."""

    @property
    def lasted_s(self) -> float:
        """Its voice and the gaps between its words, without pauses."""
        return self.loud_until_s - self.began_at_s - self.silent_s


class FloorKeeper:
    """The TurnTaker of one call.

    Of an utterance comes, in this order: STARTED, or HOLD and then INTERRUPTED or GO_ON; any number
    of PAUSED and RESUMED by turns, between HOLD and its verdict, too; ENDED, once the line listens.
    Between PAUSED and RESUMED, ENDED or a verdict the ear should find out what was said. ENDED
    without PAUSED means that the turn became too long.
    """

    def __init__(
        self, settings: TurnSettings | None = None, endpoint: EndpointStrategy | None = None
    ) -> None:
        self.settings = settings or TurnSettings()
        self._endpoint = endpoint or SilenceAndCompleteness(self.settings.waits)
        self._activity = Activity(self.settings.activity)
        self._run = Run(self.settings.dropout_s)
        self._floor = _Floor.NOBODY
        self._interruptible = True
        self._question = OPEN_QUESTION
        self._waiting_since_s = 0.0
        self._utterance: _Utterance | None = None
        self._detected_at_s = float("-inf")
        self._ignored_at_s = float("-inf")
        """When we last went on after words that were too few."""
        self._onset_s = 0.0
        self._voice_ended_at_s: float | None = None

    @property
    def onset_s(self) -> float:
        """See TurnTaker; at most `TurnSettings.max_onset_s`."""
        return self._onset_s

    @property
    def voice_ended_at_s(self) -> float | None:
        """See TurnTaker. Stays after ENDED until the next `listen` or utterance."""
        return self._voice_ended_at_s

    def listen(self, question: Question, at_s: float) -> None:
        """See TurnTaker."""
        self._floor = _Floor.CALLER
        self._question = question
        self._waiting_since_s = at_s
        if self._utterance is None:
            self._voice_ended_at_s = None
        else:
            self._utterance.sound = None

    def speak(self, at_s: float, *, interruptible: bool) -> None:
        """See TurnTaker. An utterance that we judge already is judged further."""
        self._floor = _Floor.US
        self._interruptible = interruptible
        if self._utterance is not None and self._utterance.sound is None:
            self._utterance = None

    def hear(self, window: Window, heard: HeardSoFar) -> Decision | None:
        """See TurnTaker."""
        voice = self._activity.hear(window)
        if voice is not Voice.NONE:
            self._detected_at_s = window.at_s
        voiced = voice is Voice.CLEAR
        self._run.hear(window, voice)
        utterance = self._utterance
        if utterance is None:
            return self._begin(window, voiced)
        if voiced:
            self._follow_loudness(utterance, window)
        if voiced and not utterance.paused:
            self._voice(utterance, window.at_s, window.length_s)
        sound = utterance.sound
        if sound and (verdict := self._judge(utterance, sound, window, heard)):
            return verdict
        if self._floor is _Floor.CALLER and self._is_over(utterance, window, heard):
            return self._end(utterance)
        if utterance.paused:
            return self._in_pause(utterance, window)
        return self._in_voice(utterance, window)

    def _begin(self, window: Window, voiced: bool) -> Decision | None:
        s = self.settings
        if self._floor is _Floor.US and self._interruptible:
            if voiced and self._lasts(s.interruption.barge_in_voiced_s):
                return self._open(window, Decision.HOLD)
        elif self._floor is _Floor.CALLER:
            if voiced and self._lasts(s.start_voiced_s):
                return self._open(window, Decision.STARTED)
            waited_s = window.at_s - self._waiting_since_s
            if not self._run.voiced_s and waited_s >= s.answer_wait_s - _ROUNDING_S:
                self._floor = _Floor.NOBODY
                return Decision.NO_ANSWER
        return None

    def _open(self, window: Window, decision: Decision) -> Decision:
        s, run = self.settings, self._run
        insists = window.at_s - self._ignored_at_s <= s.interruption.insists_s
        sound = Sound(s.interruption, insists) if decision is Decision.HOLD else None
        self._utterance = _Utterance(
            run.began_at_s, window.at_s, run.voiced_s, window.level_dbfs, sound
        )
        self._follow_loudness(self._utterance, window)
        onset_s = window.at_s - run.began_at_s + s.onset_margin_s
        self._onset_s = min(onset_s, s.max_onset_s)
        self._voice_ended_at_s = window.at_s
        return decision

    def _judge(
        self, utterance: _Utterance, sound: Sound, window: Window, heard: HeardSoFar
    ) -> Decision | None:
        silence_s = self._silence_s(utterance, window) if utterance.paused else 0.0
        match sound.judge(heard, utterance.lasted_s, silence_s):
            case Verdict.INTERRUPTION:
                utterance.sound = None
                self._floor = _Floor.NOBODY
                return Decision.INTERRUPTED
            case Verdict.NOTHING:
                if sound.had_words:
                    self._ignored_at_s = window.at_s
                self._utterance = None
                self._voice_ended_at_s = None
                return Decision.GO_ON
            case Verdict.OPEN:
                return None

    def _is_over(self, utterance: _Utterance, window: Window, heard: HeardSoFar) -> bool:
        s = self.settings
        if window.at_s - utterance.began_at_s >= s.max_utterance_s - _ROUNDING_S:
            return True
        if not utterance.paused or window.at_s - self._detected_at_s < s.certain_silence_s:
            return False
        wait_s = self._endpoint.wait_s(
            self._question, heard, utterance.voiced_s, utterance.longest_pause_s
        )
        wait_s += self._activity.drowned_s
        return self._silence_s(utterance, window) >= wait_s - _ROUNDING_S

    def _end(self, utterance: _Utterance) -> Decision:
        if utterance.paused:
            self._run.clear()
        else:
            self._run.ignore()
        self._utterance = None
        self._floor = _Floor.NOBODY
        return Decision.ENDED

    def _in_pause(self, utterance: _Utterance, window: Window) -> Decision | None:
        if not self._lasts(self.settings.start_voiced_s):
            return None
        utterance.paused = False
        pause_s = self._run.began_at_s - utterance.voice_ended_at_s
        utterance.longest_pause_s = max(utterance.longest_pause_s, pause_s)
        utterance.silent_s += pause_s
        self._voice(utterance, window.at_s, self._run.voiced_s)
        return Decision.RESUMED

    def _in_voice(self, utterance: _Utterance, window: Window) -> Decision | None:
        if window.at_s - utterance.voice_ended_at_s < self.settings.pause_s - _ROUNDING_S:
            return None
        utterance.paused = True
        self._run.clear()
        return Decision.PAUSED

    def _follow_loudness(self, utterance: _Utterance, window: Window) -> None:
        utterance.loudest_dbfs = max(utterance.loudest_dbfs, window.level_dbfs)
        range_db = self.settings.interruption.loud_range_db
        if window.level_dbfs >= utterance.loudest_dbfs - range_db:
            utterance.loud_until_s = window.at_s

    def _voice(self, utterance: _Utterance, at_s: float, voiced_s: float) -> None:
        utterance.voiced_s += voiced_s
        utterance.voice_ended_at_s = self._voice_ended_at_s = at_s

    def _silence_s(self, utterance: _Utterance, window: Window) -> float:
        """None at all while there is a sound that may be the caller going on."""
        return 0.0 if self._run.voiced_s else window.at_s - utterance.voice_ended_at_s

    def _lasts(self, voiced_s: float) -> bool:
        return self._run.voiced_s >= voiced_s - _ROUNDING_S
