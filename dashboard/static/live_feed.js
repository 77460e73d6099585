// Follows calls in progress over server-sent events. The browser comes back by itself after a
// dropped connection, and says what it has had; nothing is missed and nothing comes twice.

// `on.reset()`: forget everything. `on.event(event)`: one event of a call. `on.status(html)`: news
// of the page. `on.state("live" | "waiting" | "refused")`.
export function follow(on) {
  const source = new EventSource("/api/calls/events");
  source.addEventListener("open", () => on.state("live"));
  source.addEventListener("error", () =>
    // Closed for good: the answer was no stream, so we are no longer signed in.
    on.state(source.readyState === EventSource.CLOSED ? "refused" : "waiting"),
  );
  source.addEventListener("reset", () => on.reset());
  source.addEventListener("call", (message) => on.event(JSON.parse(message.data)));
  source.addEventListener("status", (message) => on.status(message.data));
  addEventListener("pagehide", () => source.close());
}
