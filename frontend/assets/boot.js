// Runs before the first paint, outside the app: sets the remembered theme, and stands by for an app that cannot load.
(function () {
  "use strict";
  var root = document.documentElement;
  try {
    var theme = localStorage.getItem("fourwire.theme");
    if (theme === "light" || theme === "dark") root.setAttribute("data-theme", theme);
  } catch (denied) { /* no storage, no memory: the system's theme it is */ }

  // After a deploy, an old page may ask for files that are gone. Reload once; if that does not help, say so.
  function failed() {
    if (root.getAttribute("data-app") === "ready") return;
    try {
      if (!sessionStorage.getItem("fourwire.reloaded")) {
        sessionStorage.setItem("fourwire.reloaded", "1");
        location.reload();
        return;
      }
    } catch (denied) { /* cannot count reloads, so do none */ }
    var overlay = document.getElementById("broken");
    if (!overlay) return;
    document.getElementById("broken-title").textContent = "The app could not be loaded";
    overlay.querySelector("p").textContent = "A part of it did not come, or this browser cannot run it: it needs WebAssembly.";
    overlay.hidden = false;
  }
  // A script that does not load tells its element; one that throws, and so a module whose WebAssembly does not load,
  // tells the window. What others put into the page is not ours.
  addEventListener("error", function (event) {
    var script = event.target && event.target.tagName === "SCRIPT";
    var ours = event.target === window && (!event.filename || event.filename.indexOf(location.origin) === 0);
    if (script || ours) failed();
  }, true);
  addEventListener("unhandledrejection", failed);

  // Paper is light. The style sheets see to that themselves; this is for the canvases, which are drawn anew before.
  var shown = null;
  addEventListener("beforeprint", function () {
    shown = root.getAttribute("data-theme");
    root.setAttribute("data-theme", "light");
  });
  addEventListener("afterprint", function () {
    if (shown) root.setAttribute("data-theme", shown); else root.removeAttribute("data-theme");
  });
  addEventListener("TrunkApplicationStarted", function () {
    try { sessionStorage.removeItem("fourwire.reloaded"); } catch (denied) { /* see above */ }
  });
})();
