// Sends one file after another with progress, and shows the answers below as they come.
import { follow } from "./live.js";
import { remember } from "./listen.js";

const form = document.getElementById("ask");
const list = document.getElementById("sending");
const TRIES = 3;

function batchOfDigits() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function element(name, text, parent) {
  const made = document.createElement(name);
  made.textContent = text;
  parent.append(made);
  return made;
}

function sentence(code) {
  const errors = JSON.parse(form.dataset.errors);
  return errors[code] ?? errors.other;
}

/** Send a file; resolve to the job, or reject with a sentence. */
function send(file, fields, key, progress) {
  return new Promise((resolve, reject) => {
    const body = new FormData();
    for (const [name, value] of fields) body.append(name, value);
    body.append("file", file);
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/checks");
    request.setRequestHeader("Idempotency-Key", key);
    request.responseType = "json";
    request.upload.onprogress = (event) => { progress.value = event.loaded / event.total; };
    request.onerror = () => reject(new Error("lost"));
    request.onload = () => {
      if (request.status === 202) resolve(request.response);
      else reject(new Error(sentence(request.response?.code)));
    };
    request.send(body);
  });
}

async function sendPatiently(file, fields, key, progress) {
  for (let tries = 1; ; tries++) {
    try {
      return await send(file, fields, key, progress);
    } catch (error) {
      if (error.message !== "lost") throw error;
      if (tries === TRIES) throw new Error(list.dataset.lost);
      await new Promise((resolve) => setTimeout(resolve, 2000 * tries));
    }
  }
}

/** Why a file is not sent at all; an empty text where it is. */
function refusal(file, number) {
  if (number >= Number(form.dataset.maxFiles)) return sentence("album_too_large");
  if (file.size > Number(form.dataset.maxBytes)) return sentence("upload_too_large");
  return file.size ? "" : sentence("empty_file");
}

async function sendAll(files, others) {
  const batch = files.length > 1 ? batchOfDigits() : null;
  const key = batchOfDigits();
  const fields = batch ? [...others, ["batch", batch]] : others;
  const answers = document.createElement("div");
  list.after(answers);
  const title = element("h2", list.dataset.title, list);
  const stay = element("p", list.dataset.stay, list);
  const lines = element("ol", "", list);
  const rows = files.map((file) => {
    const row = element("li", "", lines);
    element("strong", file.name, row);
    return { row, state: element("span", `: ${list.dataset.waits}`, row), file };
  });
  let left = files.length;
  let address = null;
  for (const [number, { row, state, file }] of rows.entries()) {
    let wrong = refusal(file, number);
    if (!wrong) {
      const progress = element("progress", "", row);
      progress.setAttribute("aria-label", file.name);
      try {
        const job = await sendPatiently(file, fields, `${key}-${number}`, progress);
        remember(job.id, file);
        state.textContent = `: ${list.dataset.sent}`;
        row.hidden = true;
        if (!address) {
          address = job.batch ? `/albums/${job.batch}` : `/jobs/${job.id}`;
          history.replaceState(null, "", address);
          follow(address, answers, () => left > 0);
        }
      } catch (error) {
        wrong = error.message;
      }
      progress.remove();
    }
    if (wrong) {
      row.classList.add("wrong");
      state.textContent = `: ${wrong}`;
    }
    left -= 1;
  }
  stay.remove();
  if (address) title.remove();
  else form.hidden = false;
}

function start(files) {
  const others = [...new FormData(form)].filter(([name]) => name !== "file");
  list.replaceChildren();
  form.hidden = true;
  for (const each of document.querySelectorAll("main > h1, main > section")) each.hidden = true;
  sendAll(files, others).then(() => {
    if (!form.hidden) for (const each of document.querySelectorAll("main > h1, main > section")) each.hidden = false;
  });
}

if (form) {
  const chooser = document.getElementById("check-file");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    start([...chooser.files]);
  });
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("dropping");
  });
  form.addEventListener("dragleave", () => form.classList.remove("dropping"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("dropping");
    chooser.files = event.dataTransfer.files;
  });
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}
