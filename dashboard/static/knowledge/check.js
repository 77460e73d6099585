// Checks an entry as it is typed. Without it, everything is checked when it is saved.

const form = document.getElementById("entry-form");
const PAUSE_MS = 400;

if (form) {
  const badge = document.getElementById("check-state");
  const whole = document.getElementById("whole-wrong");
  const touched = new Set();
  let timer = 0;
  let latest = 0;

  form.addEventListener("input", ({ target }) => {
    touched.add(target.name);
    clearTimeout(timer);
    timer = setTimeout(check, PAUSE_MS);
  });

  async function check() {
    const number = ++latest;
    const fields = Object.fromEntries(new FormData(form));
    delete fields.form_token;
    delete fields.mark;
    const answer = await fetch("/api/knowledge/check", {
      method: "POST",
      headers: { "content-type": "application/json", "x-form-token": form.elements.form_token.value },
      body: JSON.stringify({ section: form.dataset.section, key: form.dataset.key, fields }),
    }).catch(() => null);
    if (number !== latest || !answer) return; // more was typed meanwhile
    const body = await answer.json();
    show(answer.ok ? body.wrong : { "": body.error.message });
  }

  function show(wrong) {
    for (const place of form.querySelectorAll("[data-field]")) {
      const name = place.dataset.field;
      // Nobody is told off for fields they have not come to yet.
      const words = touched.has(name) || form.dataset.key ? (wrong[name] ?? "") : "";
      place.textContent = words;
      place.hidden = !words;
      form.elements[name].toggleAttribute("aria-invalid", Boolean(words));
    }
    whole.textContent = wrong[""] ?? "";
    whole.hidden = !wrong[""];
    const isGood = Object.keys(wrong).length === 0;
    badge.hidden = false;
    badge.className = `badge ${isGood ? "ok" : "warn"}`;
    badge.textContent = isGood ? "Can be saved" : "Not yet complete";
  }
}
