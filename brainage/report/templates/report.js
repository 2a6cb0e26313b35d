"use strict";
(() => {
  const said = document.getElementById("said");
  const say = (text) => {
    said.textContent = text;
    setTimeout(() => { said.textContent = ""; }, 2000);
  };
  const copy = (text) => {
    // A page opened from a disk may not use the clipboard of newer browsers: the old way works.
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("aria-hidden", "true");
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    say(done ? "Copied." : "This browser does not let the page copy.");
  };
  const number = (text) => {
    const found = text.replace(/,/g, "").replace(/^<\s?/, "").match(/^[-+]?[\d.]+(e[-+]?\d+)?/);
    return found ? Number(found[0]) : Number.NaN;
  };
  const compare = (numeric, sign) => (a, b) => {
    if (!numeric) { return sign * a.text.localeCompare(b.text, "en", { numeric: true }); }
    const [x, y] = [number(a.text), number(b.text)];
    // What is missing stays at the end whichever way the others go.
    if (Number.isNaN(x) || Number.isNaN(y)) { return Number.isNaN(x) - Number.isNaN(y); }
    return sign * (x - y);
  };
  const sort = (button) => {
    const head = button.closest("th");
    const table = button.closest("table");
    const at = [...head.parentElement.children].indexOf(head);
    const rising = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentElement.children) { other.removeAttribute("aria-sort"); }
    head.setAttribute("aria-sort", rising ? "ascending" : "descending");
    const rows = [...table.tBodies[0].rows].map((row) => ({ row, text: row.cells[at].textContent }));
    rows.sort(compare(head.classList.contains("number"), rising ? 1 : -1));
    table.tBodies[0].append(...rows.map((each) => each.row));
  };
  const asTsv = (table) => [...table.rows]
    .map((row) => [...row.cells].map((cell) => cell.textContent.replace(/\u00a0/g, " ").trim()).join("\t")).join("\n");
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) { return; }
    if (button.classList.contains("sort")) { sort(button); }
    if (button.classList.contains("copy-table")) {
      copy(asTsv(button.closest(".tools").previousElementSibling.querySelector("table")));
    }
    if (button.classList.contains("copy-text")) {
      copy([...button.parentElement.querySelectorAll(".text p")].map((p) => p.textContent).join("\n"));
    }
  });
  // A link to something inside a folded part opens it; paper has no folds.
  const opened = [];
  const unfold = () => {
    for (const part of document.querySelectorAll("details:not([open])")) {
      part.open = true;
      opened.push(part);
    }
  };
  const fold = () => { while (opened.length) { opened.pop().open = false; } };
  addEventListener("beforeprint", unfold);
  addEventListener("afterprint", fold);
  matchMedia("print").addEventListener("change", (event) => (event.matches ? unfold() : fold()));
  if (matchMedia("(max-width: 68rem)").matches) { document.querySelector("nav details").open = false; }
})();
