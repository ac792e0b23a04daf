// Shows what changed without a reload: every part marked data-live is replaced when the server's differs.
// Without scripts the page reloads itself by its <noscript>.
const PAUSE_MS = 2000;
const stale = document.getElementById("stale");

function kept(part) {
  return [...part.querySelectorAll("details[open][id]")].map((element) => element.id);
}

function replaceChanged(old, fresh) {
  if (old.innerHTML === fresh.innerHTML && old.className === fresh.className) return;
  if (!getSelection().isCollapsed && old.contains(getSelection().anchorNode)) return;
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  const open = kept(old);
  old.replaceWith(fresh);
  open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

async function refresh() {
  if (document.hidden) return;
  try {
    const reply = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(10 * PAUSE_MS) });
    if (!reply.ok) throw new Error(reply.statusText);
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(old.id);
      if (fresh) replaceChanged(old, fresh);
    }
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  }
}

async function follow() {
  await refresh();
  setTimeout(follow, PAUSE_MS);
}

document.addEventListener("visibilitychange", refresh);
setTimeout(follow, PAUSE_MS);
