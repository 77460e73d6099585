// The conversation as it happens: both sides, and what the bot made of it.

const list = document.getElementById("transcript");
const nothing = document.getElementById("nothing-said");
const record = document.getElementById("record");
let callerSays = null; // the bubble that is still changing
let answer = null; // the bot's turn that is being said

export function show(event) {
  SHOW[event.event]?.(event);
  list.parentElement.scrollTop = list.parentElement.scrollHeight;
}

export function tell(words) {
  add("note", "").append(part("p", "small muted", words));
}

export function clear() {
  list.replaceChildren();
  nothing.hidden = false;
  record.hidden = true;
  callerSays = answer = null;
}

function sofar({ text }) {
  callerWords(text).classList.add("partial");
}

const SHOW = {
  "call.started"({ call_id }) {
    record.href = `/calls/${call_id}`;
  },
  "caller.speaking": sofar,
  "caller.says": sofar,
  "caller.said"({ text, digits, kind, confidence }) {
    const words = text || digits || (kind === "silence" ? "(silence)" : "(not understood)");
    const bubble = callerWords(words);
    bubble.classList.remove("partial");
    if (text && confidence < 1) notes(bubble).append(`heard with ${Math.round(confidence * 100)}% confidence`);
    callerSays = null;
    answer = null;
  },
  "agent.understood"({ intent, confidence }) {
    botTurn().dataset.intent = `${intent.replaceAll("_", " ")} ${Math.round(confidence * 100)}%`;
  },
  "bot.says"({ text }) {
    const bubble = botTurn().querySelector(".bubble");
    bubble.textContent = `${bubble.textContent} ${text}`.trim();
  },
  "bot.said"({ interrupted, total_s, prepared }) {
    const turn = botTurn();
    const found = [turn.dataset.intent, total_s ? `${Math.round(total_s * 1000)} ms` : "", prepared ? "prepared while you spoke" : "", interrupted ? "interrupted" : ""];
    const words = found.filter(Boolean).join(" · ");
    if (words) notes(turn.querySelector(".bubble")).append(words);
    answer = null;
  },
  "customer.identified"({ customer_number }) {
    tell(`Customer ${customer_number} was identified.`);
  },
  "ticket.opened"({ number, type }) {
    tell(`Ticket ${number} was opened (${type}).`);
  },
  "call.ended"({ outcome, duration_s }) {
    tell(`The conversation has ended after ${Math.round(duration_s)} s: ${outcome.replaceAll("_", " ")}.`);
    record.hidden = false;
    callerSays = answer = null;
  },
};

function callerWords(words) {
  callerSays ??= add("caller", "You");
  const bubble = callerSays.querySelector(".bubble");
  bubble.textContent = words;
  return bubble;
}

function botTurn() {
  answer ??= add("bot", "Bot");
  return answer;
}

function add(kind, who) {
  nothing.hidden = true;
  const item = part("li", `said ${kind}`, "");
  if (who) item.append(part("div", "who", who), part("div", "bubble", ""));
  list.append(item);
  return item;
}

function notes(bubble) {
  const found = bubble.parentElement.querySelector(".notes") ?? part("div", "notes", "");
  bubble.after(found);
  return found;
}

function part(tag, name, words) {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = words;
  return made;
}
