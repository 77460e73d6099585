// A call over this page's own connection: PCM both ways on a websocket.

import { capture } from "./recording.js";
import { openSocket } from "./sockets.js";

const GOODBYE_MS = 2000;

/** Calls; resolves once the line is open. `contexts`: made within the click that started this. */
export async function callOverSocket({ stream, contexts, worklets, hooks }) {
  const { playback } = contexts;
  await Promise.all(Object.values(contexts).map((context) => context.audioWorklet.addModule(worklets)));
  const speaker = new AudioWorkletNode(playback, "playback", { numberOfInputs: 0 });
  speaker.connect(playback.destination);

  const actions = {
    mark: ({ name }) => speaker.port.postMessage(name),
    flush: () => speaker.port.postMessage(null),
    answered: () => hooks.onTalking(),
    refused: ({ message }) => hooks.onRefused(message),
    event: (message) => hooks.onEvent(message),
  };
  const socket = await openSocket("/talk/voice", {
    onMessage: (message) => actions[message.type]?.(message),
    onBytes: (bytes) => speaker.port.postMessage(new Int16Array(bytes)),
    onClosed: (reason) => {
      stop();
      hooks.onOver(reason);
    },
  });
  speaker.port.onmessage = ({ data }) => tell({ type: "mark", name: data });

  const { rate_hz, stop: stopCapture } = capture(contexts.capture, stream, (piece) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(piece);
  });
  tell({ type: "start", rate_hz });

  function tell(message) {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  function stop() {
    stopCapture();
    speaker.disconnect();
  }

  return {
    hangUp() {
      tell({ type: "hang-up" });
      setTimeout(() => socket.close(), GOODBYE_MS); // normally the bot closes it
    },
    press(key) {
      tell({ type: "key", key });
    },
  };
}
