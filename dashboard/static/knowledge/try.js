// "Try it": a sentence, typed or said, and what the bot makes of it.

import { NoMicrophone, openMicrophone } from "../talk/microphone.js";
import { record } from "../talk/recording.js";

const form = document.getElementById("try-form");
const words = document.getElementById("try-words");
const speakButton = document.getElementById("try-speak");
const state = document.getElementById("try-state");
const result = document.getElementById("tried");
const audio = document.getElementById("tried-audio");
const worklets = document.querySelector("script[data-worklets]").dataset.worklets;
const token = document.querySelector("meta[name=form-token]").content;
const LONGEST_S = 10;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(() => tryWords(words.value.trim()));
});

async function tryWords(text) {
  if (!text) return;
  const tried = await ask(`/api/knowledge/try?${new URLSearchParams({ text })}`);
  result.hidden = false;
  document.getElementById("tried-intent").textContent = share(tried.intent, tried.confidence);
  document.getElementById("tried-next").textContent = share(tried.runner_up, tried.runner_up_confidence);
  const lines = [...tried.answer.map(({ text, source }) => [text, source]), ...tried.actions.map((action) => [`It then ${action}.`, ""])];
  document.getElementById("tried-answer").replaceChildren(...lines.map(line));
  const said = tried.answer.map((sentence) => sentence.text).join(" ");
  audio.hidden = !said;
  if (said) audio.src = `/api/knowledge/speech?${new URLSearchParams({ text: said.slice(0, 1000) })}`;
  state.textContent = "";
}

// Saying it

let recording = null;

speakButton?.addEventListener("click", () => (recording ? stop() : attempt(start)));

async function start() {
  const context = new AudioContext(); // within the click: Safari asks for that
  context.resume();
  const stream = await openMicrophone().catch((error) => {
    context.close();
    throw error;
  });
  recording = await record(context, stream, worklets);
  speakButton.setAttribute("aria-pressed", "true");
  speakButton.textContent = "Done";
  state.textContent = "Speak, then press Done.";
  recording.timer = setTimeout(stop, LONGEST_S * 1000);
}

async function stop() {
  const { timer, finish } = recording;
  clearTimeout(timer);
  recording = null;
  speakButton.setAttribute("aria-pressed", "false");
  speakButton.textContent = "Say it";
  await attempt(async () => {
    const { pcm, rate_hz } = await finish();
    const heard = await ask(`/api/knowledge/hear?rate_hz=${rate_hz}`, pcm);
    if (!heard.text) throw new Error("No words were heard.");
    words.value = heard.text;
    await tryWords(heard.text);
    state.textContent = `Heard with ${Math.round(heard.confidence * 100)}% confidence.`;
  });
}

async function ask(path, pcm) {
  const sent = { method: "POST", headers: { "content-type": "application/octet-stream", "x-form-token": token }, body: pcm };
  const answer = await fetch(path, pcm && sent);
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error.message);
  return found;
}

async function attempt(work) {
  state.textContent = "One moment …";
  try {
    await work();
  } catch (error) {
    state.textContent = error instanceof NoMicrophone || error.message ? error.message : "That did not work.";
  }
}

function share(label, confidence) {
  return label ? `${label.replaceAll("_", " ")}, ${Math.round(confidence * 100)}%` : "nothing";
}

function line([text, source]) {
  const item = document.createElement("li");
  item.textContent = text;
  if (source) {
    const from = document.createElement("small");
    from.className = "muted";
    from.textContent = ` ${source}`;
    item.append(from);
  }
  return item;
}
