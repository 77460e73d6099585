// A call over this page's own connection: PCM both ways on a websocket.

import { openSocket } from "./sockets.js";

const PLAYED_HZ = 8000; // what the bot sends; the browser brings it to its own rate
const SPEECH_HZ = 3500;
const LEAST_SENT_HZ = 16000;
const FLATTEST = [0.51, 0.6, 0.9, 2.56]; // Q of the four sections of an 8th-order Butterworth filter

/** Calls; resolves once the line is open. `contexts`: made within the click that started this. */
export async function callOverSocket({ stream, contexts, worklets, hooks }) {
  const { capture, playback } = contexts;
  await Promise.all([capture.audioWorklet.addModule(worklets), playback.audioWorklet.addModule(worklets)]);
  const speaker = new AudioWorkletNode(playback, "playback", { numberOfInputs: 0 });
  speaker.connect(playback.destination);

  const actions = {
    mark: ({ name }) => speaker.port.postMessage(name),
    flush: () => speaker.port.postMessage(null),
    answered: () => hooks.onTalking(),
    refused: ({ message }) => hooks.onRefused(message),
    event: (message) => hooks.onEvent(message),
  };
  let played = Promise.resolve();
  const socket = await openSocket("/talk/voice", {
    onMessage: (message) => actions[message.type]?.(message),
    onBytes: (bytes) => speaker.port.postMessage(new Int16Array(bytes)),
    onClosed: (reason) => {
      stop();
      played.then(() => hooks.onOver(reason));
    },
  });
  speaker.port.onmessage = ({ data }) => tell({ type: "mark", name: data });

  const step = Math.max(1, Math.floor(capture.sampleRate / LEAST_SENT_HZ));
  tell({ type: "start", rate_hz: Math.round(capture.sampleRate / step) });
  const source = capture.createMediaStreamSource(stream);
  const recorder = new AudioWorkletNode(capture, "capture", { numberOfOutputs: 0, processorOptions: { step } });
  FLATTEST.reduce((before, Q) => before.connect(new BiquadFilterNode(capture, { type: "lowpass", frequency: SPEECH_HZ, Q: 20 * Math.log10(Q) })), source).connect(recorder);
  recorder.port.onmessage = ({ data }) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(data);
  };

  function tell(message) {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  function stop() {
    source?.disconnect();
    speaker.disconnect();
  }

  return {
    hangUp() {
      tell({ type: "hang-up" });
      socket.close();
    },
    press(key) {
      tell({ type: "key", key });
    },
  };
}
