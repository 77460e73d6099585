"""Markdown and HTML taken off: only what a reader would read aloud stays."""

import html
import re

_FENCE = re.compile(r"^[ ]{0,3}(?:`{3,}|~{3,})[^\n]*$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.{0,2000}?-->", re.DOTALL)
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)?[^<>\s]+[.@][^<>\s]+)>")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,300}>")
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\s[^()]*)?\)|\[[^\[\]]*\])")
_FOOTNOTE = re.compile(r"\[\^?\d{1,3}\]|\[[ xX]\](?=\s)")
_EMPHASIS = re.compile(r"(\*{1,3}|~~|`+)(?=\S)([^\n]+?)(?<=\S)\1")
_UNDERSCORES = re.compile(r"(?<!\w)(_{1,3})(?=\S)([^\n]+?)(?<=\S)\1(?!\w)")
_TIMES = re.compile(r"(?<=\d)\s?\*\s?(?=\d)")
_LONE_KEY = re.compile(r"(?<=\S )[*#](?=[\s.,;:!?]|$)")
_KEY_NAMES = {"*": "star", "#": "pound"}

_RULE = re.compile(r"\s*(?:[-*_=]\s*){3,}$")
_TABLE_RULE = re.compile(r"(?=.*\|)[\s:|-]+$")
_QUOTE = re.compile(r"\s*(?:>\s?)+")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*?)[\s#]*$")
_BULLET = re.compile(r"\s*[-*+]\s+(?=\D)")
_NUMBERED = re.compile(r"\s*(\d{1,2})[.)]\s+(?=[A-Za-z*_\[])")
_ENDED = (".", "!", "?", ":", ";", ",")


def without_markup(text: str) -> str:
    """One line of prose. Headings, list items and table rows become sentences of their own."""
    text = html.unescape(text) if "&" in text else text
    if "<" in text:
        text = _TAG.sub(" ", _AUTOLINK.sub(r"\1", _COMMENT.sub(" ", text)))
    text = _LONE_KEY.sub(lambda match: _KEY_NAMES[match[0]], _TIMES.sub(" times ", text))
    if any(mark in text for mark in "*`~_["):
        text = _without_spans(text)
    return _joined(text)


def _without_spans(text: str) -> str:
    text = _FOOTNOTE.sub("", _LINK.sub(r"\1", _FENCE.sub("", text)))
    for _ in range(3):  # spans nest: ***bold `code`***
        text = _UNDERSCORES.sub(r"\2", _EMPHASIS.sub(r"\2", text))
    return text


def _joined(text: str) -> str:
    """Lines put together: soft-wrapped ones with a space, blocks with the end of a sentence."""
    prose, after_block = "", False
    for line in text.split("\n"):
        content, is_block = _block(line)
        if not content:
            after_block = True
            continue
        if prose and (is_block or after_block) and not prose.endswith(_ENDED):
            prose += "."
        prose = f"{prose} {content}" if prose else content
        after_block = is_block
    return prose


def _block(line: str) -> tuple[str, bool]:
    """A line's words, and whether the line is a block of its own."""
    if _RULE.match(line) or _TABLE_RULE.match(line):
        return "", True
    line = _QUOTE.sub("", line, count=1) if line.lstrip().startswith(">") else line
    if heading := _HEADING.match(line):
        return heading[1].strip(), True
    if bullet := _BULLET.match(line):
        return line[bullet.end() :].strip(), True
    if item := _NUMBERED.match(line):
        return f"{item[1]}: {line[item.end() :].strip()}", True
    if line.count("|") > 1:
        return ", ".join(cell for cell in map(str.strip, line.split("|")) if cell), True
    return line.strip(), False
