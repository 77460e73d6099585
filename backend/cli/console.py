"""The conversation on the terminal, as it happens."""

from io import TextIOBase

from backend.core.events import CallEvent, EventBus, EventType

_DIM, _BOLD, _BLUE, _GREEN, _YELLOW, _RESET = (
    "\x1b[2m",
    "\x1b[1m",
    "\x1b[34m",
    "\x1b[32m",
    "\x1b[33m",
    "\x1b[0m",
)


def show_conversations(bus: EventBus, terminal: TextIOBase) -> None:
    """Print every call of the bus from now on, one line an utterance."""
    colour = terminal.isatty()

    def listener(event: CallEvent) -> None:
        line = _line(event)
        if line is not None:
            text, style = line
            short = event.call_id.rsplit("-", 1)[-1]
            shown = f"{style}{text}{_RESET}" if colour and style else text
            when = f"{event.at_s:6.1f}s {short}"
            terminal.write(f"{_DIM}{when}{_RESET}  {shown}\n" if colour else f"{when}  {shown}\n")

    bus.subscribe(listener)


def _line(event: CallEvent) -> tuple[str, str] | None:
    """What an event looks like, and its style; None for what is not shown."""
    data = event.data
    match event.type:
        case EventType.CALL_STARTED:
            caller = data["caller"] or "an unknown caller"
            return f"☎  {caller} calls {data['called']}", _BOLD
        case EventType.CALLER_SAID:
            words = data["text"] or (f"keys {data['digits']}" if data["digits"] else "")
            return f"caller: {words or '(' + str(data['kind']) + ')'}", _BLUE
        case EventType.BOT_SAYS:
            return f"   bot: {data['text']}", _GREEN
        case EventType.TICKET_OPENED:
            return f"ticket {data['number']} ({data['type']}, {data['priority']})", _YELLOW
        case EventType.TRANSFER_STARTED:
            return f"transfer to {data['extension']} …", _YELLOW
        case EventType.TRANSFER_FAILED:
            return f"transfer to {data['extension']} failed: {data['reason']}", _YELLOW
        case EventType.WARNING | EventType.ERROR:
            return f"{event.type.value}: {data['message']}", _YELLOW
        case EventType.CALL_ENDED:
            outcome = str(data["outcome"]).replace("_", " ")
            return f"☎  ended after {data['duration_s']:.0f} s: {outcome}", _BOLD
        case _:
            return None
