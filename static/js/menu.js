// <details class="menu">: closes on Escape (focus returns), on a click elsewhere, and for another menu.
const MENUS = "details.menu, details.hint, details.site-nav";

function closeOthers(kept) {
  document.querySelectorAll(MENUS).forEach((menu) => {
    if (menu !== kept) menu.open = false;
  });
}

document.addEventListener("click", (event) => {
  closeOthers(event.target.closest(MENUS));
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement?.closest(MENUS) ?? document.querySelector(`:is(${MENUS})[open]`);
  if (!menu?.open) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// A dismissed message goes away without a request: it was shown once and is not kept.
document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest(".flash")?.remove();
});
