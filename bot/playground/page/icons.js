// Line icons, 20 by 20, drawn in the colour of the text around them.

const PATHS = {
  bookmark: "M6 3.5h8v13l-4-3.2-4 3.2z",
  caret: "m5.5 8 4.5 4.5L14.5 8",
  check: "m4.5 10.5 3.5 3.5 7.5-8",
  close: "m5 5 10 10M15 5 5 15",
  back: "M11.5 4.5 6 10l5.5 5.5",
  bell: "M10 3a4.5 4.5 0 0 1 4.5 4.5c0 4 1.5 5 1.5 5H4s1.5-1 1.5-5A4.5 4.5 0 0 1 10 3zM8.5 15.5a1.6 1.6 0 0 0 3 0",
  down: "M10 4v11.5m-5-5 5 5 5-5",
  eye: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zm8 2.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z",
  guide: "M7.2 7.3a2.8 2.8 0 1 1 4.3 2.5c-1 .6-1.5 1.1-1.5 2.2M10 15.2h.01M10 18.2a8.2 8.2 0 1 0 0-16.4 8.2 8.2 0 0 0 0 16.4",
  hash: "M8 3 6.4 17M13.6 3 12 17M3.5 7.2h13.8M2.7 12.8h13.8",
  lock: "M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  more: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  people: "M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2 16.5c0-3 2.5-5 5.5-5s5.5 2 5.5 5M13 3.8a3 3 0 0 1 0 5.4M15 11.9c2 .7 3.2 2.4 3.2 4.6",
  pin: "M10 12.5V17.5M6 12.5h8l-1.5-4V4H7.5v4.5z",
  play: "M6 3.5v13L16.5 10z",
  plus: "M10 4v12M4 10h12",
  send: "M3 16.5 17.5 10 3 3.5l2 6.5zm2-6.5h6",
  shared: "M7 10h6M6 6a4 4 0 1 0 0 8m8-8a4 4 0 1 1 0 8",
  thread: "M3.5 4h13v9h-7l-3.5 3v-3H3.5zM7 7.5h6M7 10h4",
};
const SVG = "http://www.w3.org/2000/svg";

export function icon(name, size = 18) {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { viewBox: "0 0 20 20", width: size, height: size, class: "icon", "aria-hidden": "true" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** The app's own icon: a tilted beam. */
export function tiltedBeam() {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 32 32", "aria-hidden": "true" })) {
    svg.setAttribute(key, value);
  }
  const beam = document.createElementNS(SVG, "path");
  beam.setAttribute("d", "M6 19 26 11M16 15v9M11 25h10");
  beam.setAttribute("class", "beam");
  svg.append(beam, weight(7.5, 14, 3, "heavy"), weight(24.5, 7.5, 2.4, "light"));
  return svg;
}

function weight(x, y, radius, className) {
  const circle = document.createElementNS(SVG, "circle");
  for (const [key, value] of Object.entries({ cx: x, cy: y, r: radius, class: className })) {
    circle.setAttribute(key, value);
  }
  return circle;
}
