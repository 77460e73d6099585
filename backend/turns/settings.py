"""Every threshold and wait of turn-taking, with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ActivitySettings:
    """When a window counts as voice."""

    start_probability: float = 0.5
    """The detector's own middle; a line at rest stays under 0.1, white and line noise too."""
    hysteresis: float = 0.15
    """How much less keeps a voice going: syllables fade before the next one comes."""
    bridge_s: float = 0.25
    """For how long less is enough. A sound that could never open a turn must not keep one open."""
    minimum_dbfs: float = -55.0
    """Under this nothing is clear voice: quiet callers speak above -45."""
    above_noise_db: float = 3.0
    """Clear voice is this much louder than the line's noise: windows of it stray by 1-2 dB."""
    fades_db: float = 32.0
    """What is this much quieter than the caller's voice is only its end; from vowel to weakest
    consonant speech spans 30 dB. The detector trails 80 ms behind the end of a word, in noise 150:
    it says whether a turn is over, the level since when."""
    sure_probability: float = 0.9
    """From here on quiet voice is clear, too, once it has lasted `faint_voice_s`."""
    faint_voice_s: float = 0.25
    """Voice that is quieter lasts no longer than this at the end of a word. If it does, the caller
    has turned away from the telephone, or it is another caller."""
    quiet_line_dbfs: float = -50.0
    """Up to this noise `start_probability` is enough."""
    noisy_line_dbfs: float = -30.0
    """From this noise on `noisy_start_probability` is asked for."""
    noisy_start_probability: float = 0.7
    """Loud surroundings contain voices; the caller's own is nearer and surer."""
    noise_probability: float = 0.3
    """Windows under this are the line's noise."""
    noise_settles_s: float = 0.5
    """Time constant with which the noise is followed: longer than a breath into the microphone."""
    drowned_s: float = 0.14
    """What noise hides of words: the "f" of "refer a friend" looks like a pause. In 96 questions by
    three voices were 2 gaps of 0.22 s or longer, with noise 15 dB under the voice 75 in 288, and
    3 above 0.3 s."""
    drowning_db: float = 20.0
    """The caller's loudest over the noise at which all of that is hidden,"""
    clear_db: float = 32.0
    """and at which nothing is. Speech of 15 dB over the noise is 20 dB at its loudest."""


@dataclass(frozen=True, slots=True)
class WaitSettings:
    """How much silence ends a turn, by what was said before it."""

    complete_wait_s: float = 0.16
    """After what lacks nothing. The longest closures inside words take about 150 ms, and what was
    said needs 10-30 ms after PAUSED to be understood."""
    unknown_wait_s: float = 0.6
    """After words that may be all or not: pauses between clauses are mostly under half a second."""
    unfinished_wait_s: float = 1.5
    """After what asks to go on: people read numbers off a letter and look for the next line."""
    number_wait_s: float = 1.5
    """The least for anything but a complete answer when a number was asked for: nobody is cut off
    between two digits."""
    doubtful_number_wait_s: float = 0.9
    """After a number that has all its digits but of which"""
    sure_number_confidence: float = 0.9
    """the recogniser is less sure than this: half a number is heard as a whole one with an "oh" too
    many, and then never surer than 0.86."""
    number_pace: float = 1.5
    """Who has paused within a number is given so many times that pause after it: they read it in
    pieces, and the next piece takes as long to find."""
    nothing_wait_s: float = 1.0
    """After sound that is no words, but as long as words: another language, or a poor line. They
    have finished speaking, too."""
    cough_wait_s: float = 2.0
    """After sound too short to be a sentence and not understood: whoever clears their throat
    speaks next. Not when yes or no was asked, where short sounds are answers."""
    cough_voiced_s: float = 0.4
    """Voice of at most this length is taken for a cough while there are no words in it."""


@dataclass(frozen=True, slots=True)
class InterruptionSettings:
    """What the caller has to do to stop us."""

    barge_in_voiced_s: float = 0.12
    """Voice that makes us fall silent: longer than a click, shorter than any word."""
    loud_range_db: float = 12.0
    """A sound lasts, from here on, until it is last no more than this quieter than its loudest: to
    its last syllable, without the 0.2 s of noise that a detector hears after that."""
    interruption_lasts_s: float = 1.35
    """A sound that lasts as long, pauses apart, takes the floor whatever it is. Waiting costs
    nothing, as we are silent already and words are judged at any pause."""
    backchannel_lasts_s: float = 2.0
    """The same when all that was understood is "mhm": it may be repeated."""
    words_last_s: float = 1.2
    """The same for any words. In shorter sounds a recogniser finds words where there are none: of
    430 coughs and "mhm"s of up to 1.2 s, at 15 dB over the line's noise and without any, three in
    four were heard as words, with confidences up to 0.9. Questions last longer."""
    request_lasts_s: float = 0.55
    """The same for a whole request that is"""
    request_words: int = 5
    """at least so many words long and"""
    request_confidence: float = 0.6
    """heard with this confidence: "okay" has passed for "can I pay", "mm hmm" for "I am an agent",
    and for longer ones with less. An answer to yes or no needs nothing more."""
    nothing_follows_s: float = 0.4
    """Silence after which we go on when it was a cough or "mhm"."""
    few_words_follow_s: float = 0.5
    """The same after words too few to stop us: who says more does so after no longer a pause."""
    doubt_follows_s: float = 0.75
    """The same while it is not known what it was. In noise a detector trails by up to 0.25 s, and
    after a second's silence callers take the floor."""
    insists_s: float = 2.5
    """Who had too few words to stop us, and speaks again within this time, means it: then any
    words do."""


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """Turn-taking as a whole."""

    activity: ActivitySettings = ActivitySettings()
    waits: WaitSettings = WaitSettings()
    interruption: InterruptionSettings = InterruptionSettings()

    answer_wait_s: float = 6.0
    """How long the caller may take to begin."""
    max_utterance_s: float = 20.0
    """Longest turn: a television never stops."""
    start_voiced_s: float = 0.06
    """Voice that opens a turn, or goes on with it after a pause: two windows of 32 ms. A "yes" may
    have no more than three."""
    pause_s: float = 0.09
    """Silence that is worth understanding what was said: three windows, most closures inside words
    are shorter."""
    certain_silence_s: float = 0.03
    """The detector, which trails, must agree for this long before a turn ends: what is silence to a
    level meter may be the closure of a "p". One window."""
    dropout_s: float = 0.05
    """A gap this long (one window) does not break the beginning of a voice."""
    onset_margin_s: float = 0.2
    """Audio kept from before the first voiced window: soft consonants are not voiced."""
    max_onset_s: float = 2.0
    """Most audio from before a decision that is asked for: what the line has to keep."""
