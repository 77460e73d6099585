"""What the caller heard of a sentence that was cut off."""


def words_heard(text: str, share: float) -> str:
    """The whole words within that share of the sentence, by its letters.

    Letters are a fair measure of time: speech takes 60–80 ms for each in any voice.
    """
    if share >= 1:
        return text
    if share <= 0:
        return ""
    return text[: round(len(text) * share)].rpartition(" ")[0]
