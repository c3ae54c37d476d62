// A live figure without a kernel: its controls pick one of the frames that were drawn ahead (tools/frames.py).
"use strict";

const unpack = async figure => {
  const packed = Uint8Array.from(atob(figure.querySelector("script").textContent), letter => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const data = JSON.parse(await new Response(stream).text());
  const picture = figure.querySelector(".picture");
  const ground = new Image();
  ground.alt = "";
  ground.setAttribute("aria-hidden", "true");
  const motion = document.createElement("div");
  let shown = null;
  return place => {
    const [background, frame] = data.grid[place.reduce((index, at, i) => index * data.levels[i] + at, 0)];
    const source = "data:image/png;base64," + data.grounds[background];
    if (ground.src !== source) ground.src = source;
    motion.innerHTML = data.pictures[frame].replace(/(?<=href=")@(\d+)/g, (_, image) => data.images[image]);
    if (!shown) picture.replaceChildren(shown = ground, motion);
  };
};

const move = async figure => {
  const controls = [...figure.querySelectorAll("input, select")];
  for (const control of controls) {
    if (control.type !== "range") continue;
    const text = JSON.parse(control.dataset.texts)[control.value];
    control.setAttribute("aria-valuetext", text);
    control.nextElementSibling.textContent = text;
  }
  const show = await (figure.frames ??= unpack(figure));
  show(controls.map(control => control.type === "checkbox" ? Number(control.checked) : Number(control.value)));
};

for (const figure of document.querySelectorAll("figure.live")) figure.addEventListener("input", () => move(figure));
