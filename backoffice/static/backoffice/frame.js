// The policy allows no style element in the page and no code in attributes: htmx is told not to try.
htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;

// Much of the theme can be clicked and neither reached by key nor read out: make buttons of it.
(() => {
  const NAMES = {
    sidebar: "Menu",
    openUserLinks: "Your account",
    openTheme: "Colours",
    filterOpen: "Filters",
    showPassword: "Show the password",
    openModal: "Close",
    openTabsDropdown: "More",
  };
  const ICONS = { travel_explore: "First page", search: "Search", close: "Close", arrow_back: "Back" };
  const BACKDROPS = "#changelist-filter-close, [x-on\\:click\\.outside]";
  const ICON = "material-symbols-outlined";

  function isReachable(it) {
    return it.matches("a[href], button, input, select, textarea, summary, [tabindex]");
  }

  function isNamed(it) {
    if (it.getAttribute("aria-label") || it.title) return true;
    const told = it.cloneNode(true);
    told.querySelectorAll(`.${ICON}`).forEach((icon) => icon.remove());
    return told.textContent.trim() !== "";
  }

  function makeButton(it) {
    const said = it.getAttribute("x-on:click");
    const name = Object.keys(NAMES).find((part) => said.includes(part));
    it.tabIndex = 0;
    it.setAttribute("role", "button");
    if (name) it.setAttribute("aria-label", NAMES[name]);
    it.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      it.click();
    });
  }

  // Django's choosers that search stand before a hidden list, whose label they do not take over.
  function nameChoosers() {
    for (const list of document.querySelectorAll("select.select2-hidden-accessible")) {
      const label = list.labels?.[0]?.textContent.replace("*", "").trim() ?? list.name;
      const parts = "[role=combobox], [role=searchbox], [role=listbox], .select2-selection__rendered[role]";
      for (const part of list.nextElementSibling?.querySelectorAll(parts) ?? []) {
        part.setAttribute("aria-label", label);
        part.removeAttribute("aria-labelledby");
      }
    }
  }
  function nameTips() {
    for (const tip of document.querySelectorAll(".help-tooltip[aria-label]")) tip.setAttribute("role", "img");
  }
  window.addEventListener("load", () => setTimeout(() => (nameChoosers(), nameTips())));

  document.addEventListener("DOMContentLoaded", () => {
    for (const it of document.querySelectorAll("[x-on\\:click]")) {
      if (!isReachable(it) && !it.matches(BACKDROPS)) makeButton(it);
    }
    // An icon is a word in a font of pictures: it is not to be read out, but may be all there is of a name.
    for (const icon of document.getElementsByClassName(ICON)) {
      if (isReachable(icon)) continue;
      const word = icon.textContent.trim();
      const holder = icon.closest("a, button, [role=button]");
      icon.setAttribute("aria-hidden", "true");
      if (holder && !isNamed(holder)) holder.setAttribute("aria-label", ICONS[word] ?? word.replaceAll("_", " "));
    }
  });
})();
