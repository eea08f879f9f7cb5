"use strict";
// Text is only ever put into the page as text (textContent), so that nothing in it becomes markup or is run.

const form = document.getElementById("form");
const text = document.getElementById("text");
const status_ = document.getElementById("status");
const results = document.getElementById("results");
const panels = [...document.querySelectorAll(".model")];
let scoredText = ""; // the text of the words that are shown, which may no longer be the text in the form
let newest = 0; // the number of the newest request; answers to earlier ones are not shown

function element(name, className, content = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = content;
  return made;
}

function percent(share) {
  return `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
}

async function ask(path, request) {
  const body = JSON.stringify(request);
  const most = Number(form.dataset.mostBytes);
  if (new Blob([body]).size > most) {
    throw new Error(`The text is too long: at most ${most} bytes are read here; electra proofread reads files of any length.`);
  }
  let answer;
  try {
    answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  } catch {
    throw new Error("The server does not answer; is electra try still running?");
  }
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error);
  return content;
}

/** Do work that asks the server. It returns the sentence that is shown at its end, or nothing if it was overtaken. */
async function working(sentence, work) {
  const number = ++newest;
  status_.textContent = sentence;
  try {
    const done = await work(() => number === newest);
    if (number === newest) status_.textContent = done;
  } catch (error) {
    if (number === newest) status_.textContent = error.message;
  }
}

function score() {
  const asked = text.value;
  return working("Reading the text …", async (isNewest) => {
    const readings = await ask("suspicion", { text: asked });
    if (!isNewest()) return "";
    scoredText = asked;
    const counts = panels.map((panel, number) => showReading(panel, readings[number]));
    results.hidden = Math.max(...counts) === 0;
    if (results.hidden) return "The text has no words.";
    return `Words read: ${counts.join(" and ")}. Tab leads to them.`;
  });
}

function showReading(panel, parts) {
  const words = parts.filter((part) => typeof part !== "string");
  const buttons = new Map(words.map((word) => [word, wordButton(word)]));
  panel.querySelector(".reading").replaceChildren(...parts.map((part) => buttons.get(part) ?? part));
  panel.querySelector(".details").replaceChildren();
  if (words.length) buttons.get(words[0]).tabIndex = 0;
  const ranked = words.filter((word) => word.suspicion !== null).sort((a, b) => b.suspicion - a.suspicion).slice(0, 10);
  panel.querySelector(".ranking")?.replaceChildren(...ranked.map((word) => rankingLine(word, buttons.get(word))));
  return words.length;
}

function wordButton(word) {
  const button = element("button", "word");
  button.type = "button";
  button.tabIndex = -1;
  button.word = word;
  if (word.suspicion !== null) {
    button.setAttribute("aria-label", `${word.text}, suspicion ${percent(word.suspicion)}`);
    if (word.suspicion >= 0.5) button.dataset.high = "";
  }
  for (const [form, suspicion] of word.pieces) {
    const piece = element("span", "piece", form);
    if (suspicion !== null) {
      piece.style.setProperty("--suspicion", suspicion);
      piece.append(element("span", "score", (100 * suspicion).toFixed(0)));
    }
    button.append(piece);
  }
  return button;
}

function rankingLine(word, target) {
  const line = element("li", "");
  const button = element("button", "", word.text);
  button.type = "button";
  button.addEventListener("click", () => choose(target));
  line.append(button, ` ${percent(word.suspicion)}`);
  return line;
}

function moveTo(button) {
  for (const other of button.closest(".reading").querySelectorAll(".word[tabindex='0']")) other.tabIndex = -1;
  button.tabIndex = 0;
  button.focus();
}

/** Show what each model says about a word of one of them. */
function choose(button) {
  moveTo(button);
  const start = button.word.start;
  return working("Asking for proposals …", async (isNewest) => {
    const proposals = await ask("proposals", { text: scoredText, start });
    if (!isNewest()) return "";
    panels.forEach((panel, number) => showDetails(panel, start, proposals[number]));
    return "";
  });
}

function showDetails(panel, start, proposals) {
  const buttons = [...panel.querySelectorAll(".word")];
  for (const button of buttons) button.removeAttribute("aria-current");
  const chosen = buttons.find(({ word }) => word.start <= start && start < word.start + [...word.text].length);
  const details = panel.querySelector(".details");
  if (!chosen) return details.replaceChildren(element("p", "", "This model reads no word in this place."));
  chosen.setAttribute("aria-current", "true");
  return details.replaceChildren(...describe(chosen.word), ...describeProposals(proposals));
}

function describe(word) {
  const title = element("h3", "", `“${word.text}”`);
  const unknown = word.tokens.some(([entry]) => entry === "[UNK]") ? " The vocabulary does not have this word." : "";
  if (word.suspicion === null) return [title, element("p", "", unknown)];
  const tokens = word.tokens.map(([entry, suspicion]) => `${entry} ${percent(suspicion)}`).join(", ");
  const pieces = word.tokens.length > 1 ? ` (${tokens})` : "";
  return [title, element("p", "", `Suspicion ${percent(word.suspicion)}${pieces}.${unknown}`)];
}

function describeProposals(proposals) {
  if (!proposals) return [];
  const list = element("ol", "proposals");
  for (const [form, probability] of proposals.best) list.append(element("li", "", `“${form}” ${percent(probability)}`));
  const itself =
    proposals.itself === null
      ? "The word is more than one token, so it has no probability of its own."
      : `The word itself has ${percent(proposals.itself)}.`;
  return [element("p", "", "The generator expects in this place:"), list, element("p", "note", itself)];
}

/** The word to which a key leads. */
function neighbour(button, key) {
  const words = [...button.closest(".reading").querySelectorAll(".word")];
  const place = words.indexOf(button);
  const places = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: words.length - 1 };
  return words[places[key]];
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  score();
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) score();
});
document.getElementById("numbers").addEventListener("change", (event) => {
  results.classList.toggle("numbers", event.target.checked);
});
for (const panel of panels) {
  const reading = panel.querySelector(".reading");
  reading.addEventListener("click", (event) => {
    const button = event.target.closest(".word");
    if (button) choose(button);
  });
  reading.addEventListener("keydown", (event) => {
    const target = event.target.closest(".word") && neighbour(event.target.closest(".word"), event.key);
    if (!target || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    moveTo(target);
  });
}
