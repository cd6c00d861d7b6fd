"use strict";
// What every page does: times in the reader's own zone, tables that a keyboard can move, and a word when the service does
// not answer.

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const when = new Date(time.dateTime);
    if (isNaN(when)) continue;
    time.textContent = when.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    time.title = time.dateTime;
    time.removeAttribute("datetime");
  }
}

// What is wider than the screen is moved by the arrow keys, once it has the focus.
function reachable(root) {
  for (const wide of root.querySelectorAll(".wide")) {
    if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
    else wide.removeAttribute("tabindex");
  }
}

function tell(title, detail) {
  const place = document.getElementById("problem");
  if (place.querySelector("strong")?.textContent === title) return;
  const box = document.createElement("article");
  box.className = "problem";
  const strong = box.appendChild(document.createElement("strong"));
  strong.textContent = title;
  box.appendChild(document.createElement("p")).textContent = detail;
  place.replaceChildren(box);
}

const LOST = "The service does not answer";

function arrived(root) {
  localise(root);
  reachable(root);
}

document.addEventListener("DOMContentLoaded", () => arrived(document));
document.addEventListener("htmx:afterSwap", (event) => arrived(event.target));
addEventListener("resize", () => reachable(document));
document.addEventListener("htmx:sendError", () => {
  tell(LOST, "This page goes on asking. Nothing is lost: what runs goes on without it.");
});
document.addEventListener("htmx:afterRequest", (event) => {
  // What was wrong before an answer that is right is wrong no more.
  if (event.detail.successful) document.getElementById("problem").replaceChildren();
  else if (event.detail.xhr.status >= 400) document.getElementById("problem").scrollIntoView({ block: "nearest" });
});
