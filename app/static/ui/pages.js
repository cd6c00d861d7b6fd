"use strict";
// What every page does: times in the reader's own zone, tables that a keyboard can move, and a word where a field cannot be
// read, or when the service does not answer.

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const when = new Date(time.dateTime);
    if (isNaN(when)) continue;
    time.textContent = when.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    time.title = time.dateTime;
    time.removeAttribute("datetime");
  }
}

// What is wider than its place is scrolled by keys too, once it can be reached by them.
function reach() {
  for (const place of document.querySelectorAll(".wide")) {
    if (place.scrollWidth > place.clientWidth) place.tabIndex = 0;
    else place.removeAttribute("tabindex");
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

// What is swapped every second would be read out every second: only what is new is said, in a place that stays.
function say(root) {
  const told = root.querySelector("[data-says]")?.dataset.says;
  const place = document.getElementById("said");
  if (told && place && place.textContent !== told) place.textContent = told;
}

const LOST = "The service does not answer";

document.addEventListener("DOMContentLoaded", () => localise(document));
// The page's size changes with whatever comes into it, images that are decoded later too.
document.addEventListener("DOMContentLoaded", () => new ResizeObserver(reach).observe(document.body));
document.addEventListener("htmx:afterSettle", reach);
document.addEventListener("htmx:afterSwap", (event) => localise(event.target));
document.addEventListener("htmx:afterSwap", (event) => say(event.target));
document.addEventListener("htmx:sendError", () => {
  tell(LOST, "This page goes on asking. Nothing is lost: what runs goes on without it.");
});
document.addEventListener("htmx:afterRequest", (event) => {
  // What was wrong before an answer that is right is wrong no more.
  if (event.detail.successful) document.getElementById("problem").replaceChildren();
  else if (event.detail.xhr.status >= 400) document.getElementById("problem").scrollIntoView({ block: "nearest" });
});
