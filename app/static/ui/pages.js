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

// Of what it cannot read in a field, say 0.02-, a browser sends nothing at all: a missing value that nobody has meant.
const UNREAD = "This cannot be read. Mend it, or empty the field.";

function unread(form) {
  const elsewhere = (one) => one.closest(".panel") && !one.closest(".panel").getClientRects().length;
  return [...form.elements].filter((one) => one.validity?.badInput && !elsewhere(one));
}

function mark(control) {
  const told = control.parentElement.querySelector(":scope > .unread");
  if (!control.validity?.badInput) {
    if (told) control.removeAttribute("aria-invalid");
    told?.remove();
  } else if (!told) {
    const word = document.createElement("small");
    word.className = "unread";
    word.setAttribute("role", "alert");
    word.textContent = UNREAD;
    control.setAttribute("aria-invalid", "true");
    control.after(word);
  }
}

// Whether a form is whole; of what is not, the fields are marked.
function legible(controls, focus) {
  controls.forEach(mark);
  if (focus) controls[0]?.focus();
  return !controls.length;
}

document.addEventListener("change", (event) => mark(event.target));
document.addEventListener("input", (event) => event.target.matches("[aria-invalid]") && mark(event.target));
document.addEventListener("submit", (event) => legible(unread(event.target), true) || event.preventDefault(), true);
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, target, requestConfig } = event.detail;
  const form = elt.matches("form") ? elt : elt.closest("#ask");
  if (!form || requestConfig.verb === "get") return;
  // What puts another row into the fields does not ask for what is in them.
  const wrong = unread(form).filter((one) => !target.contains(one));
  if (legible(wrong, ["click", "submit"].includes(requestConfig.triggeringEvent?.type))) return;
  event.preventDefault();
  target.classList.add("stale");
});

const LOST = "The service does not answer";

document.addEventListener("DOMContentLoaded", () => localise(document));
// The page's size changes with whatever comes into it, images that are decoded later too.
document.addEventListener("DOMContentLoaded", () => new ResizeObserver(reach).observe(document.body));
document.addEventListener("htmx:afterSettle", reach);
document.addEventListener("htmx:afterSwap", (event) => localise(event.target));
document.addEventListener("htmx:sendError", () => {
  tell(LOST, "This page goes on asking. Nothing is lost: what runs goes on without it.");
});
document.addEventListener("htmx:afterRequest", (event) => {
  // What was wrong before an answer that is right is wrong no more.
  if (event.detail.successful) document.getElementById("problem").replaceChildren();
  else if (event.detail.xhr.status >= 400) document.getElementById("problem").scrollIntoView({ block: "nearest" });
});
