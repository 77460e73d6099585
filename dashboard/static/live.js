// Keeps the part of the page marked data-refresh fresh while somebody looks at it.
// The page is complete without this file.
const part = document.querySelector("[data-refresh]");
const EVERY_MS = 2000;

async function refresh() {
  if (document.hidden || part.contains(document.activeElement)) return;
  const answer = await fetch(part.dataset.refresh, { headers: { accept: "text/html" } });
  // Signed out meanwhile: the answer is another page.
  if (!answer.ok || answer.redirected) return;
  const html = await answer.text();
  if (html !== part.dataset.shown) {
    part.innerHTML = html;
    part.dataset.shown = html;
  }
}

if (part) {
  setInterval(() => refresh().catch(() => {}), EVERY_MS);
}
