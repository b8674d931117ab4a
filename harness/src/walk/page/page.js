// The page of a walk. Everything that is shown goes through textContent: nothing that came over the wire, or that
// somebody typed, can become markup.
"use strict";

const base = location.pathname;
const KEPT = 1000;

let view = null;
let look = null; // The stop that is looked at, where it is not the present one.
let drawn = ""; // What the main part shows, so that it is not drawn anew under somebody's hands.
let over = null; // How many stops are left, once the sitting is over.
let refusal = "";
let asking = false;
let again = false;

const VERDICTS = {
  "PASS": ["good", "✓", "As it should be"],
  "RECORDED": ["good", "✓", "Written down"],
  "FAIL": ["bad", "✗", "Not as it must be"],
  "CRASH": ["bad", "✗", "The application crashed"],
  "HANG": ["bad", "✗", "The application hung"],
  "REVIEW": ["open", "?", "Somebody must look at this"],
  "INCONCLUSIVE": ["open", "?", "Nothing can be said"],
  "SKIPPED": ["quiet", "–", "Left out"],
  "UNSUPPORTED": ["quiet", "–", "The application cannot do this"],
  "HARNESS-ERROR": ["bad", "!", "mailproof or this machine failed"],
};

const byId = (id) => document.getElementById(id);

/** An element with properties and children; texts become text nodes. */
function el(name, props, ...children) {
  const it = document.createElement(name);
  for (const [key, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "class") it.className = value;
    else if (key.startsWith("on")) it.addEventListener(key.slice(2), value);
    else it.setAttribute(key, value === true ? "" : value);
  }
  it.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return it;
}

const button = (words, press, kind, id) => el("button", { type: "button", class: kind, id, onclick: press }, words);

/** What somebody wants, and what was said to it. */
async function ask(command) {
  refusal = "";
  let answer;
  try {
    answer = await fetch(base + "do", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(command),
    });
  } catch {
    gone();
    return false;
  }
  if (!answer.ok) refusal = (await answer.text()).trim() || "That did not work.";
  // Whoever leaves is told by the news that it is over.
  if (answer.ok && command.do === "leave") return true;
  await load();
  const place = document.querySelector(".refused");
  if (place) place.textContent = refusal;
  return answer.ok;
}

async function load() {
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  do {
    again = false;
    try {
      const answer = await fetch(base + "view");
      if (!answer.ok) throw new Error(answer.status);
      const before = view && view.finished;
      // What was asked for before the end may come behind it.
      view = await answer.json();
      if (over !== null) view = { ...view, ended: over, present: null };
      if (view.finished !== null && view.finished !== before) look = view.finished;
    } catch {
      gone();
      break;
    }
    draw();
  } while (again);
  asking = false;
}

function gone() {
  if (view && view.ended !== null) return;
  const banner = byId("banner");
  banner.textContent = "mailproof does not answer. What was finished is kept: start it again with --resume, and open the "
    + "address that it prints.";
  banner.hidden = false;
}

function draw() {
  const done = view.stops.filter((it) => it.verdict).length;
  document.title = view.title + " · mailproof";
  byId("title").textContent = view.title;
  byId("count").textContent = done + " of " + view.stops.length + " done";
  byId("bar").max = Math.max(view.stops.length, 1);
  byId("bar").value = done;
  byId("leave").hidden = view.ended !== null;
  byId("leave").textContent = done === view.stops.length ? "Finish" : "Stop for now";
  drawStops();
  const present = view.present;
  const number = look !== null ? look : present ? present.stop : null;
  const showsPresent = present && number === present.stop && view.ended === null;
  const key = JSON.stringify(
    view.ended !== null ? ["ended", view.ended]
      : showsPresent ? ["present", present.attempt, present.step, present.phase]
        : number !== null ? ["stop", number, view.stops[number], present && present.stop] : ["welcome", done]);
  if (key === drawn) {
    if (showsPresent) lines(present);
    return;
  }
  const first = drawn === "";
  drawn = key;
  const main = byId("main");
  main.replaceChildren(
    view.ended !== null ? ended()
      : showsPresent ? presentPanel(present) : number !== null ? stopPanel(number) : welcome(done));
  if (showsPresent) lines(present);
  const heading = main.querySelector("h2");
  if (heading && !first) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    if (heading.getBoundingClientRect().top < 0) main.scrollIntoView();
  }
}

function drawStops() {
  const list = byId("stops");
  const parts = [];
  let group = null;
  view.stops.forEach((stop, index) => {
    if (group === null || group.of !== stop.group) {
      group = { of: stop.group, list: el("ol") };
      parts.push(el("h2", {}, stop.settings), group.list);
    }
    const [kind, mark] = VERDICTS[stop.verdict] || ["quiet", "○"];
    const present = view.present && view.present.stop === index;
    const words = stop.control ? "First: undisturbed" : stop.title;
    const again = stop.id.match(/again-(\d+)$/);
    group.list.append(el("li", {}, el("button", {
      type: "button", id: "stop-" + index, "aria-current": present ? "step" : null,
      onclick: () => { look = present ? null : index; refusal = ""; draw(); },
    },
    el("span", { class: "mark " + kind, "aria-hidden": "true" }, present ? "▶" : mark),
    el("span", {}, words, again ? " (time " + again[1] + ")" : "",
      el("span", { class: "soft small" }, stop.verdict ? " · " + stop.verdict.toLowerCase() : "")))));
  });
  const held = document.activeElement && document.activeElement.id;
  list.replaceChildren(...parts);
  if (held && held.startsWith("stop-") && byId(held)) byId(held).focus();
}

/** The next stop that is open, from one on and round. */
function nextStop(from) {
  const count = view.stops.length;
  for (let step = 0; step < count; step += 1) {
    const index = (from + step) % count;
    if (!view.stops[index].verdict) {
      const after = view.stops[index].after;
      return after !== null ? after : index;
    }
  }
  return null;
}

function open(index) {
  look = null;
  ask({ do: "open", stop: index }).then((done) => {
    if (!done) { look = index; drawn = ""; draw(); }
  });
}

const refused = () => el("p", { class: "refused", role: "alert" }, refusal);
const download = (name, words) => el("a", { href: base + "file/" + name, download: "mailproof-" + name }, words);

function welcome(done) {
  const next = nextStop(0);
  const begun = done > view.stops.filter((it) => it.barred).length;
  return el("section", {},
    el("h2", {}, begun ? "Welcome back" : "Before you begin"),
    view.intro ? el("p", { class: "lines" }, view.intro) : null,
    el("p", {}, "For each case this page shows what to set in the application and what to do with it. Do it, then say what "
      + "the application told you. Where nothing is asked to be changed, leave it as it is: user, password and ports stay "
      + "the same all the way."),
    el("p", {}, "Where a case asks for the test authority, import this certificate: ", download("ca.pem", "ca.pem"), "."),
    el("p", { class: "soft small" }, "Its SHA-256: " + view.authority),
    view.resumed
      ? el("p", { class: "note" }, "The test authority is a new one in each sitting. If you imported it before, remove the old "
        + "one and import this one.")
      : null,
    refused(),
    el("div", { class: "buttons" }, next === null
      ? el("p", {}, "Everything is done. ", "Press Finish above to write the reports.")
      : button(begun ? "Go on" : "Begin", () => open(next), "act", "begin")));
}

function heading(index) {
  const stop = view.stops[index];
  return [
    el("p", { class: "eyebrow" }, (index + 1) + " of " + view.stops.length + " · " + stop.settings),
    el("h2", {}, stop.control ? "First, without any disturbance" : stop.title),
    stop.control
      ? el("p", { class: "soft" }, "This shows that the application manages with these settings. It should simply work.")
      : null,
  ];
}

function presentPanel(present) {
  const sheet = present.sheet;
  const last = present.step === present.steps;
  const waiting = present.phase !== "running";
  const told = (said) => () => {
    if (view.present === null) return;
    const command = { do: "told", attempt: present.attempt, step: present.step, said, answers: answers() };
    for (const it of document.querySelectorAll(".told button")) it.disabled = true;
    ask(command).then((done) => {
      if (!done) for (const it of document.querySelectorAll(".told button")) it.disabled = false;
    });
  };
  const say = (id, words, said, key) => {
    const it = button(words, told(said), null, id);
    it.append(el("span", { class: "key", "aria-hidden": "true" }, key));
    return it;
  };
  return el("section", { id: "present" },
    ...heading(present.stop),
    present.note ? el("p", { class: "note lines" }, present.note) : null,
    waiting
      ? el("p", { role: "status" }, present.phase === "closing"
        ? "The connections are being closed; the verdict comes in a moment …" : "The next step is being made ready …")
      : [
        present.steps > 1 ? el("h3", {}, "Step " + present.step + " of " + present.steps) : null,
        el("h3", {}, "1. Set this in the application"),
        el("dl", { class: "settings" }, sheet.rows.map(row)),
        el("h3", {}, "2. Do this"),
        el("p", { class: "task" }, sheet.task),
      ],
    el("h3", {}, waiting ? "What the application does" : "What the application does, as the server sees it"),
    el("div", { class: "wire", id: "wire", role: "log", "aria-label": "Transcript", tabindex: "0" }),
    waiting ? null : [
      el("h3", {}, "3. What did the application say?"),
      last ? questions(present.questions) : null,
      refused(),
      el("div", { class: "buttons told", role: "group", "aria-label": "What the application said" },
        say("worked", "It worked", "worked", "w"),
        say("failed", "It failed", "failed", "f"),
        say("unknown", "It did not say", "unknown", "u")),
      skipForm(present.stop),
    ]);
}

function row(it) {
  const value = el("span", { class: it.typed ? "typed" : null, id: "set-" + it.name }, it.value);
  const more = it.file ? el("span", { class: "means" }, "The certificate: ", download(it.file, it.file)) : null;
  return el("div", { class: "row" },
    el("dt", {}, it.label),
    el("dd", {}, value, it.note ? el("span", { class: "means" }, it.note) : null, more),
    it.typed ? copier(it) : el("span"));
}

function copier(it) {
  const press = button("Copy", async () => {
    let copied = true;
    try {
      await navigator.clipboard.writeText(it.value);
    } catch {
      copied = false;
      const range = document.createRange();
      range.selectNodeContents(byId("set-" + it.name));
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
    }
    press.textContent = copied ? "Copied" : "Selected";
    setTimeout(() => { press.textContent = "Copy"; }, 1500);
  }, "copy");
  press.setAttribute("aria-label", "Copy: " + it.label);
  return press;
}

function questions(all) {
  return all.map((it) => it.choices.length > 0
    ? el("fieldset", { "data-question": it.id }, el("legend", {}, it.ask), it.choices.map((choice) =>
      el("label", { class: "choice" }, el("input", { type: "radio", name: "q-" + it.id, value: choice }), el("span", {}, choice))))
    : el("fieldset", { "data-question": it.id }, el("label", { class: "ask", for: "q-" + it.id }, it.ask),
      el("textarea", { id: "q-" + it.id, maxlength: "2000" })));
}

function answers() {
  const found = [];
  for (const set of document.querySelectorAll("[data-question]")) {
    const it = set.querySelector("input:checked, textarea");
    if (it && it.value.trim()) found.push([set.dataset.question, it.value]);
  }
  return found;
}

function skipForm(index) {
  const reason = el("textarea", { id: "reason", maxlength: "2000" });
  const skip = (unsupported) => () => ask({ do: "skip", stop: index, reason: reason.value, unsupported }).then((done) => {
    if (!done) { const place = document.querySelector(".refused"); place.scrollIntoView({ block: "center" }); }
  });
  return el("details", { class: "more" }, el("summary", {}, "This cannot be done"),
    el("label", { class: "ask", for: "reason" }, "Why not?"), reason,
    el("div", { class: "buttons" },
      button("The application has no such setting", skip(true), null, "unsupported"),
      button("Leave it out for another reason", skip(false), null, "skip")));
}

/** A stop that is not the present one: its result, or that it is open. */
function stopPanel(index) {
  const stop = view.stops[index];
  const back = view.present && view.present.stop !== index
    ? button("Back to the present case", () => { look = null; refusal = ""; draw(); }) : null;
  const forced = stop.after !== null && !stop.barred;
  if (!stop.verdict) {
    return el("section", {}, ...heading(index), refused(),
      forced ? el("p", {}, "Number " + (stop.after + 1) + " comes first: the same settings, undisturbed.") : null,
      el("div", { class: "buttons" },
        button(forced ? "Begin with that one" : "Begin", () => open(forced ? stop.after : index), "act", "begin"), back),
      skipForm(index));
  }
  const [kind, , words] = VERDICTS[stop.verdict];
  const next = nextStop(index + 1);
  const transcript = el("div", { class: "wire" });
  const held = { "broken": "Broken", "held": "Fine", "not-observable": "To look at" };
  return el("section", { id: "result" },
    ...heading(index),
    el("p", { class: "verdict " + kind, id: "verdict" }, stop.verdict + ": " + words),
    el("p", { id: "why" }, stop.reason),
    stop.findings.length > 0
      ? el("ul", { class: "found" }, stop.findings.map((it) =>
        el("li", {}, el("strong", {}, held[it.held] + (it.held === "broken" ? " (" + it.level + ")" : "") + ": "), it.message)))
      : null,
    stop.warnings.length > 0
      ? [el("h3", {}, "Worth knowing"), el("ul", { class: "found" }, stop.warnings.map((it) => el("li", {}, it)))] : null,
    refused(),
    el("div", { class: "buttons" },
      next !== null ? button("Next", () => open(next), "act", "next")
        : el("p", {}, "Everything is done. Press Finish above to write the reports."),
      stop.barred ? null : button("Do it again", () => open(index), null, "again"), back),
    el("details", { class: "more", id: "whole", ontoggle: async (event) => {
      if (!event.target.open) return;
      const answer = await fetch(base + "result/" + index);
      const whole = answer.ok ? await answer.json() : { transcript: "It cannot be had." };
      transcript.replaceChildren();
      for (const text of whole.transcript.split("\n")) transcript.append(line(text));
    } }, el("summary", {}, "The whole transcript"), transcript));
}

function ended() {
  const open = view.ended;
  return el("section", { id: "ended" },
    el("h2", {}, open === 0 ? "That was all. Thank you." : "Stopped for now"),
    el("p", {}, open === 0 ? "The reports are in " : "What was done is kept in ", el("code", {}, view.folder), "."),
    open === 0 ? null : el("p", {}, open + " left. To go on, start mailproof again with --resume and open the address that it "
      + "prints."),
    el("p", { class: "soft" }, "You can close this page."));
}

function line(text) {
  const side = /^(\[\d+\] )?C: /.test(text) ? "c" : /^(\[\d+\] )?(-- |\s*$)/.test(text) ? "e" : null;
  return el("div", { class: side }, text || "\u00a0");
}

/** Brings the transcript up to what is known. */
function lines(present) {
  const wire = byId("wire");
  if (!wire) return;
  for (const it of present.lines) add(present.attempt, it.n, it.text, true);
  if (!wire.firstChild) wire.append(el("div", { class: "e", "data-n": "-1" }, "Nothing yet: the server waits."));
}

function add(attempt, n, text, known) {
  const wire = byId("wire");
  if (!wire || !view.present || view.present.attempt !== attempt) {
    // What is being asked for may be older than this line.
    again = asking;
    return;
  }
  const last = wire.lastElementChild;
  const at = last ? Number(last.dataset.n) : -1;
  if (n <= at) return;
  if (n > at + 1 && !known) {
    load();
    return;
  }
  if (at < 0) wire.replaceChildren();
  const follows = wire.scrollHeight - wire.scrollTop - wire.clientHeight < 40;
  const it = line(text);
  it.dataset.n = n;
  wire.append(it);
  while (wire.childElementCount > KEPT) wire.firstElementChild.remove();
  if (follows) wire.scrollTop = wire.scrollHeight;
}

function listen() {
  const news = new EventSource(base + "news");
  news.onopen = () => { byId("banner").hidden = true; };
  news.onmessage = (event) => {
    const it = JSON.parse(event.data);
    if (it.news === "view") load();
    else if (it.news === "line") add(it.attempt, it.n, it.text);
    else {
      news.close();
      byId("banner").hidden = true;
      over = it.open;
      view = { ...view, ended: over, present: null };
      draw();
    }
  };
  news.onerror = () => {
    if (view && view.ended !== null) news.close();
    else gone();
  };
}

byId("leave").addEventListener("click", () => ask({ do: "leave" }));
byId("all").open = matchMedia("(min-width: 56.01rem)").matches;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea")) return;
  const keys = { w: "worked", f: "failed", u: "unknown", n: "next" };
  const it = byId(keys[event.key]);
  if (it && !it.disabled) { event.preventDefault(); it.click(); }
});

listen();
