// The microphone: asking for it, saying why there is none, showing how loud it is.

const WORDS = {
  NotAllowedError:
    "The microphone is blocked for this page. Allow it with the icon beside the address (on an iPhone: the page menu, Website Settings, Microphone), then call again. Writing works without it.",
  NotFoundError: "No microphone was found. Plug one in and call again, or write instead.",
  NotReadableError: "Another program is using the microphone. Close it and call again, or write instead.",
};

export class NoMicrophone extends Error {}

/** A stream of the microphone. Call it from a click: Safari asks for that. */
export async function openMicrophone() {
  if (!navigator.mediaDevices) {
    throw new NoMicrophone(
      "Browsers give the microphone only to pages opened over HTTPS, or on the machine itself as http://localhost. Open the dashboard that way, or write instead.",
    );
  }
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
  } catch (error) {
    throw new NoMicrophone(WORDS[error.name] ?? `The microphone cannot be used: ${error.message || error.name}.`);
  }
}

/** Lets the microphone through, or only silence. */
export function openGate(stream, isOpen) {
  for (const track of stream.getAudioTracks()) track.enabled = isOpen;
}

/** Shows the level of `stream` in a `<meter>`; returns how to stop that. */
export function showLevel(context, stream, meter) {
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  const source = context.createMediaStreamSource(stream);
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let frame = 0;
  const draw = () => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    meter.value = Math.min(1, Math.sqrt(power) * 4);
    frame = requestAnimationFrame(draw);
  };
  draw();
  return () => {
    cancelAnimationFrame(frame);
    source.disconnect();
    meter.value = 0;
  };
}
