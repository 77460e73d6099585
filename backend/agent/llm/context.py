"""Fits a prompt into the model's context window.

Servers cut what is too long from its beginning, which is where the rules are; so nothing too long
is ever sent. No second model summarises: the caller would wait for it.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from backend.agent.llm.prompt import MOST_TOKENS, Message, Prompt
from backend.agent.llm.tools import Tool, definition
from backend.agent.memory import Exchange
from backend.agent.sentences import split_sentences

BYTES_PER_TOKEN = 3
"""UTF-8 bytes. English prose has more than four in every common tokenizer, Chinese about three:
an estimate on the safe side, since each model has its own."""
MESSAGE_TOKENS = 8
"""What a chat template puts around a message."""
KEPT_WHOLE = 2
"""Exchanges given word for word; a question rarely leans on one further back."""
SHORT_WORDS = 20
"""Words of an older question, and of the first sentence of its answer, that are kept."""

_Item = TypeVar("_Item")


def estimated_tokens(text: str) -> int:
    """How many tokens a text has at most, in all likelihood."""
    return math.ceil(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN)


def prompt_tokens(prompt: Prompt) -> int:
    """Estimated tokens of everything that is sent."""
    return _of_messages(prompt.messages()) + _of_tools(prompt.tools)


def fitted(prompt: Prompt, context_tokens: int) -> Prompt:
    """`prompt` with as much as fits beside the longest answer.

    The rules, the state and the question stay. Then come, while there is room: the newest
    exchange, the facts from the best down, the other whole exchanges, and the older ones in short.
    """
    bare = replace(prompt, facts=(), history=(), earlier=())
    room = _Room(context_tokens - MOST_TOKENS - prompt_tokens(bare))
    whole = prompt.history[-KEPT_WHOLE:]
    older = [_short(exchange) for exchange in prompt.history[: -len(whole)]] if whole else []
    newest = room.take(whole[-1:], _whole_tokens)
    facts = room.take(prompt.facts, lambda fact: estimated_tokens(f"- {fact.text}\n"))
    before = room.take(reversed(whole[:-1]), _whole_tokens) if newest else []
    earlier = [*prompt.earlier, *older]
    if earlier:
        room.spend(2 * MESSAGE_TOKENS + estimated_tokens("Before, I asked: In short: "))
    short = room.take(reversed(earlier), _short_tokens)
    return replace(
        prompt,
        facts=tuple(facts),
        history=(*reversed(before), *newest),
        earlier=tuple(reversed(short)),
    )


class _Room:
    """Tokens that are left."""

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens

    def spend(self, tokens: int) -> None:
        self._tokens -= tokens

    def take(self, items: Iterable[_Item], cost: Callable[[_Item], int]) -> list[_Item]:
        """Those that still fit, in their order; a long one does not keep a short one out."""
        taken = []
        for item in items:
            tokens = cost(item)
            if tokens <= self._tokens:
                self._tokens -= tokens
                taken.append(item)
        return taken


def _whole_tokens(exchange: Exchange) -> int:
    return 2 * MESSAGE_TOKENS + estimated_tokens(exchange.caller) + estimated_tokens(exchange.bot)


def _short_tokens(exchange: Exchange) -> int:
    return estimated_tokens(f'"{exchange.caller}" ') + estimated_tokens(f"{exchange.bot} ")


def _short(exchange: Exchange) -> Exchange:
    (first, *_) = (*split_sentences(exchange.bot), "")
    return Exchange(_first_words(exchange.caller), _first_words(first))


def _first_words(text: str) -> str:
    return " ".join(text.split()[:SHORT_WORDS])


def _of_messages(messages: Sequence[Message]) -> int:
    return sum(MESSAGE_TOKENS + estimated_tokens(message["content"]) for message in messages)


def _of_tools(tools: Sequence[Tool]) -> int:
    return sum(estimated_tokens(json.dumps(definition(tool))) for tool in tools)
