// The theme's pages are written for a build of Alpine that compiles JavaScript; the policy allows none that does. The
// build in its place reads single expressions over what is in scope: here are the theme's functions for it, and the
// few attributes that say more are said anew.
(() => {
  const SIDEBAR = "sidebarDesktopOpen";
  const SHORTER = {
    [`${SIDEBAR} = !${SIDEBAR}; localStorage.setItem('${SIDEBAR}', ${SIDEBAR} ? '1' : '0');`]: `${SIDEBAR} = !${SIDEBAR}`,
    "if (!$event.metaKey && !$event.ctrlKey) selectItem(false, false)":
      "$event.metaKey || $event.ctrlKey || selectItem(false, false)",
    "activeTab && activeTab !== 'general' ? window.location.pathname + window.location.search + '#' + activeTab : window.location.pathname + window.location.search":
      "address(activeTab)",
  };

  // What the theme writes into the attributes of the body.
  const frame = (tab) => () => ({
    activeTab: tab,
    sidebarMobileOpen: false,
    [SIDEBAR]: localStorage.getItem(SIDEBAR) !== "0",
    init() {
      this.activeTab = tab && (getCurrentTab() || tab);
      this.$watch(SIDEBAR, (open) => localStorage.setItem(SIDEBAR, open ? "1" : "0"));
    },
    address(tab) {
      const { pathname, search } = window.location;
      return pathname + search + (tab && tab !== "general" ? `#${tab}` : "");
    },
  });

  function sayAnew(it) {
    for (const { name, value } of [...it.attributes]) {
      if (name.startsWith("x-") && value.trim() in SHORTER) it.setAttribute(name, SHORTER[value.trim()]);
    }
  }

  document.addEventListener("alpine:init", () => {
    for (const scope of [theme, searchForm, searchDropdown, searchCommand]) Alpine.data(scope.name, scope);
    const body = document.body;
    if (body.hasAttribute("x-data")) {
      Alpine.data("frame", frame(/activeTab: '([^']*)'/.exec(body.getAttribute("x-data"))?.[1] ?? ""));
      body.setAttribute("x-data", "frame");
      body.removeAttribute("x-init");
    }
    document.querySelectorAll("*").forEach(sayAnew);
  });
})();
