"""`frontdesk eval intents`: what it counts, and what it says of files it cannot use."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from backend.agent.intents.base import IntentGuess
from backend.agent.intents.evaluation import IntentFigures, Labelled, TrainingSet, measure
from backend.agent.knowledge.model import UNKNOWN
from backend.cli.eval_intents import Engine, read_sentences, run_eval_intents
from backend.config import Settings
from backend.core.errors import FrontdeskError, ModelError

GATE = [f"{verb} the {size} gate" for verb in ("open", "close", "lock") for size in ("big", "old")]
SONG = [f"{verb} a {mood} song" for verb in ("sing", "play", "hum") for mood in ("sad", "new")]


def lines(path: Path, sentences: Sequence[tuple[str, str]]) -> Path:
    path.write_text(
        "\n".join(json.dumps({"text": text, "intent": intent}) for text, intent in sentences)
    )
    return path


class Bench:
    """Files as the command is given them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.train = [(text, "gate") for text in GATE] + [(text, "song") for text in SONG]
        self.test = [("open that gate", "gate"), ("a song please", "song")]
        self.oos = [("zyx qwv", "oos")]

    def run(
        self, *, engine: Engine = Engine.NGRAM, shots: int = 0, seeds: int = 1, json: bool = True
    ) -> None:
        run_eval_intents(
            Settings.model_validate({"data_dir": self.folder}),
            [lines(self.folder / "train.jsonl", self.train)],
            lines(self.folder / "test.jsonl", self.test),
            lines(self.folder / "oos.jsonl", self.oos) if self.oos else None,
            engine=engine,
            shots=shots,
            seeds=seeds,
            as_json=json,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


class Parrot:
    """Answers what it was told to."""

    def __init__(self, guesses: dict[str, IntentGuess]) -> None:
        self.guesses = guesses

    def classify(self, text: str) -> IntentGuess:
        return self.guesses.get(text, IntentGuess(UNKNOWN, 0.5, "a", 0.5))


@pytest.fixture
def figures() -> IntentFigures:
    model = Parrot(
        {
            "right": IntentGuess("a", 0.9),
            "wrong": IntentGuess("b", 0.9, "a", 0.1),
            "turned away": IntentGuess(UNKNOWN, 0.6, "a", 0.4),
            "noticed": IntentGuess(UNKNOWN, 1.0),
            "missed": IntentGuess("b", 0.7),
        }
    )
    inside = [Labelled(text, "a") for text in ("right", "wrong", "turned away")]
    return measure(model, [*inside, Labelled("noticed", UNKNOWN), Labelled("missed", UNKNOWN)])


def test_accuracy_is_of_the_best_intent_and_loss_of_what_was_turned_away(
    figures: IntentFigures,
) -> None:
    assert figures.accuracy == pytest.approx(2 / 3)
    assert figures.in_scope_loss == pytest.approx(1 / 3)


def test_out_of_scope_is_counted_apart(figures: IntentFigures) -> None:
    assert figures.oos_recall == 0.5
    assert figures.oos_precision == 0.5


def test_a_confusion_names_what_was_meant_first(figures: IntentFigures) -> None:
    assert figures.confusions() == [("a", "b", 1)]


def test_calibration_compares_confidence_with_what_was_right(figures: IntentFigures) -> None:
    # At 0.9: one of two was right, off by 0.4 for both; at 0.4: right, off by 0.6.
    assert figures.calibration_error == pytest.approx((2 * 0.4 + 0.6) / 3)


def test_the_figures_are_one_json_object(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.run()
    printed = json.loads(capsys.readouterr().out)
    assert printed["accuracy"] == 1
    assert 0 < printed["p50_ms"] <= printed["p95_ms"] < 1000
    assert {"oos_recall", "oos_precision", "train_s"} <= printed.keys()


def test_without_out_of_scope_sentences_their_figures_are_null(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.oos = []
    bench.run()
    assert json.loads(capsys.readouterr().out)["oos_recall"] is None


def test_a_table_names_the_confusions(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.test.append(("sing a sad song", "gate"))
    bench.run(json=False)
    assert "1 × gate taken for song" in capsys.readouterr().out


def test_every_seed_picks_other_examples(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.run(shots=2, seeds=3)
    assert len(json.loads(capsys.readouterr().out)["runs"]) == 3
    lesson = TrainingSet.of(Labelled(*each) for each in bench.train)
    assert lesson.few(2, 0) != lesson.few(2, 1)
    assert lesson.few(2, 0) == lesson.few(2, 0)


def test_odd_sentences_are_named_and_the_rest_is_learnt(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.train += [("open the big gate", "song"), ("sing a sad song", "song"), ("ring", "bell")]
    bench.test.append(("whatever", "never_seen"))
    bench.run()
    captured = capsys.readouterr()
    assert json.loads(captured.out)["accuracy"] == pytest.approx(2 / 3)
    assert "1 sentences stand under several intents" in captured.err
    assert "one sentence to learn from: 'bell'" in captured.err
    assert "nothing to learn from: 'never_seen'" in captured.err
    assert "1 sentences stand twice" in captured.err


def test_an_empty_transcript_is_turned_away(bench: Bench) -> None:
    bench.oos = [("", "oos")]
    bench.run()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "has no sentences"),
        ("{}", "line 1 is not an object"),
        ('{"text": "a", "intent": "b"}\nnonsense', "line 2 is not an object"),
        ('{"text": 1, "intent": "b"}', "line 1 is not an object"),
        ('{"text": "a", "intent": " "}', "line 1 is not an object"),
        ('["text", "intent"]', "line 1 is not an object"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    with pytest.raises(FrontdeskError, match=complaint):
        read_sentences(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FrontdeskError, match="cannot be read"):
        read_sentences(tmp_path / "none.jsonl")


def test_one_intent_is_nothing_to_tell_apart(bench: Bench) -> None:
    bench.train = [(text, "gate") for text in GATE]
    with pytest.raises(FrontdeskError, match="at least two intents"):
        bench.run()


def test_without_a_sentence_model_the_command_says_how_to_get_one(bench: Bench) -> None:
    with pytest.raises(ModelError) as refused:
        bench.run(engine=Engine.EMBEDDING)
    assert "models fetch" in str(refused.value.fix)
