// Shows the newest state of a page that waits for its answer, without reloading it.
document.documentElement.classList.add("js");

const SLOWEST_MS = 15000;
const shown = new WeakMap(); // what each region shows, as it came

/** Replace the contents of `region` by those of the page at `address`; what is unfolded stays so. Return whether more is to come. */
export async function show(address, region) {
  const response = await fetch(address, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("main");
  if (!fresh) return false;
  if (fresh.innerHTML !== shown.get(region)) {
    const opened = [...region.querySelectorAll("details[open][id]")].map((each) => each.id);
    shown.set(region, fresh.innerHTML);
    region.replaceChildren(...document.adoptNode(fresh).childNodes);
    for (const each of region.querySelectorAll("details[id]")) if (opened.includes(each.id)) each.open = true;
    document.title = page.title;
  }
  return Boolean(fresh.dataset.refresh);
}

/** Show the page at `address` in `region` until nothing more is to come; `busy` tells whether more is still sent. */
export async function follow(address, region, busy = () => false) {
  for (let wait = 1000; ; wait = Math.min(wait * 1.1, SLOWEST_MS)) {
    let more = true;
    try {
      more = await show(address, region);
    } catch {
      // the server does not answer: ask again later
    }
    if (!more && !busy()) return;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

const main = document.getElementById("main");
if (main.dataset.refresh) follow(location.href, main);
