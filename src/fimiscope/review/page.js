"use strict";

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const at = (id) => document.getElementById(id);
const words = read("words-json");
const about = read("about-json");
const items = read("items-json");
const book = about.codebook;
const STORED = `fimiscope-review-${about.queue}`;
const GROUPS = [["actors", book.actors], ["narratives", book.narratives]];

// Answers by number of the text; offsets of evidence in UTF-16 units, as this language counts.
const blank = () => ({ role: null, africa: null, actors: [], narratives: [], evidence: [], low: false, when: null, exported: false });
const state = { language: "en", annotator: "", at: 0, sentence: -1, shortcuts: true, answers: {} };
const history = [];
// What is kept of each annotator, and whose labels are not exported yet, by `keyOfPerson`.
const memory = new Map();
const withUnexported = new Set();
// Rows of an opened file until a name is given, and the name that is being changed.
let opened = [];
let leaving = "";
// What of the text is in sight.
let drawn = "";

// Words

const say = (key, values = {}) =>
  words[state.language][key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const plural = (key, count, values) =>
  say(`${key}_${new Intl.PluralRules(state.language).select(count) === "one" ? "one" : "other"}`, { count, ...values });
const nameOf = (entry) => entry.name[state.language] ?? entry.name.en ?? entry.code;
const called = (entries, code) => nameOf(entries.find((one) => one.code === code) ?? { code, name: {} });
// Attributes and text of what the codebook says: in the page's language, else in the first that it has.
function inLanguage(texts) {
  const language = state.language in texts ? state.language : Object.keys(texts)[0];
  return [{ lang: language }, texts[language] ?? ""];
}
const brief = (text) => (text.length > 80 ? `${text.slice(0, 79)}…` : text).replace(/\s+/g, " ");

function tell(text) {
  at("said").textContent = text;
}

// Elements: text only ever becomes text.

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// Keys: digits for roles, letters for the rest; a code's own first letter for an actor, the alphabet for narratives.

const free = new Set("abcdefghijklmnopqrstuvwxyz");
const take = (letters) => {
  const letter = [...letters, ...free].find((one) => free.has(one));
  free.delete(letter);
  return letter ?? null;
};
for (const letter of "ynlmux") free.delete(letter);
const keys = new Map();
const assign = (key, field, value) => key && keys.set(key, [field, value]);
book.roles.forEach((entry, index) => index < 9 && assign(String(index + 1), "role", entry.code));
assign("y", "africa", true);
assign("n", "africa", false);
assign("l", "low", true);
for (const entry of book.actors) assign(take(entry.code.toLowerCase()), "actors", entry.code);
for (const entry of book.narratives) assign(take(""), "narratives", entry.code);
const keyOf = (field, value) => [...keys].find(([, [f, v]]) => f === field && v === value)?.[0] ?? null;

// Answers

const item = () => items[state.at];
const answer = (number = state.at) => state.answers[number] ?? blank();
const complete = (one) => one.role !== null && one.africa !== null;
const without = (one) => one.role === about.no_role;
const done = () => items.filter((_, number) => complete(answer(number))).length;
const begun = () =>
  Object.values(state.answers).filter(({ role, africa, low, actors, narratives, evidence }) =>
    role !== null || africa !== null || low || [actors, narratives, evidence].some((list) => list.length > 0));
const unexported = () => begun().some((one) => !one.exported);

// Now, and newer than the answer that is replaced, which may come from a computer whose clock is ahead.
const after = (when) => new Date(Math.max(Date.now(), when === null ? 0 : Date.parse(when) + 1)).toISOString();

function put(number, one) {
  state.answers[number] = { ...one, when: after(answer(number).when), exported: false };
  if (number !== state.at) show(number);
  keep();
  render();
}

function change(edit) {
  const edited = structuredClone(answer());
  history.push([state.at, answer()]);
  edit(edited);
  put(state.at, edited);
}

function undo() {
  const last = history.pop();
  if (!last) return tell(say("said_nothing_to_undo"));
  const [number, before] = last;
  // As the newest answer, so that neither another tab nor an earlier export brings back what was undone.
  put(number, before);
  tell(say("said_undone", { number: number + 1 }));
}

function choose(field, value) {
  if (without(answer()) && (field === "actors" || field === "narratives")) return tell(say("not_with_none"));
  const several = field === "actors" || field === "narratives";
  let taken = false;
  change((one) => {
    if (several) {
      taken = one[field].includes(value);
      one[field] = taken ? one[field].filter((code) => code !== value) : [...one[field], value];
    } else if (field === "low") {
      taken = one.low;
      one.low = !one.low;
    } else {
      one[field] = value;
    }
  });
  at(`${field}-${value}`).closest(".choice").scrollIntoView({ block: "nearest" });
  const shown = {
    role: () => called(book.roles, value),
    africa: () => say(value ? "yes" : "no"),
    low: () => say("unsure"),
    actors: () => called(book.actors, value),
    narratives: () => called(book.narratives, value),
  }[field]();
  tell(say(taken ? "said_removed" : "said_labelled", { field: say(field === "low" ? "confidence" : field), value: shown }));
}

// Evidence

function union(spans) {
  const joined = [];
  for (const [start, end] of [...spans].sort((one, other) => one[0] - other[0])) {
    const last = joined.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined;
}

// Never half of a character that takes two units.
const low = (unit) => unit >= 0xdc00 && unit <= 0xdfff;

const selecting = () => getSelection().rangeCount > 0 && !getSelection().isCollapsed;

function selected() {
  const range = getSelection().getRangeAt(0);
  const sheet = at("text");
  if (!range.intersectsNode(sheet)) return null;
  const inside = document.createRange();
  inside.selectNodeContents(sheet);
  if (range.compareBoundaryPoints(Range.START_TO_START, inside) > 0) inside.setStart(range.startContainer, range.startOffset);
  if (range.compareBoundaryPoints(Range.END_TO_END, inside) < 0) inside.setEnd(range.endContainer, range.endOffset);
  const before = document.createRange();
  before.selectNodeContents(sheet);
  before.setEnd(inside.startContainer, inside.startOffset);
  const { text } = item();
  let start = before.toString().length;
  let end = start + inside.toString().length;
  if (low(text.charCodeAt(start))) start -= 1;
  if (low(text.charCodeAt(end))) end += 1;
  while (start < end && /\s/.test(text[start])) start += 1;
  while (end > start && /\s/.test(text[end - 1])) end -= 1;
  return start < end ? [start, end] : null;
}

function mark() {
  if (without(answer())) return tell(say("evidence_unneeded"));
  const span = selecting() ? selected() : item().sentences[state.sentence];
  if (!span) return tell(say("said_nothing_to_mark"));
  const words = brief(item().text.slice(...span));
  const marked = answer().evidence.findIndex(([start, end]) => start === span[0] && end === span[1]);
  getSelection().removeAllRanges();
  change((one) => {
    one.evidence = marked < 0 ? union([...one.evidence, span]) : one.evidence.filter((_, place) => place !== marked);
  });
  tell(say(marked < 0 ? "said_marked" : "said_unmarked", { words }));
}

function toSentence(step) {
  const last = item().sentences.length - 1;
  if (last < 0) return;
  state.sentence = Math.min(last, Math.max(0, state.sentence + step));
  getSelection().removeAllRanges();
  renderText();
  at("text").querySelector(".current")?.scrollIntoView({ block: "nearest" });
  tell(item().text.slice(...item().sentences[state.sentence]));
}

// Kept in the browser where it lets pages keep something; nothing depends on it.

const keyOfPerson = (name) => `${STORED}-${name.toLowerCase()}`;
const same = (one, other) => keyOfPerson(one) === keyOfPerson(other);

// What the browser has, which another tab may have written.
function inBrowser(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "{}");
  } catch {
    return {};
  }
}

const stored = (key) => (memory.has(key) ? JSON.parse(memory.get(key)) : inBrowser(key));

function store(key, value) {
  memory.set(key, JSON.stringify(value));
  try {
    localStorage.setItem(key, memory.get(key));
    return true;
  } catch {
    return false;
  }
}

function forget(key) {
  memory.delete(key);
  withUnexported.delete(key);
  try {
    localStorage.removeItem(key);
  } catch {
    return;
  }
}

// Another tab may have this page open: of two answers to one text the newer one stands.
function gather() {
  const { answers = {} } = inBrowser(keyOfPerson(state.annotator));
  for (const [number, one] of Object.entries(answers)) {
    const own = state.answers[number];
    if (!own || (own.when ?? "") < (one.when ?? "")) state.answers[number] = one;
    else if (own.when === one.when) own.exported ||= one.exported;
  }
}

function keep() {
  gather();
  const { annotator, answers, shortcuts } = state;
  const key = keyOfPerson(annotator);
  const kept = [store(STORED, { annotator, shortcuts }), store(key, { answers })];
  at("unkept").hidden = kept.every(Boolean);
  noteUnexported();
}

function noteUnexported() {
  const key = keyOfPerson(state.annotator);
  if (unexported()) withUnexported.add(key);
  else withUnexported.delete(key);
}

function recall() {
  Object.assign(state, stored(STORED));
  if (state.annotator) keep();
}

// The answers of whoever is named; those of a name that was mistyped go over to the right one.
function enter(name) {
  const { answers = {} } = stored(keyOfPerson(name));
  const moves = leaving && !same(leaving, name) && begun().length > 0 && Object.keys(answers).length === 0;
  if (moves && confirm(say("same_person", { before: leaving, name }))) {
    forget(keyOfPerson(leaving));
    for (const one of Object.values(state.answers)) one.exported = false;
  } else {
    if (!same(leaving, name)) history.length = 0;
    state.answers = answers;
  }
  state.annotator = name;
  const count = add(opened);
  keep();
  begin();
  if (opened.length) tell(say("said_opened", { count }));
  opened = [];
  leaving = "";
  at("file").value = "";
  hint("name_hint");
  at("position").focus();
}

// Files: offsets in characters, as annotations have them.

const toCharacters = (text, units) => [...text.slice(0, units)].length;
const toUnits = (text, characters) => [...text].slice(0, characters).join("").length;

function rowOf(number) {
  const { id, corpus, sha256, language, text } = items[number];
  const one = answer(number);
  const ordered = (field, entries) =>
    without(one) ? [] : entries.map(({ code }) => code).filter((code) => one[field].includes(code));
  return {
    id, corpus, sha256, language,
    role: one.role,
    actors: ordered("actors", book.actors),
    narratives: ordered("narratives", book.narratives),
    africa: one.africa,
    evidence: without(one) ? [] : one.evidence.map(([start, end]) => ({ start: toCharacters(text, start), end: toCharacters(text, end) })),
    confidence: one.low ? "low" : "high",
    codebook: book.version,
    annotator: state.annotator,
    labelled_at: one.when,
  };
}

function exportFile() {
  gather();
  const finished = items.map((_, number) => number).filter((number) => complete(answer(number)));
  if (!finished.length) return tell(say("said_nothing_to_export"));
  const content = finished.map((number) => `${JSON.stringify(rowOf(number))}\n`).join("");
  const file = `annotations-${about.queue.slice(0, 8)}-${state.annotator.replace(/[^\p{L}\p{N}.-]+/gu, "_")}.jsonl`;
  const link = make("a", { href: URL.createObjectURL(new Blob([content], { type: "application/x-ndjson" })), download: file });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  for (const number of finished) state.answers[number].exported = true;
  keep();
  render();
  const left = begun().length - finished.length;
  const said = plural("said_exported", finished.length, { file });
  tell(left > 0 ? `${said} ${plural("said_begun", left)}` : said);
}

// The newer of two answers to one text stands.
function add(rows) {
  let count = 0;
  for (const { number, one } of rows) {
    const before = state.answers[number];
    if (before && (before.when ?? "") >= (one.when ?? "")) continue;
    if (before) history.push([number, before]);
    state.answers[number] = one;
    count += 1;
  }
  return count;
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

// What a line of an exported file says; null where it is broken, or of another queue or codebook.
function readLine(line) {
  const row = parsed(line);
  const number = items.findIndex((one) => one.id === row?.id && one.sha256 === row?.sha256);
  if (number < 0 || row.codebook !== book.version) return null;
  const spans = Array.isArray(row.evidence) ? row.evidence : [];
  if (!spans.every((span) => Number.isInteger(span?.start) && Number.isInteger(span?.end))) return null;
  const { text } = items[number];
  const known = (codes, entries) => entries.map(({ code }) => code).filter((code) => codes?.includes?.(code));
  const one = {
    role: known([row.role], book.roles)[0] ?? null,
    africa: typeof row.africa === "boolean" ? row.africa : null,
    actors: known(row.actors, book.actors),
    narratives: known(row.narratives, book.narratives),
    evidence: spans
      .map(({ start, end }) => [toUnits(text, start), toUnits(text, end)])
      .filter(([start, end]) => start < end),
    low: row.confidence === "low",
    when: Number.isNaN(Date.parse(row.labelled_at)) ? null : new Date(row.labelled_at).toISOString(),
    exported: true,
  };
  return { number, one, annotator: typeof row.annotator === "string" ? row.annotator : null };
}

function openFile(content) {
  const lines = content.split("\n").filter((line) => line.trim());
  opened = lines.map(readLine).filter(Boolean);
  at("name").value ||= opened.find(({ annotator }) => annotator)?.annotator ?? "";
  if (!opened.length) return hint("said_not_opened");
  if (isOfAnother(at("name").value.trim())) return refuseOpened();
  hint("said_read", { count: opened.length });
  const passed = lines.length - opened.length;
  if (passed) at("name-hint").append(` ${plural("said_passed", passed)}`);
}

const hint = (key, values) => { at("name-hint").textContent = say(key, values); };
const isOfAnother = (name) => opened.some(({ annotator }) => annotator !== null && !same(annotator, name));

function refuseOpened() {
  opened = [];
  at("file").value = "";
  hint("said_of_another");
}

// The text

function renderText() {
  const { text, sentences } = item();
  const spans = without(answer()) ? [] : union(answer().evidence);
  // What is in sight already stays, and with it the words that are selected.
  const drawing = JSON.stringify([state.at, state.sentence, spans]);
  if (drawing === drawn) return;
  drawn = drawing;
  const pieces = (from, to) => {
    const found = [];
    let place = from;
    for (const [start, end] of spans) {
      if (end <= from || start >= to) continue;
      if (start > place) found.push(text.slice(place, start));
      found.push(make("mark", {}, text.slice(Math.max(place, start), Math.min(to, end))));
      place = Math.min(to, end);
    }
    if (place < to) found.push(text.slice(place, to));
    return found;
  };
  const nodes = [];
  let place = 0;
  sentences.forEach(([start, end], number) => {
    nodes.push(...pieces(place, start));
    nodes.push(make("span", { class: number === state.sentence ? "sentence current" : "sentence" }, ...pieces(start, end)));
    place = end;
  });
  at("text").replaceChildren(...nodes, ...pieces(place, text.length));
}

function renderEvidence() {
  const one = answer();
  const spans = without(one) ? [] : one.evidence;
  at("evidence-hint").textContent = say(without(one) ? "evidence_unneeded" : "evidence_hint");
  at("mark").disabled = without(one);
  at("evidence").replaceChildren(...spans.map(([start, end], place) => {
    const text = item().text.slice(start, end);
    const remove = make("button", { type: "button", "aria-label": say("remove", { words: brief(text) }) }, "×");
    remove.addEventListener("click", () => {
      change((changed) => changed.evidence.splice(place, 1));
      tell(say("said_unmarked", { words: brief(text) }));
      at("evidence-heading").scrollIntoView({ block: "nearest" });
      at("mark").focus();
    });
    return make("li", {}, make("span", { dir: "auto" }, text), remove);
  }));
}

function renderAside() {
  const { model, why, kind, readings } = item();
  at("model").hidden = !model && !why;
  if (model) {
    const probability = model.probability === null ? "–" : model.probability.toFixed(2);
    const said = say("model_line", { role: called(book.roles, model.role), probability });
    at("model-words").textContent = [said, ...model.narratives.map((code) => called(book.narratives, code))].join(" · ");
  }
  at("why").textContent = why ? `${say("chosen_as", { kind: say(`kind_${kind.replace(" ", "_")}`) })} (${why})` : "";
  at("readings").hidden = readings.length === 0;
  const list = (codes, entries) => codes.map((code) => called(entries, code)).join(", ") || say("none_chosen");
  const line = (field, value) =>
    make("tr", {}, make("th", { scope: "row" }, say(field)), ...readings.map((one) => make("td", {}, value(one))));
  at("readings-table").replaceChildren(
    make("tr", {}, make("td"), ...readings.map((_, number) => make("th", { scope: "col" }, say("reading", { number: number + 1 })))),
    line("role", (one) => called(book.roles, one.role)),
    line("africa", (one) => say(one.africa ? "yes" : "no")),
    line("actors", (one) => list(one.actors, book.actors)),
    line("narratives", (one) => list(one.narratives, book.narratives)),
    line("evidence", (one) => one.evidence.map(({ start, end }) =>
      `“${brief([...item().text].slice(start, end).join(""))}”`).join(" ") || say("none_chosen")),
    line("confidence", (one) => (one.confidence === "low" ? say("confidence_low") : "–")),
  );
}

// The labels

function choiceOf(kind, field, value, text, definition) {
  const key = keyOf(field, value);
  const id = `${field}-${value}`;
  const about_it = definition ? `${id}-means` : null;
  // The definition lies in the label so that a click on it chooses; its name is what is called, and no more.
  const named = { "aria-labelledby": `${id}-called`, "aria-describedby": about_it };
  const input = make("input", { type: kind, name: field, id, "aria-keyshortcuts": key, ...named });
  input.dataset.field = field;
  input.dataset.value = String(value);
  return make(
    "label",
    { class: "choice", for: id },
    input,
    key ? make("kbd", { "aria-hidden": true }, key) : make("span"),
    make("span", { class: "called", id: `${id}-called` }, text),
    definition ? means(definition, about_it) : null,
  );
}

function means(definition, id = null) {
  const [attributes, text] = inLanguage(definition);
  return make("span", { class: "definition", id, ...attributes }, text);
}

function fieldset(field, ...children) {
  const legend = make("legend", {}, say(field), make("span", { class: "remark" }));
  return make("fieldset", { id: `field-${field}` }, legend, make("div", {}, ...children));
}

function renderFields() {
  const focused = document.activeElement?.id;
  const entry = (kind, field) => (one) => choiceOf(kind, field, one.code, nameOf(one), one.definition);
  const africa = fieldset(
    "africa",
    choiceOf("radio", "africa", true, say("yes")),
    choiceOf("radio", "africa", false, say("no")),
    means(book.africa.definition),
  );
  africa.lastChild.className = "two";
  at("fields").replaceChildren(
    fieldset("role", ...book.roles.map(entry("radio", "role"))),
    africa,
    ...GROUPS.map(([field, entries]) => fieldset(field, ...entries.map(entry("checkbox", field)))),
    fieldset("confidence", choiceOf("checkbox", "low", true, say("unsure"), { [state.language]: say("unsure_means") })),
  );
  if (focused?.includes("-")) at(focused)?.focus({ preventScroll: true });
}

function renderLabels() {
  const one = answer();
  for (const input of at("fields").querySelectorAll("input")) {
    const { field, value } = input.dataset;
    if (field === "role") input.checked = one.role === value;
    else if (field === "africa") input.checked = one.africa === (value === "true");
    else if (field === "low") input.checked = one.low;
    else input.checked = !without(one) && one[field].includes(value);
  }
  for (const [field] of GROUPS) {
    at(`field-${field}`).disabled = without(one);
    at(`field-${field}`).querySelector(".remark").textContent = without(one) ? say("not_with_none") : "";
  }
}

// The page

function chosen(one) {
  const codes = without(one) ? [] : GROUPS.flatMap(([field, entries]) => entries.filter(({ code }) => one[field].includes(code)));
  return [
    one.role && called(book.roles, one.role),
    one.africa !== null && `${say("africa")} ${say(one.africa ? "yes" : "no")}`,
    ...codes.map(nameOf),
    one.low && say("confidence_low"),
  ].filter(Boolean).join(" · ");
}

function render() {
  const one = answer();
  const finished = done();
  renderText();
  renderEvidence();
  renderLabels();
  at("chosen").textContent = chosen(one);
  at("state").textContent = say(complete(one) ? "done" : "not_done");
  at("state").className = `badge ${complete(one) ? "done" : "open"}`;
  at("progress").max = items.length;
  at("progress").value = finished;
  at("progress-words").textContent = say("progress", { done: finished, total: items.length });
  at("kept").hidden = begun().length === 0;
  at("kept").textContent = say(unexported() ? "unexported" : "all_exported");
  at("kept").className = `badge ${unexported() ? "dirty" : "done"}`;
}

function show(number) {
  state.at = number;
  state.sentence = -1;
  const { title, language } = item();
  at("position").textContent = say("position", { number: number + 1, total: items.length });
  at("headline").textContent = title ?? "";
  at("headline").hidden = !title;
  for (const id of ["headline", "text"]) at(id).lang = language ?? "";
  at("sheet").scrollTop = 0;
  renderAside();
  render();
}

function go(step) {
  const next = state.at + step;
  if (next < 0) return tell(say("said_first"));
  if (next >= items.length) {
    return tell(done() === items.length ? say("said_all", { total: items.length }) : say("said_last"));
  }
  tell("");
  show(next);
  at("labels").scrollTop = 0;
  at("position").focus();
}

function begin() {
  at("start").hidden = Boolean(state.annotator);
  at("work").hidden = at("foot").hidden = !state.annotator;
  at("annotator").textContent = say("of_annotator", { name: state.annotator });
  at("annotator").hidden = !state.annotator;
  at("shortcuts").checked = state.shortcuts;
  if (!state.annotator) return;
  const first = items.findIndex((_, number) => !complete(answer(number)));
  show(Math.max(0, first));
}

function speak(language) {
  state.language = language;
  document.documentElement.lang = language;
  document.title = say("title");
  for (const element of document.querySelectorAll("[data-words]")) element.textContent = say(element.dataset.words);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
  at("annotator").textContent = say("of_annotator", { name: state.annotator });
  at("question").replaceChildren(make("span", ...inLanguage(book.question)));
  at("definition-language").hidden = [...book.roles, ...book.actors, ...book.narratives, book.africa].every((one) => language in one.definition);
  at("codebook-version").textContent = `${say("codebook")} ${book.version}`;
  renderFields();
  show(state.at);
  tell("");
}

const ACTIONS = {
  Enter: () => go(1),
  Backspace: () => go(-1),
  ArrowDown: () => toSentence(1),
  ArrowUp: () => toSentence(-1),
  m: mark,
  u: undo,
  x: exportFile,
};

document.addEventListener("keydown", (event) => {
  if (!state.shortcuts || !state.annotator || event.isComposing) return;
  const { target } = event;
  const writing = target.matches("input[type=text], input[type=file]");
  // A control does with these keys what it always does.
  const own = event.key === "Enter" && target.matches("button, a, summary") || event.key.startsWith("Arrow") && target.matches("input[type=radio]");
  if (writing || own) return;
  if (event.ctrlKey || event.metaKey || event.altKey) {
    if (event.key.toLowerCase() !== "z" || event.altKey) return;
    event.preventDefault();
    if (!event.repeat) undo();
    return;
  }
  // The digit printed on a key, though a French keyboard writes it only with Shift.
  const digit = /^Digit(\d)$/.exec(event.code)?.[1];
  const key = digit ?? (event.key.length === 1 ? event.key.toLowerCase() : event.key);
  const act = ACTIONS[key] ?? (keys.has(key) ? () => choose(...keys.get(key)) : null);
  if (!act) return;
  event.preventDefault();
  if (!event.repeat || event.key.startsWith("Arrow")) act();
});

at("who").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = at("name").value.trim();
  if (!name) return;
  if (isOfAnother(name)) return refuseOpened();
  enter(name);
});
at("annotator").addEventListener("click", () => {
  at("name").value = leaving = state.annotator;
  state.annotator = "";
  begin();
  at("name").focus();
});
at("file").addEventListener("change", async () => {
  const [file] = at("file").files;
  if (file) openFile(await file.text());
});
at("fields").addEventListener("change", ({ target }) => {
  const { field, value } = target.dataset;
  choose(field, field === "africa" || field === "low" ? value === "true" : value);
});
at("labels").addEventListener("submit", (event) => event.preventDefault());
at("mark").addEventListener("mousedown", (event) => event.preventDefault());
at("mark").addEventListener("click", mark);
at("previous").addEventListener("click", () => go(-1));
at("next").addEventListener("click", () => go(1));
at("undo").addEventListener("click", undo);
at("export").addEventListener("click", exportFile);
at("shortcuts").addEventListener("change", () => {
  state.shortcuts = at("shortcuts").checked;
  keep();
});
at("definitions").addEventListener("change", () => at("labels").classList.toggle("brief", !at("definitions").checked));
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => speak(button.dataset.language));
}
addEventListener("storage", ({ key }) => {
  if (!state.annotator || key !== keyOfPerson(state.annotator)) return;
  gather();
  noteUnexported();
  render();
});
addEventListener("beforeunload", (event) => {
  if (withUnexported.size) event.preventDefault();
});

recall();
speak(navigator.language.startsWith("fr") ? "fr" : "en");
begin();
