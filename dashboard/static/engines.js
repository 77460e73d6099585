// Listening to a voice: one at a time, and the button says what it does.

const state = document.getElementById("sample-state");
const audio = new Audio();
let playing = null;

for (const button of document.querySelectorAll("[data-sample]")) {
  button.addEventListener("click", () => (playing === button ? stop() : play(button)));
}
audio.addEventListener("ended", stop);
audio.addEventListener("playing", () => (state.textContent = "Playing. Press again to stop."));
audio.addEventListener("error", () => {
  if (!playing) return; // stopped by hand
  stop();
  state.textContent = "This voice cannot be heard: it did not start. See the parts on the settings page.";
});

function play(button) {
  stop();
  playing = button;
  button.setAttribute("aria-pressed", "true");
  state.textContent = "One moment …";
  audio.src = button.dataset.sample;
  audio.play().catch(() => {});
}

function stop() {
  playing?.removeAttribute("aria-pressed");
  playing = null;
  audio.pause();
  state.textContent = "";
}
