"use strict";
// Which changes of a form are worth asking for at once: those that are whole, unless the answer takes long.

// Seconds from where on an answer waits for the button.
const SLOW = 3;

// Answers that took so long, one after another.
let slow = 0;

function whole(form, cause) {
  const source = form.elements.source?.value;
  const control = cause.target instanceof HTMLElement ? cause.target : null;
  if (cause.type === "input" && control?.closest("[data-quiet]")) return false;
  if (source === "file" && !form.elements.file.files.length) return false;
  // A text is whole when whoever pastes or types it says so.
  const typing = control?.name === "text" && form.elements.file;
  if (source === "text" && (typing || !form.elements.text.value.trim())) return false;
  if (source !== undefined && source !== "row") return true;
  // Nothing at all is no row yet.
  const controls = [...form.querySelectorAll("#row input:not([type=hidden]), #row select, #row textarea")];
  if (controls.length && controls.every((one) => !one.value) && !form.querySelector(".field.image")) return false;
  for (const image of form.querySelectorAll('.field.image input[type="file"], td input[type="file"]')) {
    if (!image.files.length && !form.elements[`${image.name}_kept`].value) return false;
    // On the page of what-if the image as it was has to be there too.
    if (form.elements[`${image.name.replace("c", "o")}_kept`]?.value === "") return false;
  }
  return true;
}

document.addEventListener("htmx:beforeRequest", (event) => {
  const form = document.getElementById("ask");
  const cause = event.detail.requestConfig.triggeringEvent ?? { type: "load", target: null };
  if (event.detail.elt.matches("select[hx-post]") && !event.detail.elt.value) {
    event.preventDefault();
    event.detail.target.replaceChildren();
    return;
  }
  if (!form || event.detail.elt.closest("[data-quiet]") || cause.type === "click") return;
  if (!["input", "load", "filled"].includes(cause.type) || event.detail.requestConfig.verb !== "post") return;
  const live = document.getElementById("live");
  if (live && !live.checked && cause.type !== "load") {
    event.detail.target.classList.add("stale");
    event.preventDefault();
  } else if (!whole(form, cause)) event.preventDefault();
});

// Enter asks: browsers would press the first button of the form, which leads to another page.
document.addEventListener("keydown", (event) => {
  const control = event.target;
  if (event.key !== "Enter" || event.isComposing || control.tagName !== "INPUT" || control.form?.id !== "ask") return;
  if (["file", "submit", "button"].includes(control.type)) return;
  event.preventDefault();
  control.form.querySelector('button[hx-target="#result"], button[hx-target="#difference"]')?.click();
});

// What is shown is not of what was asked last.
document.addEventListener("htmx:responseError", (event) => {
  const asked = event.detail.elt;
  if (asked.querySelector("[aria-busy]")) asked.replaceChildren();
  else if (event.detail.requestConfig.target) event.detail.requestConfig.target.classList.add("stale");
});

document.addEventListener("htmx:afterSwap", (event) => {
  event.detail.target.classList.remove("stale");
  const took = Number(event.detail.target.querySelector("[data-seconds]")?.dataset.seconds);
  const live = document.getElementById("live");
  if (Number.isNaN(took)) return;
  // The first answer may have waited until the model was loaded.
  slow = took > SLOW ? slow + 1 : 0;
  if (slow > 1 && live?.checked) {
    live.checked = false;
    document.getElementById("slow").hidden = false;
  }
});
