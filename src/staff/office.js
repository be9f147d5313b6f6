// Keys for those who work here all day. Everything works without them.
//   /      to the search box
//   j, k   to the next or the last row of the list; Enter opens it

const typing = (at) => at.closest("input, textarea, select, [contenteditable]");

function move(step) {
  const links = [...document.querySelectorAll("main tbody tr a:first-of-type, main .hits li > a:first-of-type")]
    .filter((link, place, all) => all.findIndex((other) => other.closest("tr, li") === link.closest("tr, li")) === place);
  const at = links.findIndex((link) => link.closest("tr, li").contains(document.activeElement));
  const next = links[Math.min(Math.max(at + step, 0), links.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || typing(event.target)) return;
  if (event.key === "/") document.getElementById("find")?.focus();
  else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else return;
  event.preventDefault();
});
