"""How sure a number is that only the grammar could hear."""

import pytest

from backend.asr.sphinx.decoder import SURE_OF_NUMBER, WORTH_ASKING, BestPath, number_confidence

NUMBER = BestPath(("one", "double", "zero", "four"), 1.0, -0.0036)


def test_a_number_of_which_the_model_made_other_words_is_asked_back_about() -> None:
    heard = BestPath(("why", "minimum", "nearest", "lower"), 1e-7, -0.0057)
    assert number_confidence(heard, 0.0, NUMBER) == WORTH_ASKING


def test_a_number_heard_as_mostly_number_words_is_taken() -> None:
    heard = BestPath(("one", "double", "near", "four"), 1e-3, -0.005)
    assert number_confidence(heard, 0.3, NUMBER) >= SURE_OF_NUMBER


@pytest.mark.parametrize("confidence", [0.0, 0.5, 1.0])
def test_words_without_any_number_never_make_a_number_sure(confidence: float) -> None:
    heard = BestPath(("my", "tablet", "lower"), 1e-5, -0.0053)
    assert number_confidence(heard, confidence, NUMBER) <= 0.5
