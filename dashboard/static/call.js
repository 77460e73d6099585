// One call's recording: the waveform, and the conversation in step with it. Without this file the
// browser's own player is there, and the words are.

const BACK_S = 0.15; // a sentence is heard from a little before it begins
const STEP_S = 5;
const SPEEDS = [1, 1.5, 2, 0.75];

const player = document.querySelector(".player");
const audio = player?.querySelector("audio");

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

// One side's outline, up from the middle (`up`) or down.
function outline(levels, up) {
  const step = 1000 / Math.max(1, levels.length - 1);
  const points = levels.map((level, i) => {
    const y = up ? 49 - level * 0.48 : 51 + level * 0.48;
    return `L${(i * step).toFixed(1)} ${y.toFixed(1)}`;
  });
  const middle = up ? 49.5 : 50.5;
  return `M0 ${middle}${points.join("")}L1000 ${middle}Z`;
}

class Player {
  constructor() {
    this.wave = document.getElementById("wave");
    this.seek = this.wave.querySelector(".seek");
    this.button = document.getElementById("play");
    this.turns = [...document.querySelectorAll(".said")].map((root) => ({
      root,
      begins: Number(root.dataset.begins),
      ends: Number(root.dataset.ends),
    }));
    // The recording begins when the call is answered, the events' clock a moment before.
    this.ahead = 0;
    audio.hidden = true;
    for (const id of ["wave", "play", "time", "speed"]) document.getElementById(id).hidden = false;
    this.listen();
    if (audio.readyState) this.ready();
    this.draw();
  }

  get length() {
    return Number.isFinite(audio.duration) ? audio.duration : 0;
  }

  listen() {
    audio.addEventListener("loadedmetadata", () => this.ready());
    audio.addEventListener("play", () => this.state());
    audio.addEventListener("pause", () => this.state());
    audio.addEventListener("timeupdate", () => this.show());
    audio.addEventListener("seeked", () => this.show());
    this.button.addEventListener("click", () => this.toggle());
    document.getElementById("speed").addEventListener("click", (event) => {
      const next = SPEEDS[(SPEEDS.indexOf(audio.playbackRate) + 1) % SPEEDS.length];
      audio.playbackRate = next;
      event.currentTarget.lastElementChild.textContent = `${next}×`;
    });
    this.seek.addEventListener("pointerdown", (event) => {
      this.seek.setPointerCapture(event.pointerId);
      this.to(this.place(event));
    });
    this.seek.addEventListener("pointermove", (event) => {
      if (this.seek.hasPointerCapture(event.pointerId)) this.to(this.place(event));
    });
    this.seek.addEventListener("keydown", (event) => this.key(event));
    addEventListener("hashchange", () => this.fromAddress(true));
    document.addEventListener("click", (event) => {
      // The same sentence again: the address stays, and so would we.
      const link = event.target.closest("a[href^='#t=']");
      if (link && link.hash === location.hash) this.fromAddress(true);
    });
  }

  ready() {
    const call = Number(player.dataset.seconds);
    this.ahead = Math.min(2, Math.max(0, call - this.length));
    this.seek.setAttribute("aria-valuemax", Math.round(this.length));
    this.fromAddress(false);
    this.show();
  }

  fromAddress(plays) {
    const at = /^#t=([\d.]+)$/.exec(location.hash);
    if (!at) return;
    this.to(Number(at[1]) - this.ahead - BACK_S);
    if (plays) audio.play().catch(() => {});
  }

  place(event) {
    const box = this.seek.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * this.length;
  }

  to(seconds) {
    audio.currentTime = Math.min(Math.max(0, seconds), this.length);
    this.show();
  }

  toggle() {
    if (audio.paused) audio.play().catch(() => {});
    else audio.pause();
  }

  key(event) {
    const steps = { ArrowRight: STEP_S, ArrowUp: STEP_S, ArrowLeft: -STEP_S, ArrowDown: -STEP_S };
    if (event.key in steps) this.to(audio.currentTime + steps[event.key]);
    else if (event.key === "Home") this.to(0);
    else if (event.key === "End") this.to(this.length);
    else if (event.key === " " || event.key === "Enter") this.toggle();
    else return;
    event.preventDefault();
  }

  state() {
    this.button.classList.toggle("playing", !audio.paused);
    this.button.querySelector("span").textContent = audio.paused ? "Play" : "Pause";
  }

  show() {
    const at = audio.currentTime;
    const part = this.length ? (at / this.length) * 1000 : 0;
    this.wave.querySelector(".played").setAttribute("width", part);
    this.wave.querySelector(".head").setAttribute("transform", `translate(${part})`);
    const words = `${clock(at)} / ${clock(this.length)}`;
    document.getElementById("time").textContent = words;
    this.seek.setAttribute("aria-valuenow", Math.round(at));
    this.seek.setAttribute("aria-valuetext", `${clock(at)} of ${clock(this.length)}`);
    this.follow(at + this.ahead);
  }

  follow(at) {
    for (const { root, begins, ends } of this.turns) {
      const said = audio.currentTime > 0 && at >= begins - BACK_S && at < ends;
      root.classList.toggle("current", said);
      const sentences = [...root.querySelectorAll(".sentence")];
      const spoken = said
        ? sentences.findLast((one) => Number(one.hash.slice(3)) <= at + BACK_S * 2)
        : undefined;
      for (const one of sentences) one.classList.toggle("spoken", one === spoken);
      if (said && !audio.paused && root !== this.shown) {
        this.shown = root;
        root.scrollIntoView({ block: "nearest" });
      }
    }
  }

  async draw() {
    const answer = await fetch(`/api/calls/${encodeURIComponent(player.dataset.call)}/waveform`);
    if (!answer.ok) {
      const problem = document.getElementById("no-wave");
      problem.textContent = (await answer.json()).error.message;
      problem.hidden = false;
      return;
    }
    const levels = await answer.json();
    this.wave.querySelector(".caller").setAttribute("d", outline(levels.caller, true));
    this.wave.querySelector(".bot").setAttribute("d", outline(levels.bot, false));
  }
}

if (audio) new Player();
