// What is wider than its box scrolls, and so has to be reached by the keyboard.
"use strict";

const wide = "pre, div.output, .table-wrapper, div.math, mjx-container[display=true]";
const reach = () => {
  for (const box of document.querySelectorAll(wide)) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
new ResizeObserver(reach).observe(document.body);

// What a search finds is told without TeX.
const plain = tex => tex.replace(/\\[a-zA-Z]+/g, name => name.slice(1)).replace(/[{}\\]/g, "");
const results = document.getElementById("search-results");
if (results) {
  new MutationObserver(() => {
    for (const found of results.querySelectorAll("p.context")) {
      const told = found.textContent.replace(/\\[([](.*?)\\[)\]]/gs, (_, tex) => plain(tex));
      if (told !== found.textContent) found.textContent = told;
    }
  }).observe(results, { childList: true, subtree: true });
}
