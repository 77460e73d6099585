"""Text made fit to be read out. One stage per file; `speakable` runs them in order."""

from backend.tts.speakable.pieces import Piece, pieces
from backend.tts.speakable.pipeline import MAX_WORDS, speakable

__all__ = ["MAX_WORDS", "Piece", "pieces", "speakable"]
