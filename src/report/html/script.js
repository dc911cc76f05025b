"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = table.tHead.rows[0].cells;
  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const falls = head.getAttribute("aria-sort") !== "descending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", falls ? "descending" : "ascending");
      const key = (row) => row.cells[head.cellIndex].dataset.exact ?? row.cells[head.cellIndex].textContent;
      const order = (one, other) => {
        const [a, b] = [key(one), key(other)];
        const [x, y] = [Number(a), Number(b)];
        return a !== "" && b !== "" && !Number.isNaN(x) && !Number.isNaN(y) ? x - y : a.localeCompare(b);
      };
      const rows = [...table.tBodies[0].rows].sort(order);
      table.tBodies[0].append(...(falls ? rows.reverse() : rows));
    });
  }
}
