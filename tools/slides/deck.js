// The deck: its colors, its formulas, as many slides as its cells need, then reveal.js.
"use strict";

const WIDTH = 1280, HEIGHT = 720, TOP = 24, BOTTOM = 44, SIDE = 48, TIGHT = .85, SMALLEST = .7, LARGEST = 1.3;
const room = HEIGHT - TOP - BOTTOM;

const paint = dark => {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  try { localStorage.setItem("theme", dark ? "dark" : "light"); } catch { /* a file may keep nothing */ }
};
const chosen = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
if (chosen) paint(chosen === "dark");
const isDark = () => (document.documentElement.dataset.theme
  ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

// A slide holds what fits, made a little smaller if that helps; the other cells go to a slide below it.
const height = cells => cells.at(-1).getBoundingClientRect().bottom - cells[0].getBoundingClientRect().top;

const paginate = section => {
  const pages = [[]];
  for (const cell of section.children) {
    const page = pages.at(-1);
    if (page.length && height([...page, cell]) > room / TIGHT) pages.push([cell]);
    else page.push(cell);
  }
  let last = section;
  for (const cells of pages.slice(1)) {
    const next = section.cloneNode(false);
    next.classList.add("continued");
    next.append(...cells);
    last.after(next);
    last = next;
  }
};

// What a slide holds is made smaller where it is too large; a single picture takes what is left free.
const fit = page => {
  const cells = [...page.children];
  const needed = height(cells);
  if (needed > room) {
    for (const cell of cells) cell.style.zoom = Math.max(SMALLEST, .98 * room / needed);
    return;
  }
  const pictures = page.querySelectorAll(".picture, .output > img");
  if (pictures.length !== 1) return;
  const box = pictures[0].getBoundingClientRect();
  const scale = Math.min(LARGEST, (WIDTH - 2 * SIDE) / box.width, (box.height + room - needed - 1) / box.height);
  if (scale > 1) Object.assign(pictures[0].style, { width: `${box.width * scale}px`, maxWidth: "none" });
};

// A fragment that begins a page has nothing to wait for.
const unveil = page => {
  const first = page.firstElementChild?.dataset.fragmentIndex;
  if (first === undefined || !page.classList.contains("continued")) return;
  for (const cell of page.children) {
    if (cell.dataset.fragmentIndex !== first) continue;
    cell.classList.remove("fragment");
    delete cell.dataset.fragmentIndex;
  }
};

// A formula wider than the slide is made smaller.
const narrow = formula => {
  const ratio = formula.clientWidth / formula.querySelector("svg").getBoundingClientRect().width;
  if (ratio < 1) formula.style.zoom = .98 * ratio;
};

const addNotes = () => {
  const notes = [...document.querySelectorAll("template.notes")];
  const pages = [...document.querySelectorAll(".slides > section > section")];
  const read = page => page.dataset.notesRead.split(" ").filter(Boolean).map(Number);
  for (const page of pages) {
    let seconds = 0;
    for (const number of read(page)) {
      const { minutes } = notes[number].dataset;
      const share = pages.filter(other => read(other).includes(number)).length;
      const aside = document.createElement("aside");
      aside.className = "notes";
      aside.innerHTML = `<p>${minutes} min, ${share} slide${share > 1 ? "s" : ""}</p>`;
      aside.append(notes[number].content.cloneNode(true));
      page.append(aside);
      seconds += 60 * minutes / share;
    }
    page.dataset.timing = Math.round(seconds);
  }
};

// Keys of a slider stay with it; what turns slides (also a presenter's remote) leaves it first.
const yieldKeys = () => {
  for (const figure of document.querySelectorAll("figure.live")) {
    figure.addEventListener("keydown", event => {
      if (["PageUp", "PageDown", "Escape", "n", "p"].includes(event.key)) {
        event.preventDefault();
        document.activeElement.blur();
      } else if (event.key !== "Tab") event.stopPropagation();
    });
    figure.addEventListener("pointerup", () => setTimeout(() => document.activeElement.matches("input") &&
      document.activeElement.blur()));
  }
};

const start = async () => {
  const slides = document.querySelector(".slides");
  await MathJax.typesetPromise();
  await Promise.all([...document.images].map(image => image.decode().catch(() => null)));
  slides.classList.add("measured");
  document.querySelectorAll("mjx-container[display]").forEach(narrow);
  document.querySelectorAll(".slides > section > section").forEach(paginate);
  document.querySelectorAll(".slides > section > section").forEach(fit);
  slides.classList.remove("measured");
  document.querySelectorAll(".slides > section > section").forEach(unveil);
  addNotes();
  yieldKeys();
  await Reveal.initialize({
    width: WIDTH, height: HEIGHT, margin: 0, center: false, hash: true, transition: "none", slideNumber: "c/t",
    scrollActivationWidth: null, pdfSeparateFragments: false, plugins: [RevealNotes], defaultTiming: 0,
    keyboard: { 68: () => paint(!isDark()) },
  });
  const scrolls = page => { if (page.scrollHeight > page.clientHeight + 1) page.tabIndex = 0; };
  Reveal.on("slidechanged", event => scrolls(event.currentSlide)); // too high all the same: by keys, too
  scrolls(Reveal.getCurrentSlide());
  document.documentElement.dataset.ready = "";
};

window.MathJax = {
  tex: { inlineMath: [["$", "$"]], displayMath: [["$$", "$$"]], processEscapes: true },
  svg: { fontCache: "global" },
  options: { enableMenu: false, skipHtmlTags: ["script", "noscript", "style", "textarea", "pre", "code", "svg"] },
  startup: { typeset: false, ready() { MathJax.startup.defaultReady(); start(); } },
};
