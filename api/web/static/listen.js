// Plays a stretch of the reader's own file, which never leaves the device.
const files = new Map(); // by job
const player = document.getElementById("player");
const text = document.getElementById("player-text");
const chooser = document.getElementById("player-file");
const audio = document.getElementById("player-audio");
let wanted = null;
let playing = null;

/** Remember the file that was sent for a job. */
export function remember(job, file) {
  files.set(job, file);
}

function play() {
  const file = files.get(wanted.job);
  text.textContent = file ? file.name : player.dataset.choose;
  player.hidden = false;
  audio.hidden = !file;
  if (!file) {
    chooser.hidden = false;
    chooser.focus();
    return;
  }
  chooser.hidden = true;
  if (playing !== file) {
    if (audio.src) URL.revokeObjectURL(audio.src);
    audio.src = URL.createObjectURL(file);
    playing = file;
  }
  audio.currentTime = wanted.start;
  audio.play().catch(() => { text.textContent = `${file.name}: ${player.dataset.cannot}`; });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-listen]");
  if (!button) return;
  wanted = { job: button.dataset.listen, start: Number(button.dataset.start), end: Number(button.dataset.end) };
  play();
});
chooser.addEventListener("change", () => {
  if (!chooser.files.length || !wanted) return;
  files.set(wanted.job, chooser.files[0]);
  chooser.value = "";
  play();
});
audio.addEventListener("timeupdate", () => {
  if (wanted && !audio.paused && audio.currentTime >= wanted.end) {
    audio.pause();
    wanted = null; // the reader may now play on by hand
  }
});
