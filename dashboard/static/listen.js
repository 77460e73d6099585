// Plays a call while it happens: 16-bit stereo at 8 kHz, as it comes.

const RATE_HZ = 8000;
const LEAD_S = 0.25; // bridges uneven arrival
const MOST_S = 1.5; // further behind than this, we skip

export class LiveAudio {
  // Call it from a click: browsers play nothing before one. `onEnd(problem)`: empty when the call
  // is over or `stop` was called.
  constructor(callId, onEnd) {
    this.context = new AudioContext();
    this.abort = new AbortController();
    this.playsUntil = 0;
    this.run(callId).then(
      () => onEnd(""),
      (error) => onEnd(this.abort.signal.aborted ? "" : error.message),
    );
  }

  stop() {
    this.abort.abort();
  }

  async run(callId) {
    try {
      await this.context.resume();
      const address = `/api/calls/${encodeURIComponent(callId)}/listen`;
      const answer = await fetch(address, { signal: this.abort.signal });
      if (!answer.ok) throw new Error((await answer.json()).error.message);
      const reader = answer.body.getReader();
      let rest = new Uint8Array();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        const bytes = new Uint8Array(rest.length + value.length);
        bytes.set(rest);
        bytes.set(value, rest.length);
        const whole = bytes.length - (bytes.length % 4);
        this.play(new DataView(bytes.buffer, 0, whole));
        rest = bytes.slice(whole);
      }
    } finally {
      await this.context.close();
    }
  }

  play(view) {
    const frames = view.byteLength / 4;
    if (!frames) return;
    const buffer = this.context.createBuffer(2, frames, RATE_HZ);
    for (const side of [0, 1]) {
      const samples = buffer.getChannelData(side);
      for (let i = 0; i < frames; i++) samples[i] = view.getInt16(i * 4 + side * 2, true) / 32768;
    }
    const now = this.context.currentTime;
    if (this.playsUntil < now || this.playsUntil > now + MOST_S) this.playsUntil = now + LEAD_S;
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.context.destination);
    source.start(this.playsUntil);
    this.playsUntil += buffer.duration;
  }
}
