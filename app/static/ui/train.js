"use strict";
// The page that starts a training: files that are dropped, too large ones, and what is copied.

const form = document.getElementById("train");

function show(input) {
  document.querySelector(`[data-clear="${input.id}"]`).hidden = !input.files.length;
}

// What was told of another file is not left standing beside a new one, which may turn out not to be read.
function forget() {
  document.getElementById("looked").replaceChildren();
}

function look(fresh) {
  if (document.getElementById("raw_data").files.length) htmx.trigger(fresh ? "#look-new" : "#look-again", "look");
}

function isTooLarge(input) {
  const file = input.files[0];
  if (!file || file.size <= Number(form.dataset.most)) return false;
  // Half way through the upload the service would close the connection, which looks as if it were gone.
  const size = (bytes) => (bytes / 1e6).toFixed(1);
  tell("The file is too large", `${file.name} has ${size(file.size)} MB, and at most ${size(form.dataset.most)} MB are taken. Send fewer rows, or Parquet, which is smaller.`);
  document.getElementById("problem").scrollIntoView({ block: "nearest" });
  return true;
}

form.addEventListener("change", (event) => {
  const input = event.target;
  if (input.matches("[data-file]")) {
    for (const id of ["problem", "unread"]) document.getElementById(id).replaceChildren();
    if (isTooLarge(input)) input.value = "";
    if (input.id === "raw_data") forget();
    show(input);
    const first = document.getElementById("raw_data").files.length;
    if (!first && input.files.length) document.getElementById("unread").textContent = "Choose the data too.";
    look(true);
  } else if (input.matches("[data-look]")) look(false);
});

// What has the data looked at again has the parameters made too; once is enough.
form.addEventListener("input", (event) => {
  const has = document.getElementById("raw_data").files.length;
  if (event.target.matches("[data-own], [data-file]") || (has && event.target.matches("[data-look]"))) {
    event.stopPropagation();
  }
}, true);

// Browsers have a clipboard for pages of this machine and behind TLS; elsewhere what is selected can be copied.
async function copy(source) {
  if (navigator.clipboard) return navigator.clipboard.writeText(source.value ?? source.textContent);
  if (source.select) source.select();
  else getSelection().selectAllChildren(source);
  document.execCommand("copy");
}

form.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-clear], [data-copy]");
  if (!button) return;
  if (button.dataset.clear) {
    const input = document.getElementById(button.dataset.clear);
    input.value = "";
    show(input);
    if (input.id === "raw_data") forget();
    look(true);
    input.focus();
    return;
  }
  await copy(document.querySelector(button.dataset.copy));
  button.textContent = "Copied";
});

for (const zone of form.querySelectorAll(".drop")) {
  const input = zone.querySelector("input");
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    const files = new DataTransfer();
    files.items.add(event.dataTransfer.files[0]);
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
// A file that misses the zone would replace the page.
for (const name of ["dragover", "drop"]) {
  document.addEventListener(name, (event) => {
    if (!event.target.closest(".drop")) event.preventDefault();
  });
}
