// The screen on the wall: says how old what it shows is, and when the server does not answer.
const OLD_SECONDS = 60;
const silent = document.getElementById("wall-silent");
let problem = "";
let received = Date.now(); // by this machine's clock: the server's may go otherwise

function age() {
  return Math.max(0, Math.round((Date.now() - received) / 1000));
}

function words(seconds) {
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`;
}

function show() {
  const seconds = age();
  const older = document.querySelector("[data-older]");
  if (older) older.textContent = `, ${words(seconds)} ago`;
  const isOld = seconds > OLD_SECONDS;
  document.body.classList.toggle("old", isOld);
  silent.hidden = !problem && !isOld;
  if (!silent.hidden) silent.textContent = `${problem || "Nothing new from the server"}: what you see is ${words(seconds)} old`;
}

document.addEventListener("htmx:beforeSwap", (event) => {
  // Whoever was signed out is led to the sign-in page, which has no wall to show.
  const isWall = event.detail.xhr.status === 200 && event.detail.serverResponse.includes('id="wall"');
  event.detail.shouldSwap = isWall;
  problem = isWall ? "" : event.detail.xhr.status === 200 ? "Signed out, sign in again" : "The server does not work";
});

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => {
    problem = "The server cannot be reached";
    show();
  });
}

document.addEventListener("htmx:afterSwap", () => {
  received = Date.now();
});
document.addEventListener("htmx:afterRequest", show);
setInterval(show, 1000);
show();
