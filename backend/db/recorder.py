"""From the event bus to the database."""

from collections.abc import Callable

from backend.core.events import PASSING, CallEvent, EventBus
from backend.db.store import Store


def record_calls(bus: EventBus, store: Store) -> Callable[[], None]:
    """Store every event of every call from now on, but the passing ones; the returned function
    stops it.

    The publisher only puts the event into a queue: rows are made on the store's own thread, where
    `projection` turns each event into its own row, turns, changes of the call, and daily sums.
    """

    def record(event: CallEvent) -> None:
        if event.type not in PASSING:
            store.record(event)

    return bus.subscribe(record)
