(function () {
  const held = document.getElementById("rows"), table = document.querySelector("table.rows");
  if (!held || !table) return;
  const data = JSON.parse(held.textContent), size = data.rows, columns = data.columns;
  const box = table.parentElement, body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const MARGIN = 10, BATCH = 4000, NONE = "\u2013", GAP = "\u202f";
  const above = document.createElement("div"), below = document.createElement("div");
  let order = Uint32Array.from({ length: size }, (_, row) => row);
  let view = order, height = 0, drawn = "", told, read = 0;
  const texts = new Array(size);

  function number(value) {
    const [whole, part] = String(value).split(".");
    const parts = whole.includes("e") ? whole : whole.replace(/\B(?=(\d{3})+$)/g, GAP);
    return part === undefined ? parts : parts + "." + part;
  }

  function time(value) {
    return new Date(value).toISOString().replace("T", " ").slice(0, 23);
  }

  function shown(column, row) {
    const value = column.values[row];
    if (value === null) return NONE;
    if (column.words) return column.words[value];
    if (column.kind === "time") return time(value);
    return column.kind === "number" ? number(value) : String(value);
  }

  function textOf(row) {
    let text = "";
    for (const column of columns) text += shown(column, row) + "\n";
    return text.replaceAll(GAP, "").toLowerCase();
  }

  function readOn(until) {
    for (; read < until; read++) texts[read] = textOf(read);
    if (read < size) setTimeout(() => readOn(Math.min(size, Math.max(until, read) + BATCH)), 0);
  }

  function rowOf(place) {
    const row = view[place], line = document.createElement("tr");
    line.setAttribute("aria-rowindex", place + 2);
    for (const column of columns) {
      const cell = document.createElement("td"), text = shown(column, row);
      cell.className = column.kind + (column.kind === "number" || column.kind === "port" ? " n" : "");
      cell.textContent = text;
      if (column.kind === "wide" && text !== NONE) cell.title = text;
      line.append(cell);
    }
    return line;
  }

  function draw(again) {
    const from = Math.max(0, Math.floor(box.scrollTop / height) - MARGIN);
    const until = Math.min(view.length, from + Math.ceil(box.clientHeight / height) + 2 * MARGIN);
    const now = from + " " + until;
    if (now === drawn && !again) return;
    drawn = now;
    const lines = [];
    for (let place = from; place < until; place++) lines.push(rowOf(place));
    body.replaceChildren(...lines);
    above.style.height = from * height + "px";
    below.style.height = (view.length - until) * height + "px";
  }

  function search(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length && read < size) readOn(size);
    view = words.length ? order.filter((row) => words.every((word) => texts[row].includes(word))) : order;
    table.setAttribute("aria-rowcount", view.length + 1);
    told.textContent = words.length ? number(view.length) + " of " + number(size) : "";
    box.scrollTop = 0;
    draw(true);
  }

  function sort(column, up) {
    const values = columns[column].values, sign = up ? 1 : -1;
    const keys = new Float64Array(size);
    for (let row = 0; row < size; row++) keys[row] = values[row] === null ? Infinity : sign * values[row];
    order = Uint32Array.from({ length: size }, (_, row) => row).sort((a, b) =>
      keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : a - b);
  }

  function sortable(field) {
    heads.forEach(function (head, column) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", function () {
        const was = head.getAttribute("aria-sort"), numeric = columns[column].kind === "number";
        const up = was ? was === "descending" : !numeric;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        sort(column, up);
        search(field.value);
      });
    });
  }

  function searchable() {
    const line = document.createElement("p"), label = document.createElement("label");
    const field = document.createElement("input");
    told = document.createElement("span");
    line.className = "search";
    field.type = "search";
    told.setAttribute("role", "status");
    label.append("Search all columns ", field);
    line.append(label, told);
    field.addEventListener("input", () => search(field.value));
    box.before(line);
    return field;
  }

  document.querySelectorAll(".unscripted").forEach((one) => one.remove());
  box.classList.add("live");
  height = body.rows[0].getBoundingClientRect().height;
  table.before(above);
  table.after(below);
  sortable(searchable());
  draw(true);
  box.addEventListener("scroll", () => requestAnimationFrame(() => draw(false)));
  addEventListener("resize", () => draw(false));
  readOn(0);
})();
