// JupyterLab's button Lecture, around jupyterlab-slideshow: that starts at the active cell, which is the last one after
// Run All; it keeps in the user's settings that it is on; and its type is for one reader.
"use strict";

(() => {
  const WIDTH = 1050, LEAST = 1.25; // pixels of a slide across, before it is enlarged; the least enlargement
  const MOST_STEPS = 60; // cells of a slide; Space passes those that show nothing new
  const STYLE = `
    body[data-jp-deck-mode='presenting'] .jp-Deck .jp-Notebook { zoom: var(--lecture-zoom, 1); max-height: none; }
    body[data-jp-deck-mode='presenting'] .jp-Deck .noUi-target { zoom: calc(1 / var(--lecture-zoom, 1)); /* it measures
      in pixels of the screen: enlarged, the handle would run ahead of the hand */
      --jp-widgets-slider-handle-size: 24px; }
    .lecture-leave { position: fixed; top: 8px; right: 8px; z-index: 10000; font-size: 16px; padding: 4px 12px; }
    body:not([data-jp-deck-mode='presenting']) .lecture-leave { display: none; }`;

  const typeOf = cell => cell.model.getMetadata("slideshow")?.slide_type;
  const visible = panel => [...panel.node.querySelectorAll(".jp-deck-mod-visible")];

  // Everything on the slide is enlarged alike, and what would be cut below a little less.
  const fit = panel => {
    const set = zoom => document.body.style.setProperty("--lecture-zoom", zoom);
    const most = Math.max(1, innerWidth / WIDTH);
    set(most);
    const cells = visible(panel).map(cell => cell.getBoundingClientRect());
    if (!cells.length) return;
    const needed = Math.max(...cells.map(box => box.bottom)) - Math.min(...cells.map(box => box.top));
    set(Math.max(Math.min(LEAST, most), Math.min(most, .96 * most * innerHeight / needed)));
  };

  const left = new WeakMap(); // where a notebook's lecture is, or was left
  const settle = panel => {
    left.set(panel, panel.content.activeCellIndex);
    [0, 100, 400].forEach(wait => setTimeout(fit, wait, panel)); // pictures come later
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
        settle(panel);
      },
    });
    commands.addCommand("lecture:go", {
      label: "To what the lecture shows next, or showed before",
      async execute({ on }) {
        const panel = notebook(), [direction, alternate] = on ? ["down", "forward"] : ["up", "back"];
        const before = visible(panel);
        for (let step = 0; step < MOST_STEPS; step++) {
          const place = panel.content.activeCellIndex;
          await commands.execute("deck:go", { direction, alternate });
          const now = visible(panel);
          if (panel.content.activeCellIndex === place) break;
          if (now.length !== before.length || now.some((cell, i) => cell !== before[i])) break;
        }
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
