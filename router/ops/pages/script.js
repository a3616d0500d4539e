// Keeps a page fresh: asks for it again every few seconds and swaps in what has changed. Everything works without it.
"use strict";
(() => {
  const EVERY_MS = 5000;
  const status = document.getElementById("live");
  if (!status || !document.querySelector("[data-live]")) return;
  let paused = false;
  let asking = false;

  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  const told = document.createElement("span");
  told.setAttribute("role", "status");
  status.append(told, button);
  const show = (text) => {
    told.textContent = text;
    button.textContent = paused ? "Resume" : "Pause";
  };
  button.addEventListener("click", () => {
    paused = !paused;
    show(paused ? "paused" : "live");
    if (!paused) refresh();
  });

  // What somebody is using stays as it is: an open form, a marked text.
  const inUse = (part) => part.contains(document.activeElement) || !document.getSelection().isCollapsed;

  const swap = (part, fresh) => {
    const open = new Set([...part.querySelectorAll("details[open]")].map((one) => one.id));
    for (const one of fresh.querySelectorAll("details")) if (open.has(one.id)) one.open = true;
    const scrolled = [...part.querySelectorAll(".wide")].map((one) => one.scrollLeft);
    part.replaceChildren(...document.adoptNode(fresh).childNodes);
    part.querySelectorAll(".wide").forEach((one, index) => { one.scrollLeft = scrolled[index] || 0; });
  };

  async function refresh() {
    if (paused || asking || document.hidden) return;
    asking = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "error", cache: "no-store" });
      if (!answer.ok) return show(`not answering (${answer.status})`);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(part.id);
        if (fresh && fresh.innerHTML !== part.innerHTML && !inUse(part)) swap(part, fresh);
      }
      show("live");
    } catch {
      show("not answering; reload to sign in again");
    } finally {
      asking = false;
    }
  }

  show("live");
  setInterval(refresh, EVERY_MS);
})();
