"use strict";
// Search, filters, sorting, and no more rows in the page than a person looks at. Without this script all rows are there.
(() => {
  const MOST = 200;
  const collator = new Intl.Collator("en", { numeric: true });
  const counted = new Intl.NumberFormat("en");

  for (const table of document.querySelectorAll("table")) {
    enhance(table);
  }

  function enhance(table) {
    const body = table.tBodies[0];
    const all = [...body.rows];
    const tools = document.querySelector(`.tools[data-for="${table.id}"]`);
    const more = document.querySelector(`[data-more="${table.id}"]`);
    const state = { rows: all, most: MOST };
    let texts = null; // of the rows, for the search: made at the first one

    function matching() {
      if (!tools) {
        return state.rows;
      }
      const words = tools.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
      const wanted = [...tools.querySelectorAll("select")].filter((each) => each.value);
      if (words.length && !texts) {
        texts = new Map(all.map((row) => [row, row.textContent.toLowerCase()]));
      }
      return state.rows.filter(
        (row) =>
          wanted.every((each) => value(row.cells[each.dataset.column]) === each.value) &&
          words.every((word) => texts.get(row).includes(word)),
      );
    }

    function show() {
      const found = matching();
      body.replaceChildren(...found.slice(0, state.most));
      if (tools) {
        const output = tools.querySelector("output");
        const what = output.dataset.what;
        const count = counted.format(found.length);
        output.textContent = found.length === all.length ? `${count} ${what}` : `${count} of ${counted.format(all.length)} ${what}`;
      }
      if (more) {
        more.hidden = found.length <= state.most;
        more.firstElementChild.textContent = `Show all ${counted.format(found.length)} rows`;
      }
    }

    if (tools) {
      tools.hidden = all.length < 2;
      tools.addEventListener("input", () => {
        state.most = MOST;
        show();
      });
    }
    if (more) {
      more.firstElementChild.addEventListener("click", () => {
        const next = body.rows.length;
        state.most = Infinity;
        show();
        const row = body.rows[next];
        row.tabIndex = -1;
        row.focus();
      });
    }
    window.addEventListener("beforeprint", () => body.replaceChildren(...matching()));
    window.addEventListener("afterprint", show);
    if (all.length > 1) {
      [...table.tHead.rows[0].cells].forEach((cell, column) => sortable(cell, column, state, show));
    }
    show();
  }

  function sortable(cell, column, state, show) {
    if ("plain" in cell.dataset) {
      return;
    }
    const button = document.createElement("button");
    button.type = "button";
    button.append(...cell.childNodes);
    cell.append(button);
    button.addEventListener("click", () => {
      const down = cell.getAttribute("aria-sort") === "ascending";
      for (const other of cell.parentElement.cells) {
        other.removeAttribute("aria-sort");
      }
      cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = state.rows.map((row) => [key(row.cells[column]), row]);
      keyed.sort(([one], [other]) => compare(one, other) * (down ? -1 : 1));
      state.rows = keyed.map(([, row]) => row);
      show();
    });
  }

  function key(cell) {
    const text = cell.dataset.sort ?? cell.textContent.trim();
    return "sort" in cell.dataset || cell.classList.contains("number") ? Number(text) : text;
  }

  function compare(one, other) {
    return typeof one === "number" ? one - other : collator.compare(one, other);
  }

  function value(cell) {
    return cell.dataset.value ?? cell.textContent.trim();
  }
})();
