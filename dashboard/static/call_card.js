// One call in progress as a card: what it shows is what its events add up to.
// Text from calls is only ever set as text, never as HTML.

const KINDS = { silence: "said nothing", unintelligible: "not understood" };

export const label = (name) => {
  const [words, rest] = String(name).replaceAll("_", " ").split("/");
  const shown = words === "faq" ? "FAQ" : words.charAt(0).toUpperCase() + words.slice(1);
  return rest ? `${shown}: ${rest.replaceAll("-", " ")}` : shown;
};

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

export class CallCard {
  constructor(template, event) {
    this.root = template.content.firstElementChild.cloneNode(true);
    this.id = event.call;
    this.name = event.data.caller || "Unknown caller";
    this.startedMs = Date.parse(event.at);
    this.root.id = `call-${event.call}`;
    const heading = this.root.querySelector("h3");
    heading.id = `name-${event.call}`;
    heading.firstElementChild.textContent = this.name;
    heading.firstElementChild.href = `/calls/${encodeURIComponent(event.call)}`;
    this.root.setAttribute("aria-labelledby", `name-${event.call}`);
    this.lines = this.root.querySelector(".lines");
    this.lines.setAttribute("aria-label", `What is said in the call of ${this.name}`);
    if (event.data.called) this.badge("called", `Dialled ${event.data.called}`, "");
  }

  badge(name, text, tone) {
    const badges = this.root.querySelector(".badges");
    let badge = badges.querySelector(`[data-badge="${name}"]`);
    if (!badge) {
      badge = badges.appendChild(element("span", "badge"));
      badge.dataset.badge = name;
    }
    badge.className = `badge ${tone}`;
    badge.textContent = text;
  }

  // The line of one side in one turn; made when it is first needed.
  line(who, turn) {
    const key = `${who}-${turn}`;
    let line = this.lines.querySelector(`[data-key="${key}"]`);
    if (!line) {
      line = element("li", `line ${who}`);
      line.dataset.key = key;
      line.append(
        element("span", "unseen", who === "bot" ? "Frontdesk: " : "Caller: "),
        element("span", "text"),
        element("span", "more"),
      );
      this.lines.append(line);
    }
    return line;
  }

  say(who, turn, text, state) {
    const line = this.line(who, turn);
    line.className = `line ${who} ${state}`;
    line.querySelector(".text").textContent = text;
    return line;
  }

  remark(text, tone = "") {
    this.lines.append(element("li", `remark ${tone}`, text));
  }

  take(event) {
    const follows = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight < 40;
    this.apply(event.type, event.data);
    if (follows) this.lines.scrollTop = this.lines.scrollHeight;
  }

  apply(type, data) {
    switch (type) {
      case "caller.speaking":
      case "caller.says":
        this.say("caller", data.turn, data.text, "partial");
        break;
      case "caller.said":
        this.heard(data);
        break;
      case "caller.dismissed":
        this.lines.querySelector(`[data-key="caller-${data.turn}"].partial`)?.remove();
        break;
      case "agent.understood":
        this.understood(data);
        break;
      case "bot.says": {
        const said = this.line("bot", data.turn).querySelector(".text").textContent;
        this.say("bot", data.turn, said ? `${said} ${data.text}` : data.text, "speaking");
        break;
      }
      case "bot.said":
        this.said(data);
        break;
      case "customer.identified":
        this.badge("customer", `Customer ${data.customer_number}`, "ok");
        break;
      case "ticket.opened":
        this.remark(`Ticket ${data.number} opened: ${label(data.type)}, ${data.priority}`, "ok");
        break;
      case "transfer.started":
        this.remark(`Putting through to ${data.extension} …`);
        break;
      case "transfer.failed":
        this.remark(`${data.extension} could not be reached: ${label(data.reason)}`, "warn");
        break;
      case "operator.acted":
        this.acted(data);
        break;
      case "warning":
      case "error":
        this.remark(data.message, type === "error" ? "bad" : "warn");
        break;
      case "call.ended":
        this.ended(data);
        break;
    }
  }

  heard(data) {
    const words = data.text || data.digits;
    if (words) this.say("caller", data.turn, words, data.digits ? "keys" : "");
    else this.say("caller", data.turn, KINDS[data.kind] ?? label(data.kind), "nothing");
  }

  understood(data) {
    if (data.intent) this.badge("intent", label(data.intent), "info");
    const line = this.lines.querySelector(`[data-key="caller-${data.turn}"] .more`);
    if (line && data.intent) {
      line.textContent = `${label(data.intent)} ${Math.round(data.confidence * 100)}%`;
    }
  }

  said(data) {
    const line = this.say("bot", data.turn, data.text, data.interrupted ? "cut" : "");
    const more = [];
    if (data.interrupted) more.push("interrupted");
    if (data.total_s) more.push(`${Math.round(data.total_s * 1000)} ms`);
    line.querySelector(".more").textContent = more.join(" · ");
    if (!data.text) line.remove();
  }

  acted(data) {
    const what = {
      note: `${data.by}: ${data.text}`,
      hang_up: `${data.by} hung up`,
      transfer: `${data.by} puts the caller through to ${data.text}`,
    };
    this.remark(what[data.action] ?? data.action, "note");
  }

  ended(data) {
    this.isOver = true;
    this.root.classList.add("over");
    this.badge("outcome", label(data.outcome), "");
    this.root.querySelector("footer")?.remove();
    this.root.querySelector(".since").textContent = `ended after ${clock(data.duration_s)}`;
  }

  tick(nowMs) {
    if (this.isOver) return;
    const seconds = Math.max(0, (nowMs - this.startedMs) / 1000);
    this.root.querySelector(".since").textContent = clock(seconds);
  }
}

export function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
