"use strict";
// Buttons that copy what stands beside them, and lists that lead somewhere as soon as something is chosen.

function copies(place) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy secondary";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${place.querySelector("pre").getAttribute("aria-label")}`);
  button.addEventListener("click", async () => {
    const text = place.querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      // Without TLS browsers give no clipboard: what is marked can be copied by hand.
      getSelection().selectAllChildren(place.querySelector("code"));
      button.textContent = "Marked";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  place.append(button);
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".copied").forEach(copies);
  for (const list of document.querySelectorAll("select[data-submits]")) {
    const button = list.form.querySelector("button");
    button.hidden = true;
    // Each arrow key chooses: whoever goes down a list by keys is asked when they have arrived.
    list.addEventListener("keydown", () => { button.hidden = false; });
    list.addEventListener("pointerdown", () => { button.hidden = true; });
    list.addEventListener("change", () => button.hidden && list.form.submit());
  }
});
