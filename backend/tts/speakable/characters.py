"""Characters first: one form for quotes, dashes and digits; nothing invisible or pictorial."""

import re
import unicodedata

_VULGAR = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5",
    "⅗": "3/5", "⅘": "4/5", "⅙": "1/6", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8",
}  # fmt: skip
_MIXED_FRACTION = re.compile(rf"(?<=\d)\s*(?=[{''.join(_VULGAR)}])")
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’ʼ´", "'"),
        **dict.fromkeys('"“”„«»', " "),
        **dict.fromkeys("‐‑‒−", "-"),
        **dict.fromkeys("™®©℠", ""),
        **dict.fromkeys("\t\v\f\r", " "),
        **{fraction: f" {plain}" for fraction, plain in _VULGAR.items()},
        "²": " squared",
        "³": " cubed",
        "⁄": "/",
        "•": "\n- ",
        "×": " times ",
        "÷": " divided by ",
        "№": "number ",
    }
)
_RANGE_DASH = re.compile(r"(?<=\w)–(?=\w)|(?<=[\dm])\s*[–—]\s*(?=[\d$£€])")
_DASH = re.compile(r"\s*[–—―]\s*")
_SYMBOLS = frozenset("$£€¥₹¢°+=<>|~^`\n")


def plain_characters(text: str) -> str:
    """Compatibility forms folded (NFKC), typographic marks made plain, the unspeakable dropped.

    Digits of every script become ASCII digits. Line breaks stay: markup is told apart by them.
    """
    text = _MIXED_FRACTION.sub(" and", text).translate(_PLAIN)
    if text.isascii() and text.isprintable():
        return text
    text = unicodedata.normalize("NFKC", text).translate(_PLAIN)
    text = _DASH.sub(", ", _RANGE_DASH.sub("-", text))
    return unicodedata.normalize("NFC", "".join(map(_speakable_form, text)))


def _speakable_form(char: str) -> str:
    if char in _SYMBOLS:
        return char
    kind = unicodedata.category(char)
    if kind[0] in "LM":
        return char
    if kind[0] == "N":
        return _ascii_number(char)
    if kind in ("Cf", "Cs", "Co", "Cn"):
        return ""  # zero-width joiners and the like must not split a word
    return char if char.isascii() and char.isprintable() else " "


def _ascii_number(char: str) -> str:
    value = unicodedata.numeric(char)
    return str(int(value)) if value == int(value) else " "
