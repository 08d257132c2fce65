// Keeps the part of a page that changes up to date while something is under way.
(() => {
  const part = document.getElementById("office-now");
  const told = document.getElementById("office-told");
  const PAUSE = 1500;
  let tag = "";

  const inside = () => part.firstElementChild;
  const isLive = () => inside()?.dataset.live === "yes";

  function show(html) {
    const before = inside()?.dataset.state;
    const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
    const scrolled = [...part.querySelectorAll(".office-scroll")].map((box) => box.scrollLeft);
    part.innerHTML = html;
    part.querySelectorAll(".office-scroll").forEach((box, at) => (box.scrollLeft = scrolled[at] ?? 0));
    if (focused) document.getElementById(focused)?.focus();
    const state = inside()?.dataset.state;
    if (state !== before) told.textContent = `It is now ${state}.`;
  }

  async function look() {
    const headers = { "X-Live": "yes" };
    if (tag) headers["If-None-Match"] = tag;
    try {
      const answer = await fetch(part.dataset.url, { headers, redirect: "manual", cache: "no-store" });
      if (answer.status === 200) {
        tag = answer.headers.get("ETag") ?? "";
        show(await answer.text());
      } else if (answer.status !== 304) {
        told.textContent = "This page is no longer kept up to date; reload it.";
        return;
      }
    } catch {
      // The server is away: look again.
    }
    if (isLive()) setTimeout(look, PAUSE);
  }

  if (part && isLive()) setTimeout(look, PAUSE);
})();
