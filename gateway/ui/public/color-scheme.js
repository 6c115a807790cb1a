// Runs before the first paint, so that a dark page never flashes white. A file instead of an inline
// script: the content security policy allows scripts from this origin only.
(function () {
  var scheme = "auto";
  try {
    scheme = window.localStorage.getItem("turnpike-color-scheme") || "auto";
  } catch {
    // Storage may be switched off; the system's preference then decides.
  }
  if (scheme !== "light" && scheme !== "dark") {
    scheme = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
})();
