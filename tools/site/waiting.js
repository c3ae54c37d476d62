// A strip at the foot of the browser edition, from the first moment on: what is being fetched, and about how long that
// takes. It runs the cell that fetches the course, and cells that were run before there was a Python.
"use strict";

(() => {
  const SET_UP = "browser-set-up"; // id of the cell that fetches the course
  const STEPS = ["the page", "Python", "numpy, matplotlib and the course"];
  const EARLY = /^(runmenu:|notebook:(run|restart-run))/;
  const memory = "course-waited"; // the seconds of the last time

  const strip = document.createElement("div");
  strip.id = "course-waiting";
  strip.innerHTML = `<style>
      #course-waiting { position: fixed; inset: auto 0 0 0; z-index: 10000; padding: 10px 16px;
        font: 15px/1.5 sans-serif; background: #fff7df; color: #222; border-top: 2px solid #a86400; }
      #course-waiting progress { width: min(320px, 40vw); vertical-align: middle; margin-right: 8px; }
    </style><progress aria-label="Loading"></progress><span role="status"></span> <span class="time"></span>`;
  document.body.append(strip);
  const bar = strip.querySelector("progress"), words = strip.querySelector("[role=status]");
  const time = strip.querySelector(".time");

  const known = Number(localStorage.getItem(memory)); // 0: the first visit
  const usual = known || 60;
  let begun, ticking, step = 0, waiting = [];

  const seconds = () => Math.round((performance.now() - begun) / 1000);
  const say = () => {
    const steps = STEPS.map((name, i) => `${i < step ? "✓" : i === step ? "▶" : "·"} ${name}`).join("  ");
    const cells = waiting.length === 1 ? "What you ran waits and runs by itself."
      : waiting.length ? `${waiting.length} things you ran wait and run by themselves.` : "";
    const text = `Loading: ${steps}. ${cells}`.trim();
    if (words.textContent !== text) words.textContent = text; // a screen reader tells it once
    bar.max = usual;
    bar.value = Math.min(seconds(), .97 * usual);
    const long = seconds() > 3 * usual && "far longer than usual: is the network there? Then load the page again.";
    time.textContent = `${seconds()} s; ${long || (known ? `the last time it took ${known} s`
      : "the first time up to a minute")}`;
  };
  const begin = () => {
    clearInterval(ticking);
    begun = performance.now();
    bar.hidden = time.hidden = strip.hidden = false;
    ticking = setInterval(say, 250);
    say();
  };
  const end = text => {
    clearInterval(ticking);
    bar.hidden = time.hidden = true;
    words.textContent = text;
    const ended = begun;
    setTimeout(() => { strip.hidden ||= begun === ended; }, text ? 6000 : 0);
  };
  begin();
  const until = async find => {
    for (;;) {
      const found = find();
      if (found) return found;
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  };

  const main = async () => {
    const app = await until(() => window.jupyterapp);
    const { commands, shell } = app, ready = new WeakSet();
    const notebook = () => shell.currentWidget?.content?.model?.cells && shell.currentWidget;
    const execute = commands.execute.bind(commands);
    commands.execute = (id, args) => { // what is run too early is kept
      const panel = notebook();
      if (!panel || ready.has(panel) || !EARLY.test(id)) return execute(id, args);
      const { content } = panel, one = !/all|above|below/.test(id);
      waiting.push({ panel, id: one ? "notebook:run-cell" : id, args: one ? {} : args, cell: content.activeCell });
      if (content.activeCell.model.type === "code") content.activeCell.setPrompt("*");
      content.mode = "command";
      if (one && id !== "notebook:run-cell") content.activeCellIndex += 1;
      say();
      return Promise.resolve();
    };
    const run = (panel, cell, id = "notebook:run-cell", args = {}) => {
      const place = panel.content.activeCellIndex;
      panel.content.deselectAll();
      panel.content.activeCellIndex = panel.content.widgets.indexOf(cell);
      const ended = execute(id, args);
      panel.content.activeCellIndex = place;
      return ended;
    };
    // Bring a notebook's course, and return what to say then.
    const open = async (panel, cell) => {
      await panel.sessionContext.ready;
      const kernel = await until(() => panel.sessionContext.session?.kernel);
      await kernel.info;
      step = 2;
      ready.add(panel);
      const ended = run(panel, cell);
      for (const early of waiting.filter(early => early.panel === panel)) run(panel, early.cell, early.id, early.args);
      waiting = waiting.filter(early => early.panel !== panel);
      await ended;
      return [...Array(cell.model.outputs.length).keys()].some(i => cell.model.outputs.get(i).type === "error")
        ? "The course could not be fetched: the first cell of code says why."
        : `Ready after ${seconds()} s. Shift+Enter runs a cell.`;
    };
    const seen = new WeakSet();
    let first = true;
    const follow = async panel => {
      if (!panel || seen.has(panel)) return;
      seen.add(panel);
      await panel.context.ready;
      const cell = panel.content.widgets.find(cell => cell.model.id === SET_UP);
      if (cell && !first) begin();
      step = 1;
      const text = cell ? await open(panel, cell) : ""; // without the cell it needs torch as a whole
      if (!cell) ready.add(panel);
      if (first && text.startsWith("Ready")) localStorage.setItem(memory, seconds());
      first = false;
      end(text);
    };
    shell.currentChanged.connect(() => until(notebook).then(follow));
    follow(await until(notebook));
  };
  main();
})();
