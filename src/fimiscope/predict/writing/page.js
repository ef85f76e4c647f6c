"use strict";

const ROWS_OF_A_PAGE = 25;
const OUTCOMES = ["flagged", "abstained", "failed", "clear"];
const COLUMNS = ["probability", "outcome", "article", "role", "outlet", "published", "language"];
const DESCENDING_FIRST = new Set(["probability", "published"]);
const WEB = /^https?:\/\/\S+$/i;
const ACCENTS = /\p{M}/gu;

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const at = (id) => document.getElementById(id);
const words = read("words-json");
const about = read("about-json");
const rows = read("rows-json");

const state = { language: "en", page: 0, column: "probability", descending: true };
let ordered = rows;
let shown = rows;

// Words

const say = (key, values = {}) =>
  words[state.language][key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

// Made once a language: they are slow to make.
const formats = {};
function format() {
  formats[state.language] ??= {
    count: new Intl.NumberFormat(state.language),
    share: new Intl.NumberFormat(state.language, { minimumFractionDigits: 2, maximumFractionDigits: 2 }),
    languages: new Intl.DisplayNames(state.language, { type: "language" }),
    plural: new Intl.PluralRules(state.language),
    collator: new Intl.Collator(state.language, { numeric: true }),
  };
  return formats[state.language];
}
const count = (number) => format().count.format(number);
const share = (number) => format().share.format(number);

function nameOf(kind, code) {
  const entry = about.codebook[kind].find((one) => one.code === code);
  return entry?.name[state.language] ?? entry?.name.en ?? code;
}

// Attributes and text of what the codebook says: in the page's language, else in the first that it has.
function inLanguage(texts) {
  const language = state.language in texts ? state.language : Object.keys(texts)[0];
  return [{ lang: language }, texts[language] ?? ""];
}

function languageName(code) {
  if (!code) return say("unknown");
  try {
    return format().languages.of(code);
  } catch {
    return code;
  }
}

// Results give reasons in English. Those that the page has words for are said in its language, others as they are.
const REASONS = Object.entries(words.en)
  .filter(([key]) => key.startsWith("reason_"))
  .map(([key, english]) => {
    const literal = english.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
    return [key, new RegExp(`^${literal.replace(/\{(\w+)\}/g, "(?<$1>[^;]+?)")}(?=; |$)`)];
  });
const VALUES = { probability: share, language: languageName };

function reasonOf(reason) {
  const pieces = [];
  for (let rest = reason; rest; rest = rest.replace(/^; /, "")) {
    const [key, pattern] = REASONS.find(([, one]) => one.test(rest)) ?? [null, /^.+?(?=; |$)/s];
    const found = rest.match(pattern);
    const values = Object.entries(found.groups ?? {}).map(([name, value]) => [name, VALUES[name]?.(value) ?? value]);
    if (pieces.length) pieces.push("; ");
    pieces.push(key ? say(key, Object.fromEntries(values)) : make("span", { lang: "en" }, found[0]));
    rest = rest.slice(found[0].length);
  }
  return make("p", { class: "reason" }, ...pieces);
}

const headName = (head) => (head === "role" ? say("role") : nameOf("narratives", head));

// Elements: text only ever becomes text.

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// Filters

const folded = (text) => text.normalize("NFD").replace(ACCENTS, "").toLowerCase();

function searched(row) {
  row.searched ??= folded(
    [
      row.title,
      row.id,
      row.outlet,
      row.url,
      row.reason,
      ...row.passages.flatMap((passage) => passage.pieces.map(([text]) => text)),
    ].join(" ").replace(/\s+/g, " "),
  );
  return row.searched;
}

function wanted() {
  const terms = folded(at("search").value).split(/\s+/).filter(Boolean);
  const outcome = at("outcome").value;
  const role = at("role").value;
  const narrative = at("narrative").value;
  const language = at("language").value;
  const outlet = folded(at("outlet").value.trim());
  const least = Number(at("least").value);
  return (row) =>
    (!outcome || row.outcome === outcome) &&
    (!role || row.role === role) &&
    (!narrative || row.narratives.some(([code]) => code === narrative)) &&
    (!language || (row.language ?? "-") === language) &&
    (!least || (row.probability ?? -1) >= least) &&
    (!outlet || folded(row.outlet ?? "").includes(outlet)) &&
    terms.every((term) => searched(row).includes(term));
}

function filter() {
  at("least-shown").textContent = share(at("least").value);
  shown = ordered.filter(wanted());
  state.page = 0;
  render();
}

// So that the first search is as quick as the others.
function prepare(from = 0) {
  rows.slice(from, from + 250).forEach(searched);
  if (from < rows.length) setTimeout(prepare, 0, from + 250);
}

// Order

function keyOf(column) {
  if (column === "article") return (row) => row.title || row.id;
  if (column === "outcome") return (row) => OUTCOMES.indexOf(row.outcome);
  if (column === "role") return (row) => row.role && nameOf("roles", row.role);
  if (column === "language") return (row) => row.language && languageName(row.language);
  return (row) => row[column];
}

function order() {
  const key = keyOf(state.column);
  const { compare } = format().collator;
  const keyed = rows.map((row) => [key(row), row]);
  const missing = ([value]) => value === null || value === undefined || value === "";
  const sign = state.descending ? -1 : 1;
  keyed.sort((one, other) => {
    // What is not known comes last either way.
    if (missing(one) || missing(other)) return missing(one) - missing(other);
    return sign * (typeof one[0] === "number" ? one[0] - other[0] : compare(one[0], other[0]));
  });
  ordered = keyed.map(([, row]) => row);
}

function sortBy(column, descending) {
  Object.assign(state, { column, descending });
  renderHeadings();
  order();
  filter();
}

// Rows

function cell(column, ...children) {
  return make("td", { role: "cell", class: column, "data-column": say(column) }, ...children);
}

function probabilityCell(row) {
  if (row.probability === null) return cell("probability", "–");
  const bar = make("span", { class: "bar-of", "aria-hidden": "true" }, make("span"));
  bar.firstChild.style.inlineSize = `${100 * row.probability}%`;
  return cell("probability", make("span", { class: "number" }, share(row.probability)), bar);
}

function markedText([text, heads]) {
  if (!heads.length) return text;
  const says = say("evidence_for", { what: heads.map(headName).join(", ") });
  const kinds = [heads.includes("role") && "role", heads.some((head) => head !== "role") && "narrative"];
  return make("mark", { class: kinds.filter(Boolean).join(" "), title: says, "data-says": `[${says}] ` }, text);
}

function passageOf(row, passage) {
  const lead = passage.field === "title" ? make("span", { class: "lead" }, `${say("from_title")} `) : null;
  const cut = passage.start > 0 ? "… " : null;
  return make("blockquote", {}, lead, make("p", { lang: row.language, dir: "auto" }, cut, ...passage.pieces.map(markedText)));
}

function source(row, title) {
  if (!row.url) return null;
  if (!WEB.test(row.url)) return make("span", {}, row.url);
  const label = say("source_of", { title });
  const link = { href: row.url, target: "_blank", rel: "noreferrer noopener", "aria-label": label, title: row.url };
  return make("a", link, say("open_source"), make("span", { "aria-hidden": "true" }, " ↗"));
}

function articleCell(row) {
  const title = row.title || say("untitled");
  const actors = row.actors.map(([code, value]) => `${nameOf("actors", code)} ${share(value)}`).join(" · ");
  const narratives = row.narratives.map(([code, value]) =>
    make("li", {}, nameOf("narratives", code), value === null ? null : make("span", { class: "number" }, ` ${share(value)}`)));
  return cell(
    "article",
    make("h3", { lang: row.title ? row.language : null, dir: "auto" }, title),
    make("p", { class: "about" }, make("span", { class: "id", dir: "auto" }, row.id), source(row, title)),
    narratives.length ? make("ul", { class: "narratives", "aria-label": say("narratives") }, ...narratives) : null,
    ...row.passages.map((passage) => passageOf(row, passage)),
    actors ? make("p", { class: "about" }, say("actors", { actors })) : null,
    row.reason ? reasonOf(row.reason) : null,
  );
}

function rowOf(row) {
  return make(
    "tr",
    { role: "row", class: row.outcome },
    probabilityCell(row),
    cell("outcome", make("span", { class: `badge ${row.outcome}` }, say(row.outcome))),
    articleCell(row),
    cell("role", row.role ? nameOf("roles", row.role) : "–"),
    cell("outlet", make("span", { dir: "auto" }, row.outlet ?? "–")),
    cell("published", row.published ?? "–"),
    cell("language", languageName(row.language)),
  );
}

function heading(column) {
  const chosen = state.column === column;
  const arrow = make("span", { "aria-hidden": "true", class: "arrow" }, chosen ? (state.descending ? "↓" : "↑") : "↕");
  const button = make("button", { type: "button", "data-sort": column }, say(column), " ", arrow);
  const direction = chosen ? (state.descending ? "descending" : "ascending") : null;
  return make("th", { role: "columnheader", scope: "col", class: column, "aria-sort": direction }, button);
}

function render() {
  const first = state.page * ROWS_OF_A_PAGE;
  const pages = Math.ceil(shown.length / ROWS_OF_A_PAGE);
  at("rows").replaceChildren(...shown.slice(first, first + ROWS_OF_A_PAGE).map(rowOf));
  const one = format().plural.select(shown.length) === "one";
  const hits = say(one ? "hits_one" : "hits_other", { count: count(shown.length), total: count(rows.length) });
  if (at("hits").textContent !== hits) at("hits").textContent = hits;
  at("none-found").hidden = shown.length > 0;
  at("table").hidden = shown.length === 0;
  at("pages").hidden = pages < 2;
  at("page").textContent = say("page", { page: count(state.page + 1), pages: count(pages) });
  at("previous").disabled = state.page === 0;
  at("next").disabled = state.page + 1 >= pages;
}

function renderHeadings() {
  const focused = document.activeElement?.dataset?.sort;
  at("columns").replaceChildren(...COLUMNS.map(heading));
  if (focused) document.querySelector(`[data-sort="${focused}"]`).focus();
  at("sort").value = `${state.column} ${state.descending}`;
}

function turn(step) {
  state.page += step;
  render();
  at("articles").focus();
}

// All that depends on the language

function options(id, pairs) {
  const chosen = at(id).value;
  at(id).replaceChildren(...pairs.map(([value, text]) => make("option", { value }, text)));
  if (pairs.some(([value]) => value === chosen)) at(id).value = chosen;
}

function renderFilters() {
  const all = ["", say("all")];
  const present = (values) => [...new Set(values)];
  const { compare } = format().collator;
  const sorted = (pairs) => pairs.sort((one, other) => compare(one[1], other[1]));
  const entries = (kind) => about.codebook[kind].map(({ code }) => [code, nameOf(kind, code)]);
  const languages = present(rows.map((row) => row.language ?? "-"));
  options("outcome", [all, ...OUTCOMES.map((outcome) => [outcome, say(outcome)])]);
  options("role", [all, ...entries("roles")]);
  options("narrative", [all, ...sorted(entries("narratives"))]);
  options("language", [all, ...sorted(languages.map((code) => [code, languageName(code === "-" ? null : code)]))]);
  options("sort", COLUMNS.flatMap((column) => [true, false].map((descending) =>
    [`${column} ${descending}`, `${say(column)}, ${say(descending ? "highest_first" : "lowest_first")}`])));
  const outlets = present(rows.map((row) => row.outlet).filter(Boolean)).sort(compare);
  at("outlets").replaceChildren(...outlets.map((value) => make("option", { value })));
}

function definition(entry, kind) {
  const name = nameOf(kind, entry.code);
  const code = name === entry.code ? null : make("code", {}, entry.code);
  return [make("dt", {}, name, " ", code), make("dd", ...inLanguage(entry.definition))];
}

function renderAbout() {
  at("outcomes").replaceChildren(...OUTCOMES.map((outcome) =>
    make("div", { class: outcome }, make("dt", {}, say(outcome)), make("dd", {}, make("strong", {}, count(about.outcomes[outcome])), " ", say(`${outcome}_means`)))));
  at("left-out").hidden = about.left_out === 0;
  at("left-out").textContent = say("left_out", { count: count(about.left_out), most: count(about.most) });
  at("narratives").replaceChildren(...about.codebook.narratives.flatMap((entry) => definition(entry, "narratives")));
  at("roles").replaceChildren(...about.codebook.roles.flatMap((entry) => definition(entry, "roles")));
  at("definition-language").hidden = [...about.codebook.narratives, ...about.codebook.roles].every((entry) => state.language in entry.definition);
  const { name, version, codebook, trained_on: texts } = about.model;
  at("model").textContent = [
    name && `${say("model")} ${name}${version ? `, ${say("version")} ${version}` : ""}`,
    `${say("codebook")} ${codebook ?? about.codebook.version}`,
    texts && `${say("trained_on")} ${texts}`,
  ].filter(Boolean).join(" · ");
}

function speak(language) {
  state.language = language;
  document.documentElement.lang = language;
  document.title = say("title");
  for (const element of document.querySelectorAll("[data-words]")) element.textContent = say(element.dataset.words);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
  for (const element of document.querySelectorAll("[data-placeholder]")) element.placeholder = say(element.dataset.placeholder);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
  renderAbout();
  renderFilters();
  renderHeadings();
  order();
  filter();
}

at("filters").addEventListener("input", (event) => event.target.id !== "sort" && filter());
at("filters").addEventListener("submit", (event) => event.preventDefault());
at("clear").addEventListener("click", () => {
  at("filters").reset();
  sortBy("probability", true);
});
at("sort").addEventListener("change", () => {
  const [column, descending] = at("sort").value.split(" ");
  sortBy(column, descending === "true");
});
at("columns").addEventListener("click", (event) => {
  const column = event.target.closest("[data-sort]")?.dataset.sort;
  if (!column) return;
  sortBy(column, state.column === column ? !state.descending : DESCENDING_FIRST.has(column));
});
at("previous").addEventListener("click", () => turn(-1));
at("next").addEventListener("click", () => turn(1));
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => speak(button.dataset.language));
}
speak(navigator.language.startsWith("fr") ? "fr" : "en");
prepare();
