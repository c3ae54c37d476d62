// A live figure without a kernel: its controls pick one of the frames that were drawn ahead (tools/frames.py). Where
// none was drawn, the nearest one that keeps the control in hand is shown, and the others go there.
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
  const frames = new Map(data.frames.map(([place, ...found]) => [place.join(), found]));
  const spans = data.frames[0][0].map((_, i) => 1 + Math.max(...data.frames.map(([place]) => place[i])));
  const nearest = (wanted, held) => {
    const far = place => place.reduce((sum, at, i) =>
      sum + (i === held ? 1e3 : 1) * Math.abs(at - wanted[i]) / spans[i], 0);
    return data.frames.map(([place]) => place).reduce((one, other) => far(other) < far(one) ? other : one);
  };
  let shown = null;
  return (wanted, held) => {
    const place = frames.has(wanted.join()) ? wanted : nearest(wanted, held);
    const [background, frame] = frames.get(place.join());
    const source = "data:image/png;base64," + data.grounds[background];
    if (ground.src !== source) ground.src = source;
    motion.innerHTML = data.pictures[frame].replace(/(?<=href=")@(\d+)/g, (_, image) => data.images[image]);
    if (!shown) picture.replaceChildren(shown = ground, motion);
    return place;
  };
};

const move = async (figure, moved) => {
  const controls = [...figure.querySelectorAll("input, select")];
  const show = await (figure.frames ??= unpack(figure));
  const wanted = controls.map(control => control.type === "checkbox" ? Number(control.checked) : Number(control.value));
  const place = show(wanted, controls.indexOf(moved));
  controls.forEach((control, i) => {
    if (control.type === "checkbox") control.checked = Boolean(place[i]);
    else control.value = place[i];
    if (control.type !== "range") return;
    const text = JSON.parse(control.dataset.texts)[place[i]];
    control.setAttribute("aria-valuetext", text);
    control.nextElementSibling.textContent = text;
  });
};

for (const figure of document.querySelectorAll("figure.live")) {
  figure.addEventListener("input", event => move(figure, event.target));
}
