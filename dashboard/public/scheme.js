// Before the first paint, so that a dark page does not flash white. A file of its own: the server's
// content security policy allows no inline script.
(function () {
  var wanted;
  try {
    wanted = localStorage.getItem("bellwire.scheme");
  } catch {
    wanted = null;
  }
  var dark = matchMedia("(prefers-color-scheme: dark)").matches;
  var scheme = wanted === "light" || wanted === "dark" ? wanted : dark ? "dark" : "light";
  document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
})();
