// What was chosen on this device, appearance and language, before the page is drawn. The only script that is no module:
// modules wait until the page is there.

(() => {
  const root = document.documentElement;
  if (!("noModule" in HTMLScriptElement.prototype)) return; // a browser without modules gets the form without scripts
  root.classList.add("scripted");

  const kept = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // a browser that keeps nothing
    }
  };
  const keep = (key, value) => {
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, value);
    } catch {
      // chosen for this visit, then
    }
  };

  const metas = document.querySelectorAll("meta[name=theme-color]");
  const systems = [...metas].map((meta) => meta.media);

  function showTheme(theme) {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    metas.forEach((meta, at) => {
      meta.media = theme ? (systems[at].includes(theme) ? "all" : "not all") : systems[at];
    });
  }

  const chosen = kept("snapshelf.theme");
  showTheme(["light", "dark"].includes(chosen) ? chosen : null);
  document.addEventListener("DOMContentLoaded", () => {
    const select = document.getElementById("theme");
    if (select) select.value = root.dataset.theme ?? "system";
    select?.addEventListener("change", () => {
      const theme = select.value === "system" ? null : select.value;
      keep("snapshelf.theme", theme);
      showTheme(theme);
    });
  });

  if (!("live" in root.dataset)) return; // the other pages are in the language that their address names
  // The page may be one that was kept on this device, in another language than its address asks for.
  const language = kept("snapshelf.language") ?? new URLSearchParams(location.search).get("language") ?? root.lang;
  if (language !== root.lang) root.classList.add("rewording"); // not shown in one language and then in another
  root.dataset.language = language;
  const words = { rel: "preload", as: "fetch", crossOrigin: "", href: `/static/words/${encodeURIComponent(language)}.json` };
  document.head.append(Object.assign(document.createElement("link"), words));
})();
