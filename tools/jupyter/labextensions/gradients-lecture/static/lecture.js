// JupyterLab's button Lecture, around jupyterlab-slideshow: that starts at the active cell, which is the last one after
// Run All; it keeps in the user's settings that it is on; and its type is for one reader.
"use strict";

(() => {
  const WIDTH = 1080; // pixels of a slide across, before it is enlarged
  const TEXT = 760; // of one that holds nothing but text, whose lines are shorter
  const LEAST = 1.5; // the least enlargement of several cells on a page
  const ALONE = { text: 1.3, code: 1.4 }; // and of one that is too high: its letters are 18 pixels then
  const ROOM = .96; // the share of the screen's height that a slide may take
  const MOST_STEPS = 60; // cells of a slide; Space passes those that show nothing new
  const STYLE = `
    body[data-jp-deck-mode='presenting'] .jp-Deck .jp-Notebook { zoom: var(--lecture-zoom, 1); max-height: none; }
    body[data-jp-deck-mode='presenting'] .jp-Deck .noUi-target { zoom: calc(1 / var(--lecture-zoom, 1)); /* it measures
      in pixels of the screen: enlarged, the handle would run ahead of the hand */
      --jp-widgets-slider-handle-size: 24px; }
    body[data-jp-deck-mode='presenting'] .jp-Deck .jp-Cell.lecture-away { max-height: 0; min-height: 0; padding: 0;
      margin: 0; overflow: hidden; opacity: 0; pointer-events: none; } /* on another page; it can have the focus */
    body[data-jp-deck-mode='presenting'] .course-fold::details-content { content-visibility: visible; } /* the room has
      voted: what was measured is shown */
    body[data-jp-deck-mode='presenting'] .course-fold > summary { font-size: 0; list-style: none; }
    body[data-jp-deck-mode='presenting'] .course-fold > summary > strong { font-size: var(--jp-content-font-size1); }
    .lecture-leave { position: fixed; top: 8px; right: 8px; z-index: 10000; font-size: 16px; padding: 4px 12px; }
    body:not([data-jp-deck-mode='presenting']) .lecture-leave { display: none; }`;

  const typeOf = cell => cell.model.getMetadata("slideshow")?.slide_type;
  const visible = panel => [...panel.node.querySelectorAll(".jp-deck-mod-visible")];

  const zoom = size => document.body.style.setProperty("--lecture-zoom", size);
  const plain = cell => cell.matches(".jp-MarkdownCell")
    && !cell.querySelector("table, pre, img, mjx-container[display]");
  const most = (cells = []) => Math.max(1, innerWidth / (cells.length && cells.every(plain) ? TEXT : WIDTH));
  const height = cells => cells.at(-1).getBoundingClientRect().bottom - cells[0].getBoundingClientRect().top;

  // A slide that is too high at the least enlargement is shown in pages; a cell that comes later has its place already.
  const pagesOf = panel => {
    const cells = [...panel.node.querySelectorAll(".jp-deck-mod-onscreen")], pages = [];
    cells.forEach(cell => cell.classList.remove("lecture-away"));
    zoom(Math.min(LEAST, most()));
    for (const cell of cells) {
      if (pages.length && height([...pages.at(-1), cell]) <= ROOM * innerHeight) pages.at(-1).push(cell);
      else pages.push([cell]);
    }
    return pages;
  };

  let from = null; // the cell whose page is shown

  // The page, everything on it enlarged alike, as far as nothing is cut below.
  const fit = panel => {
    const pages = pagesOf(panel), page = pages.find(cells => cells.includes(from)) ?? pages[0];
    if (!page) return;
    pages.flat().forEach(cell => cell.classList.toggle("lecture-away", !page.includes(cell)));
    const alone = page[0].matches(".jp-MarkdownCell") ? ALONE.text : ALONE.code, room = ROOM * innerHeight;
    const least = Math.min(most(), page.length > 1 ? LEAST : alone);
    let size = most(page);
    zoom(size);
    while (size > least && height(page) > room) { // a live figure is as wide as the screen at any size of its text
      zoom(size = Math.max(least, size * Math.min(.98, room / height(page))));
    }
  };

  // The page after or before, if there is something to see on it that did not come as a step of its own.
  const turn = (panel, on) => {
    const pages = pagesOf(panel), place = Math.max(0, pages.findIndex(cells => cells.includes(from)));
    const stepped = cell => cell.matches(".jp-deck-mod-visible") && typeOf(
      panel.content.widgets.find(each => each.node === cell)) === "fragment";
    const next = pages[place + (on ? 1 : -1)];
    if (!next || (on ? !next[0].matches(".jp-deck-mod-visible") : pages[place].some(stepped))) return false;
    from = on ? next[0] : next.at(-1);
    return true;
  };

  const left = new WeakMap(); // where a notebook's lecture is, or was left
  const sizes = new ResizeObserver(() => document.body.dataset.jpDeckMode === "presenting" && fit(shown));
  let shown = null; // the notebook that is presented
  const settle = panel => {
    left.set(shown = panel, panel.content.activeCellIndex);
    sizes.disconnect();
    panel.content.widgets.forEach(cell => sizes.observe(cell.node)); // pictures come later, and it says so
    setTimeout(fit, 100, panel);
  };

  // Whoever closes the tab in a lecture gets JupyterLab as it is otherwise: the setting is put back before it is read.
  const reset = async () => {
    const page = JSON.parse(document.getElementById("jupyter-config-data").textContent);
    const url = `${page.baseUrl}lab/api/settings/jupyterlab-slideshow:plugin`;
    try {
      const { raw } = await (await fetch(url)).json();
      const changed = raw.replace(/("active"\s*:\s*)true/, "$1false");
      if (changed === raw) return;
      const [, token] = /(?:^|; )_xsrf=([^;]*)/.exec(document.cookie) ?? [];
      await fetch(url, { method: "PUT", body: JSON.stringify({ raw: changed }), headers: {
        "Content-Type": "application/json", ...token && { "X-XSRFToken": token },
        ...page.token && { Authorization: `token ${page.token}` } } });
    } catch (problem) { console.warn("lecture", problem); }
  };

  const activate = app => {
    const { commands, shell } = app;
    const notebook = () => shell.currentWidget?.content?.activeCellIndex === undefined ? null : shell.currentWidget;
    const leave = document.createElement("button");
    Object.assign(leave, { className: "lecture-leave", textContent: "Leave the lecture (Esc)", type: "button" });
    leave.onclick = () => commands.execute("lecture:leave");
    const style = document.createElement("style");
    style.textContent = STYLE;
    document.head.append(style);
    document.body.append(leave);

    commands.addCommand("lecture:start", {
      label: "Lecture", caption: "Show the slides, from the first one or from where they were left",
      isEnabled: () => notebook() !== null,
      async execute() {
        const panel = notebook(), cells = panel.content.widgets;
        const place = left.get(panel);
        const first = cells.findIndex(cell => typeOf(cell) === "slide");
        panel.content.mode = "command";
        panel.content.activeCellIndex = cells[place] ? place : Math.max(0, first);
        await commands.execute("deck:start");
        panel.content.activate();
        from = visible(panel).at(cells[place] ? -1 : 0);
        settle(panel);
      },
    });
    commands.addCommand("lecture:go", {
      label: "To what the lecture shows next, or showed before",
      async execute({ on }) {
        const panel = notebook(), [direction, alternate] = on ? ["down", "forward"] : ["up", "back"];
        const before = visible(panel);
        if (turn(panel, on)) return settle(panel);
        for (let step = 0; step < MOST_STEPS; step++) {
          const place = panel.content.activeCellIndex;
          await commands.execute("deck:go", { direction, alternate });
          const now = visible(panel);
          if (panel.content.activeCellIndex === place) break;
          if (now.length !== before.length || now.some((cell, i) => cell !== before[i])) break;
        }
        const now = visible(panel);
        from = on ? now.find(cell => !before.includes(cell)) ?? from : now.at(-1);
        settle(panel);
        panel.content.activate();
      },
    });
    commands.addCommand("lecture:leave", {
      label: "Leave the lecture",
      async execute() {
        const panel = notebook();
        await commands.execute("deck:stop");
        panel?.content.activate();
      },
    });
  };

  (window._JUPYTERLAB ??= {})["gradients-lecture"] = {
    init() {},
    async get() {
      await reset();
      return () => ({ __esModule: true, default: { id: "gradients-lecture:plugin", autoStart: true, activate } });
    },
  };
})();
