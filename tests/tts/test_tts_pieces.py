"""Where a text may be cut so that speech begins before all of it is made."""

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.tts.speakable import pieces
from backend.tts.speakable.pieces import CLAUSE_PAUSE_S, LONG_CLAUSES, SENTENCE_PAUSE_S


def test_sentences_are_pieces_with_a_pause_between_them() -> None:
    first, second = pieces("Your line works. Is there anything else?")
    assert (first.text, first.pause_s) == ("Your line works.", SENTENCE_PAUSE_S)
    assert (second.text, second.pause_s) == ("Is there anything else?", 0.0)


def test_a_usual_sentence_stays_whole() -> None:
    text = "Your balance is forty-two dollars and fifty cents, due on the third of May."
    assert [piece.text for piece in pieces(text)] == [text]


def test_a_very_long_sentence_is_cut_at_a_comma() -> None:
    text = "this is a clause of a sentence that goes on, " * 6 + "and ends here."
    cut = pieces(text)
    assert len(cut) > 1
    assert all(len(piece.text) <= LONG_CLAUSES for piece in cut)
    assert [piece.pause_s for piece in cut[:-1]] == [CLAUSE_PAUSE_S] * (len(cut) - 1)


def test_nothing_has_no_pieces() -> None:
    assert pieces("") == []


@settings(max_examples=200)
@given(st.text(alphabet="ab ,.?!;", max_size=600))
def test_no_word_is_lost(text: str) -> None:
    text = " ".join(text.split())
    assert " ".join(piece.text for piece in pieces(text)) == text
