// The deck: its colors, its formulas, as many slides as its cells need, then reveal.js.
"use strict";

const WIDTH = 1280, HEIGHT = 720, TOP = 44, BOTTOM = 44, SIDE = 48;
const TIGHT = .95, SMALLEST = .6, LARGEST = 1.65, ROOMY = 1.5;
const MOST_WORDS = 60, ENOUGH = 50; // of a slide with its title; of a part of a cell without one
const WIDE = 1067, HIGH = 467; // a picture is as wide or as high as this: 1600 or 700 pixels of 1920 x 1080
const room = HEIGHT - TOP - BOTTOM;

const paint = dark => {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  try { localStorage.setItem("theme", dark ? "dark" : "light"); } catch { /* a file may keep nothing */ }
};
const chosen = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
if (chosen) paint(chosen === "dark");
const isDark = () => (document.documentElement.dataset.theme
  ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

// The words that a slide is read by: no figures, tables, formulas, code, notes.
const words = cells => cells.map(cell => {
  const copy = cell.cloneNode(true);
  copy.querySelectorAll("svg, table, .code, figure, template, script, style, mjx-container, input, .bars")
    .forEach(each => each.remove());
  return (copy.textContent.match(/[a-z][\w'’-]*/gi) ?? []).length;
}).reduce((sum, each) => sum + each, 0);
const pictured = cell => cell.querySelector(".picture, .output img, .output svg") !== null;

// A slide holds what fits, made a little smaller if that helps; the other cells go to a slide below it.
const height = cells => cells.at(-1).getBoundingClientRect().bottom - cells[0].getBoundingClientRect().top;

const onward = (cell, ...parts) => {
  const own = cell.cloneNode(false);
  own.removeAttribute("id");
  own.append(...parts);
  cell.after(own);
  return own;
};

// A cell whose HTML has too many words for a slide goes on in another one, at a paragraph or a picture.
const parted = cell => {
  const box = cell.querySelector(":scope > .output > div");
  if (!box || words([cell]) <= MOST_WORDS) return;
  let [page, here] = [[], box];
  for (const part of [...box.children]) {
    if (page.length && (part.matches("img") || words([...page, part]) > ENOUGH)) {
      const next = box.parentElement.cloneNode(false);
      here = box.cloneNode(false);
      next.append(here);
      cell = onward(cell, next);
      page = [];
    }
    here.append(part);
    page.push(part);
  }
};

// A script that is too high below what its cell prints gets a cell of its own.
const script = cell => {
  const shown = cell.querySelector(":scope > :not(.behind) ~ .code:not(.behind)");
  if (shown && height([cell]) > room) onward(cell, shown);
};

// A picture that what its cell prints would keep small gets a cell of its own.
const alone = cell => {
  const picture = cell.querySelector(".picture, .output img"), output = picture?.closest(".cell > *");
  if (!picture || ![...cell.children].some(each => each !== output && !each.matches(".behind, .still"))) return;
  const box = picture.getBoundingClientRect(), left = box.height + room - height([cell]);
  const scale = Math.min(LARGEST, (WIDTH - 2 * SIDE) / box.width, left / box.height);
  if (scale * box.width >= WIDE || scale * box.height >= HIGH) return;
  onward(cell, output);
};

const paginate = section => {
  for (const split of [script, parted, alone]) [...section.children].forEach(split);
  const pages = [[]], title = words([{ cloneNode: () => Object.assign(document.createElement("p"),
                                                                      { textContent: section.dataset.title }) }]);
  for (const cell of section.children) {
    const page = pages.at(-1);
    const full = page.length && (height([...page, cell]) > room / TIGHT || title + words([...page, cell]) > MOST_WORDS
      || pictured(cell) || page.some(pictured)); // a picture has the slide to itself
    if (full) pages.push([cell]);
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

// Code whose lines would be broken is made a little smaller, if that keeps them whole.
const LEAST_CODE = 14; // pixels, in place of 20: 21 at 1920 x 1080
const whole = print => {
  const letters = Math.max(...print.textContent.split("\n").map(line => line.length));
  const size = parseFloat(getComputedStyle(print).fontSize), most = (WIDTH - 2 * SIDE - 2 * size) / (.62 * letters);
  if (most < size && most >= LEAST_CODE) print.style.fontSize = `${most}px`;
};

// How far what a page prints, and its code, can be enlarged with no line broken that is whole now.
const lines = "pre.output, .code:not(.behind) pre";
const unbroken = page => Math.min(ROOMY, ...[...page.querySelectorAll(lines)].map(print => {
  const letters = Math.max(...print.textContent.split("\n").map(line => line.length));
  const size = parseFloat(getComputedStyle(print).fontSize);
  return (WIDTH - 2 * SIDE - 2 * size) / (.61 * size * letters);
}).filter(most => most >= 1));

// What a slide holds is made smaller where it is too large; a single picture takes what is left free.
const fit = page => {
  const cells = [...page.children].filter(each => each.matches(".cell"));
  const needed = height(cells);
  if (needed > room) {
    for (const cell of cells) cell.style.zoom = Math.max(SMALLEST, .95 * room / needed);
    return;
  }
  const pictures = page.querySelectorAll(".picture, .output img");
  if (pictures.length !== 1) {
    let zoom = pictures.length || page.querySelector("mjx-container[display]") ? 1 // few words stand large
      : Math.max(1, Math.min(unbroken(page), Math.sqrt(.85 * room / needed)));
    do { // they need more lines then, and so do the cells of a table
      for (const cell of cells) cell.style.zoom = zoom;
      zoom = Math.max(1, zoom - .05);
    } while (height(cells) > room);
    return;
  }
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

// Whoever looks up sees where the lecture is.
const name = page => {
  if (page.querySelector("h1, h2")) return;
  const title = document.createElement("p");
  Object.assign(title, { className: "where", role: "heading", ariaLevel: "2", textContent: page.dataset.title });
  page.prepend(title);
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
    const rest = [...page.querySelectorAll("template.rest")];
    if (rest.length) {
      const aside = document.createElement("aside");
      aside.className = "notes rest";
      aside.append("On this slide, too:", ...rest.map(each => each.content.cloneNode(true)));
      page.append(aside);
      rest.forEach(each => each.remove());
    }
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
  if (document.readyState !== "complete") await new Promise(done => addEventListener("load", done)); // pictures, too
  slides.classList.add("measured");
  document.querySelectorAll("mjx-container[display]").forEach(narrow);
  document.querySelectorAll("pre").forEach(whole);
  document.querySelectorAll(".slides > section > section").forEach(paginate);
  document.querySelectorAll(".slides > section > section").forEach(fit);
  slides.classList.remove("measured");
  document.querySelectorAll(".slides > section > section").forEach(unveil);
  document.querySelectorAll(".slides > section > section").forEach(name);
  yieldKeys();
  if (location.search.includes("handout")) {
    document.documentElement.classList.add("handout");
    const pages = [...document.querySelectorAll(".slides > section > section")], sheets = [];
    for (let i = 0; i < pages.length; i += 2) {
      const sheet = slides.parentElement.cloneNode(false), stack = document.createElement("section");
      sheet.classList.add("sheet");
      sheet.append(slides.cloneNode(false));
      sheet.firstChild.append(stack);
      stack.append(...pages.slice(i, i + 2));
      sheets.push(sheet);
    }
    document.querySelector("main").replaceWith(...sheets);
    document.documentElement.dataset.ready = "";
    return;
  }
  addNotes();
  const scrolls = page => { // too high all the same: by keys, too
    if (page.scrollHeight > page.clientHeight + 1) page.tabIndex = 0;
    else page.removeAttribute("tabindex");
  };
  await Reveal.initialize({
    width: WIDTH, height: HEIGHT, margin: 0, center: false, hash: true, transition: "none", slideNumber: "c/t",
    scrollActivationWidth: null, pdfSeparateFragments: false, plugins: [RevealNotes], defaultTiming: 0,
    keyboard: { 67: () => { document.documentElement.toggleAttribute("data-code"); scrolls(Reveal.getCurrentSlide()); },
                68: () => paint(!isDark()), 69: () => votes.save() },
  });
  Reveal.on("slidechanged", event => scrolls(event.currentSlide));
  scrolls(Reveal.getCurrentSlide());
  document.documentElement.dataset.ready = "";
};

window.MathJax = {
  tex: { inlineMath: [["$", "$"]], displayMath: [["$$", "$$"]], processEscapes: true },
  svg: { fontCache: "global" },
  options: { enableMenu: false, skipHtmlTags: ["script", "noscript", "style", "textarea", "pre", "code", "svg"] },
  startup: { typeset: false, ready() { MathJax.startup.defaultReady(); start(); } },
};
