// Runs before the first paint: a theme chosen by hand must not flash in the other one's colours.
const chosen = localStorage.getItem("jobmonitor.theme");
if (chosen === "light" || chosen === "dark") document.documentElement.dataset["theme"] = chosen;
