"use strict";

const at = (id) => document.getElementById(id);
const data = JSON.parse(at("explorer-json").textContent);
const ALL = "all";
const state = { threshold: data.threshold };

// In a sandboxed frame a link to a place on the page would leave it.
document.addEventListener("click", (event) => {
  const target = event.target.closest('a[href^="#"]')?.getAttribute("href").slice(1);
  if (!target) return;
  event.preventDefault();
  at(target).scrollIntoView();
  at(target).focus({ preventScroll: true });
});

addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => (one.open = true)));

// Threshold explorer

function counted(language) {
  const texts = data.texts.filter((text) => language === ALL || data.languages[text[2]] === language);
  const flags = texts.filter(([probability]) => probability >= state.threshold);
  const right = flags.filter(([, gold]) => gold).length;
  const gold = texts.filter(([, one]) => one).length;
  const clear = texts.length - gold;
  const base = Math.min(1000, Math.max(0, Number(at("base").value) || 0));
  const found = gold ? right / gold : null;
  const falselyFlagged = clear ? (flags.length - right) / clear : null;
  // A share that these texts cannot tell is needed only where such articles are expected.
  const known = (found !== null || base === 0) && (falselyFlagged !== null || base === 1000);
  const expectedRight = base * (found ?? 0);
  return {
    texts: texts.length, gold, flags: flags.length, right,
    precision: flags.length ? right / flags.length : null,
    recall: found,
    expected: known ? expectedRight + (1000 - base) * (falselyFlagged ?? 0) : null,
    expectedRight: known ? expectedRight : null,
    missed: known ? base - expectedRight : null,
    base,
  };
}

const share = (value) => (value === null ? "–" : value.toFixed(2));
const whole = (value) => (value === null ? "–" : String(Math.round(value)));

function cell(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function rowOf(language) {
  const one = counted(language);
  const row = document.createElement("tr");
  const cells = [one.texts, one.gold, one.flags, one.right, share(one.precision), share(one.recall), whole(one.expected), whole(one.expectedRight), whole(one.missed)];
  row.append(cell("th", language, { scope: "row" }), ...cells.map((value) => cell("td", String(value))));
  if (language === at("explored-language").value) row.className = "model";
  return row;
}

function explore() {
  const language = at("explored-language").value;
  const one = counted(language);
  at("threshold-shown").textContent = share(state.threshold);
  at("said").textContent =
    `At ${share(state.threshold)} (${language === ALL ? "all languages" : language}): ${one.flags} flags, precision ${share(one.precision)}, recall ${share(one.recall)}. ` +
    `Of 1,000 articles of which ${one.base} are flagged in truth: ${whole(one.expected)} flags expected, ${whole(one.expectedRight)} of them right; ${whole(one.missed)} missed.`;
  at("explored-rows").replaceChildren(...[ALL, ...data.languages].map(rowOf));
  const marker = at("explored");
  if (!marker) return;
  const shown = one.precision !== null && one.recall !== null;
  at("explored-legend").hidden = !shown;
  marker.setAttribute("visibility", shown ? "visible" : "hidden");
  if (!shown) return;
  marker.setAttribute("cx", data.x[0] + one.recall * (data.x[1] - data.x[0]));
  marker.setAttribute("cy", data.y[0] + one.precision * (data.y[1] - data.y[0]));
}

function use(threshold) {
  state.threshold = threshold;
  explore();
}

if (at("explorer")) {
  at("explored-language").replaceChildren(...[ALL, ...data.languages].map((one) => cell("option", one, { value: one })));
  at("base").value = Math.round(1000 * data.base_rate);
  at("threshold").value = data.threshold;
  at("threshold").addEventListener("input", () => use(Number(at("threshold").value)));
  at("in-use").addEventListener("click", () => {
    at("threshold").value = data.threshold;
    use(data.threshold);
  });
  at("base").addEventListener("input", explore);
  at("explored-language").addEventListener("input", explore);
  at("explorer").addEventListener("submit", (event) => event.preventDefault());
  at("explorer").hidden = false;
  explore();
}
