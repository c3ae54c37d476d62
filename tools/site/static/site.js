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
