// Audio on its own thread: what the microphone gives goes out in pieces of about 20 ms, and what
// comes in is played without gaps, with marks that tell how far it has got.

const PIECE_S = 0.02;

class Capture extends AudioWorkletProcessor {
  constructor({ processorOptions }) {
    super();
    // Every nth sample: the page's filter has removed what would fold back.
    this.step = processorOptions.step;
    this.next = 0;
    this.filled = 0;
    this.piece = new Int16Array(Math.round((sampleRate / this.step) * PIECE_S));
  }

  process([[samples]]) {
    if (!samples) return true;
    for (; this.next < samples.length; this.next += this.step) {
      this.piece[this.filled++] = Math.max(-1, Math.min(1, samples[this.next])) * 32767;
      if (this.filled === this.piece.length) {
        this.port.postMessage(this.piece.slice().buffer);
        this.filled = 0;
      }
    }
    this.next -= samples.length;
    return true;
  }
}

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this.queue = []; // Int16Array: audio; string: a mark
    this.place = 0;
    this.port.onmessage = ({ data }) => {
      if (data === null) {
        this.queue = [];
        this.place = 0;
      } else {
        this.queue.push(data);
      }
    };
  }

  process(_, [[out]]) {
    let written = 0;
    while (this.queue.length) {
      const first = this.queue[0];
      if (typeof first === "string") {
        this.port.postMessage(first);
        this.queue.shift();
        continue;
      }
      if (written === out.length) break;
      const count = Math.min(first.length - this.place, out.length - written);
      for (let i = 0; i < count; i++) out[written + i] = first[this.place + i] / 32768;
      written += count;
      this.place += count;
      if (this.place === first.length) {
        this.queue.shift();
        this.place = 0;
      }
    }
    return true;
  }
}

registerProcessor("capture", Capture);
registerProcessor("playback", Playback);
