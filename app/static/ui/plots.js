"use strict";
// Draws each figure that a page holds as JSON, in the colours of the page.

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const COLOURS = /^var:(--(?:c[0-5]|quiet|raised|text|rule|ground|good|bad|warn|busy))$/;

// "var:--c0" in a figure stands for the colour of that name, so that figures know neither light nor dark: where a
// colour is asked for, as a class or a column may be named so too.
function coloured(value, asked = false) {
  if (typeof value === "string") {
    const named = asked && COLOURS.exec(value);
    return named ? colour(named[1]) : value;
  }
  if (Array.isArray(value)) return value.map((one) => coloured(one, asked));
  if (value && typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, coloured(inner, asked || /colou?r/i.test(name))]),
    );
  }
  return value;
}

function axis(own) {
  const line = colour("--rule");
  return { gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true, ...own };
}

function draw(place) {
  const figure = coloured(JSON.parse(place.dataset.figure));
  if (!figure) return;
  const own = figure.layout ?? {};
  // Drawn a second time, plotly takes no place of its own.
  place.style.minHeight = `${place.dataset.height}px`;
  const layout = {
    height: Number(place.dataset.height),
    margin: { l: 48, r: 12, t: own.title ? 36 : 12, b: 40 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colour("--text"), size: 12, family: "system-ui, sans-serif" },
    colorway: ["--c0", "--c1", "--c2", "--c3", "--c4", "--c5"].map(colour),
    hoverlabel: { namelength: -1 },
    legend: { orientation: "h", y: -0.2 },
    ...own,
  };
  for (const name of Object.keys(own).filter((name) => /^[xy]axis/.test(name))) layout[name] = axis(own[name]);
  layout.xaxis ??= axis({});
  layout.yaxis ??= axis({});
  Plotly.react(place, figure.data, layout, { responsive: true, displayModeBar: false });
}

function drawAll(root) {
  for (const place of root.querySelectorAll("[data-figure]")) draw(place);
}

// A plot outside of what is swapped is drawn again in its place, whenever its figure has changed.
function redraw(told) {
  const place = document.querySelector(told.dataset.redraws);
  if (!place || place.dataset.figure === told.dataset.with) return;
  place.dataset.figure = told.dataset.with;
  place.closest("section").hidden = false;
  draw(place);
}

document.addEventListener("DOMContentLoaded", () => drawAll(document));
document.addEventListener("htmx:afterSwap", (event) => {
  drawAll(event.target);
  for (const told of event.target.querySelectorAll("[data-redraws]")) redraw(told);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll(document));
