"use strict";
(function () {
  const SEARCH_FROM = 20;

  function shown(cell) {
    return cell.textContent.trim();
  }

  function number(cell) {
    if (cell.dataset.value !== undefined) return parseFloat(cell.dataset.value);
    return parseFloat(shown(cell).replace(/[\u202f\u00a0]/g, "").replace(/^[<>+]/, "").replace(/^\u2212/, "-"));
  }

  function compare(column, numeric, sign) {
    return function (one, other) {
      const a = one.cells[column], b = other.cells[column];
      if (!numeric) return sign * shown(a).localeCompare(shown(b), "en", { numeric: true });
      const x = number(a), y = number(b);
      if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y);
      return sign * (x - y);
    };
  }

  function sortable(table) {
    const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
    heads.forEach(function (head, column) {
      if (!shown(head)) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", function () {
        const was = head.getAttribute("aria-sort"), numeric = head.matches(".n, [data-number]");
        const up = was ? was === "descending" : !numeric;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        body.append(...[...body.rows].sort(compare(column, numeric, up ? 1 : -1)));
      });
    });
  }

  function searchable(table) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < SEARCH_FROM || table.matches(".talkers")) return;
    const box = document.createElement("p"), label = document.createElement("label");
    const field = document.createElement("input"), told = document.createElement("span");
    box.className = "search";
    field.type = "search";
    told.setAttribute("role", "status");
    label.append("Search ", field);
    box.append(label, told);
    field.addEventListener("input", function () {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      rows.forEach(function (row) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        left += !row.hidden;
      });
      told.textContent = words.length ? left + " of " + rows.length : "";
    });
    (table.closest(".scroll") || table).before(box);
  }

  document.querySelectorAll("table.sortable").forEach(function (table) {
    sortable(table);
    searchable(table);
  });
})();
