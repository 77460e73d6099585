// The page “Now”: calls in progress as cards, news of everything else, and what may be done to a call.
import { CallCard } from "./call_card.js";
import { LiveAudio } from "./listen.js";
import { follow } from "./live_feed.js";

const OVER_MS = 20_000; // how long a call that has ended stays in sight
const STATES = {
  live: "Live",
  waiting: "Connection lost, trying again …",
  refused: "You are no longer signed in. Reload the page.",
};

const live = document.getElementById("live");
const cards = document.getElementById("cards");
const template = document.getElementById("call-card");
const token = document.querySelector("meta[name=form-token]").content;
const clockAheadMs = Date.parse(live.dataset.now) - Date.now();
const calls = new Map();
let listening = null;

function count() {
  const going = [...calls.values()].filter((card) => !card.isOver).length;
  document.getElementById("count").textContent = going;
  document.getElementById("nobody").hidden = calls.size > 0;
}

function announce(words) {
  document.getElementById("announce").textContent = words;
}

function remove(id) {
  calls.get(id)?.root.remove();
  calls.delete(id);
  count();
}

function take(event) {
  if (event.type === "call.started") {
    remove(event.call);
    const card = new CallCard(template, event);
    calls.set(event.call, card);
    cards.append(card.root);
    card.tick(Date.now() + clockAheadMs);
    announce(`Call from ${card.name}`);
    count();
    return;
  }
  const card = calls.get(event.call);
  if (!card) return;
  card.take(event);
  if (event.type === "call.ended") {
    announce(`The call from ${card.name} has ended`);
    setTimeout(() => calls.get(event.call) === card && remove(event.call), OVER_MS);
    count();
  }
}

function news(html) {
  const parts = document.createElement("template");
  parts.innerHTML = html;
  for (const fresh of parts.content.querySelectorAll("[data-part]")) {
    const shown = document.querySelector(`main [data-part="${fresh.dataset.part}"]`);
    // Not under the reader's hands.
    if (!shown.contains(document.activeElement)) shown.innerHTML = fresh.innerHTML;
  }
}

async function send(callId, what, body) {
  const answer = await fetch(`/api/calls/${encodeURIComponent(callId)}/${what}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-form-token": token },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error((await answer.json()).error.message);
}

function listen(card, button) {
  const was = listening;
  listening?.audio.stop();
  if (was?.card === card) return;
  const words = button.querySelector("span");
  const audio = new LiveAudio(card.id, (problem) => {
    button.removeAttribute("aria-pressed");
    words.textContent = "Listen in";
    if (problem) card.remark(problem, "warn");
    if (listening?.card === card) listening = null;
  });
  listening = { card, audio };
  button.setAttribute("aria-pressed", "true");
  words.textContent = "Stop listening";
}

function ask(card, act) {
  const dialog = document.getElementById(`do-${act}`);
  const form = dialog.querySelector("form");
  const wrong = form.querySelector(".wrong");
  for (const name of dialog.querySelectorAll("[data-name]")) name.textContent = card.name;
  wrong.textContent = "";
  form.reset();
  form.onsubmit = async (event) => {
    if (event.submitter.value === "cancel") return;
    event.preventDefault();
    try {
      const what = act === "note" ? "notes" : act;
      await send(card.id, what, Object.fromEntries(new FormData(form)));
      dialog.close();
    } catch (error) {
      wrong.textContent = error.message;
    }
  };
  dialog.showModal();
}

cards.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  const card = button && calls.get(button.closest("article").id.slice("call-".length));
  if (!card) return;
  if (button.dataset.act === "listen") listen(card, button);
  else ask(card, button.dataset.act);
});

setInterval(() => {
  for (const card of calls.values()) card.tick(Date.now() + clockAheadMs);
}, 1000);

follow({
  reset: () => [...calls.keys()].forEach(remove),
  event: take,
  status: news,
  state(state) {
    const shown = document.getElementById("connection");
    shown.dataset.state = state;
    shown.lastElementChild.textContent = STATES[state];
    shown.firstElementChild.classList.toggle("on", state === "live");
  },
});
