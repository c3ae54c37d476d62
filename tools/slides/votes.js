// Votes in the room: counts of hands, or what a poll gave, typed or pasted into a round's line. Kept by this browser.
"use strict";

const votes = (() => {
  const KEY = `votes ${document.title}`;
  const kept = (() => { try { return JSON.parse(localStorage.getItem(KEY)) ?? {}; } catch { return {}; } })();
  const LETTERS = "ABCDEFGH";

  // "12 5 3", "A 12, B 5", "12 A, 5 B", or single answers "A A B": the count of each choice. Other words say nothing.
  const counts = (text, choices) => {
    const found = Array(choices).fill(0), known = LETTERS.slice(0, choices);
    const words = (text.toUpperCase().match(/\p{L}+|\d+/gu) ?? [])
      .filter(word => /^(\d+|[A-H])$/.test(word) || [...word].every(letter => known.includes(letter)))
      .flatMap(word => /\d/.test(word) ? word : [...word]);
    if (words.length % 2 === 0 && words.every((word, i) => /\d/.test(word) === (i % 2 === 0))) words.reverse();
    let place = 0;
    words.forEach((word, i) => {
      const letter = LETTERS.indexOf(word);
      if (letter >= 0) {
        place = letter;
        if (!/^\d/.test(words[i + 1] ?? "") && letter < choices) found[letter] += 1;
      } else if (place < choices) found[place++] += Number(word);
    });
    return found;
  };

  const shown = (box, parts) => {
    box.replaceChildren(...parts.map(([name, share, words]) => {
      const bar = document.createElement("span");
      bar.style.setProperty("--share", share);
      bar.textContent = `${name} ${words}`;
      return bar;
    }));
    box.ariaLabel = parts.length ? parts.map(([name, , words]) => `${name}: ${words}`).join(", ") : "no votes yet";
  };

  const draw = (input, choices) => {
    const box = input.closest(".round").querySelector(".bars");
    if (!input.value.trim()) return shown(box, []);
    if (choices) {
      const [broken] = input.value.match(/\d*\.\d+/) ?? [];
      if (broken) {
        box.ariaLabel = box.textContent = `${broken} is no count of hands: type whole numbers, as 12 5 3`;
        return;
      }
      const found = counts(input.value, choices), all = found.reduce((sum, each) => sum + each, 0) || 1;
      return shown(box, found.map((count, i) =>
        [LETTERS[i], count / all, `${count} (${Math.round(100 * count / all)} %)`]));
    }
    const numbers = (input.value.match(/[-+]?\d*\.?\d+(?:e[-+]?\d+)?/gi) ?? []).map(Number).sort((a, b) => a - b);
    const each = [...new Set(numbers)], most = Math.max(...each.map(x => numbers.filter(y => y === x).length));
    const middle = numbers[Math.floor(numbers.length / 2)];
    shown(box, each.map(x => { const count = numbers.filter(y => y === x).length;
                               return [String(x), count / most, `${count}x${x === middle ? ", the middle" : ""}`]; }));
  };

  // A slide that is too high with all that was said is made smaller, while its letters stay above 18 of 1080 lines.
  const fit = slide => {
    const cells = [...slide.querySelectorAll(":scope > .cell")];
    let zoom = Number(cells[0].style.zoom) || 1;
    while (zoom > .7 && slide.scrollHeight > slide.clientHeight) {
      zoom = Math.max(.7, zoom - .05);
      for (const cell of cells) cell.style.zoom = zoom;
    }
  };

  for (const vote of document.querySelectorAll(".vote[data-vote]")) {
    for (const input of vote.querySelectorAll("input")) {
      const name = `${vote.dataset.vote} round ${input.dataset.round}`, choices = Number(vote.dataset.choices);
      input.value = kept[name] ?? "";
      draw(input, choices);
      input.addEventListener("input", () => {
        draw(input, choices);
        fit(input.closest("section"));
        kept[name] = input.value;
        try { localStorage.setItem(KEY, JSON.stringify(kept)); } catch { /* a file may keep nothing */ }
      });
      input.addEventListener("keydown", event => {
        if (["Enter", "Escape"].includes(event.key)) input.blur();
        if (event.key !== "Tab") event.stopPropagation();
      });
    }
  }

  const save = () => {
    const link = document.createElement("a");
    const what = { lecture: document.title, day: new Date().toISOString().slice(0, 10), votes: kept };
    link.href = URL.createObjectURL(new Blob([JSON.stringify(what, null, 2)], { type: "application/json" }));
    link.download = `votes-${what.day}.json`;
    link.click();
  };
  return { save };
})();
