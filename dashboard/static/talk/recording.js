// What the microphone gives, as 16-bit PCM: in pieces as it comes, or all of it at the end.

const SPEECH_HZ = 3500;
const LEAST_SENT_HZ = 16000;
const FLATTEST = [0.51, 0.6, 0.9, 2.56]; // Q of the four sections of an 8th-order Butterworth filter

/** Gives pieces of about 20 ms to `onPiece`. The worklets must have been added to `context`. */
export function capture(context, stream, onPiece) {
  const step = Math.max(1, Math.floor(context.sampleRate / LEAST_SENT_HZ));
  const source = context.createMediaStreamSource(stream);
  const recorder = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0, processorOptions: { step } });
  // Lower rates need a filter first, or what lies above speech folds back into it.
  let last = source;
  for (const quality of FLATTEST) {
    const Q = 20 * Math.log10(quality);
    last = last.connect(new BiquadFilterNode(context, { type: "lowpass", frequency: SPEECH_HZ, Q }));
  }
  last.connect(recorder);
  recorder.port.onmessage = ({ data }) => onPiece(data);
  return { rate_hz: Math.round(context.sampleRate / step), stop: () => source.disconnect() };
}

/** Records until `finish`, which gives all of it and lets go of the microphone. */
export async function record(context, stream, worklets) {
  await context.audioWorklet.addModule(worklets);
  const pieces = [];
  const { rate_hz, stop } = capture(context, stream, (piece) => pieces.push(piece));
  return {
    async finish() {
      stop();
      for (const track of stream.getTracks()) track.stop();
      await context.close();
      return { pcm: new Blob(pieces), rate_hz };
    },
  };
}
