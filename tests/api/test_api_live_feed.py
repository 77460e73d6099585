"""Calls in progress as a stream: everything once, in order, also after a dropped connection."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from backend.api import live_feed
from backend.api.live_feed import LiveFeed
from backend.core.events import CallEvent, EventBus, EventType
from tests.support.call_events import Script
from tests.support.loop import run

A, B = "20261121-090000-aaaaaa", "20261121-090001-bbbbbb"


class Watcher:
    """One browser: reads the stream as an EventSource does."""

    def __init__(self, feed: LiveFeed, last_id: str = "") -> None:
        self.last_id = last_id
        self.seen: list[tuple[str, Any]] = []
        self._stream: AsyncGenerator[bytes, None] = feed.stream(last_id)

    async def read(self) -> "Watcher":
        """The next chunk."""
        chunk = await asyncio.wait_for(anext(self._stream), 5)
        for block in chunk.decode().split("\n\n"):
            fields = dict(re.findall(r"^(\w+): (.*)$", block, re.MULTILINE))
            self.last_id = fields.get("id", self.last_id)
            if "event" in fields:
                data = fields.get("data", "")
                self.seen.append((fields["event"], json.loads(data) if data[:1] == "{" else data))
        return self

    def events(self) -> list[tuple[str, int]]:
        """Which events of which calls came, in order."""
        return [(data["call"], data["seq"]) for name, data in self.seen if name == "call"]

    def was_reset(self) -> bool:
        return "reset" in [name for name, _ in self.seen]

    async def leave(self) -> None:
        await self._stream.aclose()


def names(events: list[CallEvent]) -> list[tuple[str, int]]:
    return [(event.call_id, event.seq) for event in events]


def publish(bus: EventBus, events: list[CallEvent]) -> None:
    for event in events:
        bus.publish(event)


def test_who_comes_in_the_middle_gets_all_of_the_calls_in_progress() -> None:
    async def scenario() -> Watcher:
        bus = EventBus()
        feed = LiveFeed(bus)
        over, going_on = Script(A).started().asked("one").ended(), Script(B).started().asked("two")
        publish(bus, [*over.events, *going_on.events])
        speaking = Script(B).add(EventType.CALLER_SPEAKING, turn=2, text="what")
        publish(bus, speaking.events)
        watcher = await Watcher(feed).read()
        await watcher.leave()
        assert watcher.events() == names(going_on.events)
        return watcher

    assert run(scenario()).was_reset()


def test_after_a_drop_it_goes_on_without_gap_or_duplicate() -> None:
    async def scenario() -> None:
        bus = EventBus()
        feed = LiveFeed(bus)
        script = Script(A).started()
        publish(bus, script.events)
        first = await Watcher(feed).read()
        script.asked("are you there")
        publish(bus, script.events[1:])
        await first.read()
        await first.leave()
        script.answered("Yes.").ended()
        publish(bus, script.events[3:])
        again = await Watcher(feed, first.last_id).read()
        await again.leave()
        assert not again.was_reset()
        assert first.events() + again.events() == names(script.events)

    run(scenario())


@pytest.mark.parametrize("last_id", ["another-3", "garbage", "-", "'-9999999999", "x-²"])
def test_an_id_of_another_run_or_of_nobody_starts_afresh(last_id: str) -> None:
    async def scenario() -> Watcher:
        bus = EventBus()
        feed = LiveFeed(bus)
        publish(bus, Script(A).started().events)
        watcher = await Watcher(feed, last_id).read()
        await watcher.leave()
        return watcher

    watcher = run(scenario())
    assert watcher.was_reset()
    assert watcher.events() == [(A, 0)]


def test_who_was_away_too_long_starts_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_feed, "KEPT", 3)

    async def scenario() -> Watcher:
        bus = EventBus()
        feed = LiveFeed(bus)
        script = Script(A).started()
        publish(bus, script.events)
        first = await Watcher(feed).read()
        await first.leave()
        script.asked("one").asked("two")
        publish(bus, script.events[1:])
        again = await Watcher(feed, first.last_id).read()
        await again.leave()
        assert again.events() == names(script.events)
        return again

    assert run(scenario()).was_reset()


def test_a_connection_lost_before_the_beginning_was_complete_begins_again() -> None:
    async def scenario() -> str:
        bus = EventBus()
        feed = LiveFeed(bus)
        publish(bus, Script(A).started().asked("one").events)
        stream = feed.stream("")
        beginning = (await anext(stream)).decode()
        await stream.aclose()
        return beginning

    *partly, _ = run(scenario()).split("event: here")
    assert "id: " not in "".join(partly).rpartition("\n\n")[0]


def test_what_is_said_in_any_alphabet_arrives_as_it_was_said() -> None:
    words = "naïve 東京 \n\n event: call \ud800"

    async def scenario() -> Watcher:
        bus = EventBus()
        feed = LiveFeed(bus)
        publish(bus, Script(A).started().asked(words).events)
        watcher = await Watcher(feed).read()
        await watcher.leave()
        return watcher

    said = run(scenario()).seen[2][1]["data"]["text"]
    assert said == words.replace("\ud800", "?")


def test_news_replace_each_other_and_are_not_given_to_who_has_just_loaded_the_page() -> None:
    async def scenario() -> list[tuple[str, Any]]:
        feed = LiveFeed(EventBus())
        feed.show("<p>old</p>")
        watcher = await Watcher(feed).read()
        feed.show("<p>new</p>\n<p>lines</p>")
        await watcher.read()
        await watcher.leave()
        return watcher.seen

    assert [name for name, _ in run(scenario())] == ["reset", "here", "status"]


def test_stopping_ends_every_stream() -> None:
    async def scenario() -> None:
        feed = LiveFeed(EventBus())
        watcher = await Watcher(feed).read()
        feed.close()
        with pytest.raises(StopAsyncIteration):
            await watcher.read()
        assert not feed.is_watched

    run(scenario())
