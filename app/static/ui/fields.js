"use strict";
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
// An image that has been chosen stands in its field, in place of the one before.
document.addEventListener("change", (event) => {
  const input = event.target;
  if (input.type !== "file" || !input.files.length || !input.closest(".image")) return;
  const place = input.parentElement;
  const image = place.querySelector("img.preview") ?? place.appendChild(document.createElement("img"));
  if (image.src.startsWith("blob:")) URL.revokeObjectURL(image.src);
  Object.assign(image, { className: "preview", alt: "the image that was chosen", width: 160, src: URL.createObjectURL(input.files[0]) });
});
