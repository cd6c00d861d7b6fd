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

// A part that is replaced would take the focus with it, and whoever goes by keys would begin at the top again: it goes to
// what has come in its place.
let held = null;

function hold() {
  const at = document.activeElement;
  if (at && at !== document.body) {
    held = { at, ids: [] };
    for (let place = at; place && place !== document.body; place = place.parentElement) if (place.id) held.ids.push(place.id);
  } else if (held?.at.isConnected) held = null;
}

function keep() {
  if (!held || held.at.isConnected || document.activeElement !== document.body) return;
  const place = held.ids.map((id) => document.getElementById(id)).find(Boolean);
  const next = place?.querySelector("[data-next]") ?? place;
  held = null;
  if (!next) return;
  if (next.tabIndex < 0) next.tabIndex = -1;
  next.focus({ preventScroll: true });
}

// So would a button that is disabled while its answer is on the way.
let disabled = null;

const LOST = "The service does not answer";

document.addEventListener("DOMContentLoaded", () => localise(document));
// The page's size changes with whatever comes into it, images that are decoded later too.
document.addEventListener("DOMContentLoaded", () => new ResizeObserver(reach).observe(document.body));
document.addEventListener("htmx:afterSettle", reach);
document.addEventListener("htmx:afterSwap", (event) => localise(event.target));
document.addEventListener("htmx:afterSwap", (event) => say(event.target));
document.addEventListener("htmx:beforeSwap", hold);
document.addEventListener("htmx:afterSwap", keep);
document.addEventListener("htmx:beforeRequest", (event) => {
  if ((event.detail.elt.closest("[hx-disabled-elt]")?.getAttribute("hx-disabled-elt") ?? "unset") !== "unset") {
    disabled = document.activeElement;
  }
});
document.addEventListener("htmx:afterRequest", () => {
  if (document.activeElement === document.body && disabled?.isConnected) disabled.focus();
  disabled = null;
});
document.addEventListener("htmx:sendError", () => {
  tell(LOST, "This page goes on asking. Nothing is lost: what runs goes on without it.");
});
document.addEventListener("htmx:afterRequest", (event) => {
  // What was wrong before an answer that is right is wrong no more.
  if (event.detail.successful) document.getElementById("problem").replaceChildren();
  else if (event.detail.xhr.status >= 400) document.getElementById("problem").scrollIntoView({ block: "nearest" });
});
