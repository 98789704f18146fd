// Light or dark: the system's choice until the reader makes one, which is kept in this browser.
const KEY = "theme";
const NEXT = { auto: "light", light: "dark", dark: "auto" };
const root = document.documentElement;

function stored() {
  const value = localStorage.getItem(KEY);
  return value in NEXT ? value : "auto";
}

function apply(theme) {
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
}

function label(button, theme) {
  const text = `Theme: ${theme}. Change to ${NEXT[theme]}`;
  button.title = text;
  button.setAttribute("aria-label", text);
}

root.classList.add("js");
apply(stored());

document.addEventListener("DOMContentLoaded", () => {
  const button = document.querySelector("[data-theme-toggle]");
  if (!button) return;
  label(button, stored());
  button.addEventListener("click", () => {
    const theme = NEXT[stored()];
    localStorage.setItem(KEY, theme);
    apply(theme);
    label(button, theme);
  });
});
