"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = table.tHead.rows[0].cells;
  for (const head of heads) {
    const isNumber = head.matches(".number, .bar-head");
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    const value = (row) => {
      const cell = row.cells[head.cellIndex];
      const text = (cell.dataset.exact ?? cell.textContent).trim();
      if (!isNumber) return text === "" ? null : text;
      const plain = text.replace("\u2212", "-").replace(/[,\s%]/g, "");
      return plain === "" || Number.isNaN(Number(plain)) ? null : Number(plain);
    };
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const falls = before === null ? isNumber : before === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", falls ? "descending" : "ascending");
      const order = (one, other) => {
        const [a, b] = [value(one), value(other)];
        // What is not known comes last either way.
        if (a === null || b === null) return (a === null) - (b === null);
        const rises = isNumber ? a - b : a.localeCompare(b, undefined, { numeric: true });
        return falls ? -rises : rises;
      };
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
    });
  }
}
