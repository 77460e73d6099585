// Writing to the bot: a conversation begins with the first message.

import { openSocket } from "./sockets.js";
import { clear, show, tell } from "./transcript.js";

/** Sets up the form. `onBusy(isTalking)` is told when a conversation begins and ends. */
export function setUpChat(form, endButton, onBusy) {
  const field = form.elements.words;
  let socket = null;

  const actions = {
    event: show,
    refused: ({ message }) => tell(message),
  };

  async function open() {
    clear();
    onBusy(true);
    endButton.hidden = false;
    return openSocket("/talk/chat", {
      onMessage: (message) => actions[message.type]?.(message),
      onClosed: () => {
        socket = null;
        endButton.hidden = true;
        onBusy(false);
      },
    });
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (!text) return;
    field.value = "";
    try {
      socket ??= open();
      (await socket).send(JSON.stringify({ type: "say", text }));
    } catch (error) {
      field.value ||= text; // nothing is lost
      tell(error.message);
    }
  });
  endButton.addEventListener("click", async () => (await socket)?.close());
  return {
    enable(isEnabled) {
      for (const part of form.elements) part.disabled = !isEnabled;
    },
  };
}
