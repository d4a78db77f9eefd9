// Which frame of the film is shown: one slider for the losses, the images and the features. No server is asked.
const films = new WeakMap();
const PAUSE = 650; // milliseconds from one frame to the next

export default function ({ data, parentElement }) {
  const place = parentElement.querySelector("#film");
  const before = films.get(place);
  if (before && before.html === data.html) return before.end;
  before?.end();
  place.innerHTML = data.html;

  const film = place.firstElementChild;
  const slider = film.querySelector("input");
  const play = film.querySelector(".play");
  const says = film.querySelector(".says");
  const sheet = film.querySelector(".sheet");
  const strip = film.querySelector(".strip");
  const cells = [...film.querySelectorAll(".cell")];
  const parts = [...film.querySelectorAll(".part")];
  const movers = [...film.querySelectorAll(".mover")];
  const trails = [...film.querySelectorAll(".trail")];
  const last = data.stops.length - 1;
  const here = { html: data.html, key: data.key, now: before && before.key === data.key ? before.now : last };
  let clock = null;

  function show(now, following) {
    here.now = now;
    const stop = data.stops[now];
    sheet.style.setProperty("--now", now); // of the sheet alone: what inherits it is styled anew
    slider.value = now;
    slider.setAttribute("aria-valuetext", stop.says);
    says.textContent = stop.says;
    cells.forEach((cell, i) => cell.setAttribute("aria-current", i === now));
    parts.forEach((part, i) => {
      part.classList.toggle("here", i === stop.part);
      const curve = part.querySelector(".curve");
      curve.style.setProperty("--x", i < stop.part ? "101%" : i > stop.part ? "0%" : `${stop.x}%`);
      curve.style.setProperty("--y", `${stop.y}%`);
    });
    data.paths.forEach((path, i) => {
      movers[i].style.transform = `translate(${path[now][0]}px, ${path[now][1]}px)`;
      trails[i].setAttribute("points", path.slice(0, now + 1).join(" "));
    });
    if (following) follow(cells[now]);
  }

  function follow(cell) { // scroll the strip alone, never the page
    const box = strip.getBoundingClientRect(), own = cell.getBoundingClientRect();
    if (own.left < box.left) strip.scrollLeft += own.left - box.left - 24;
    if (own.right > box.right) strip.scrollLeft += own.right - box.right + 24;
  }

  function stop() {
    clearInterval(clock);
    clock = null;
    play.textContent = "▶ Play";
  }

  function start() {
    show(here.now === last ? 0 : here.now, true);
    play.textContent = "❚❚ Pause";
    clock = setInterval(() => (here.now < last ? show(here.now + 1, true) : stop()), PAUSE);
  }

  play.onclick = () => (clock === null ? start() : stop());
  slider.oninput = () => { stop(); show(Number(slider.value), true); };
  cells.forEach((cell, i) => (cell.onclick = () => { stop(); show(i, false); }));
  here.end = stop;
  films.set(place, here);
  stop();
  film.classList.add("still"); // at once to where it is, without flying in
  show(here.now, false);
  requestAnimationFrame(() => requestAnimationFrame(() => film.classList.remove("still")));
  return stop;
}
