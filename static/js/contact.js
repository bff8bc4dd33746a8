// Lost contact is shown once, above the page.
// #contact               the banner for lost contact

import { announce } from "./page.js";
import { zonedTime } from "./times.js";

const banner = () => document.getElementById("contact");
let lostSince = null;

export const showLost = (status) => {
  lostSince ??= zonedTime();
  banner().textContent =
    status > 0 && status < 500
    ? `The portal refused to bring this page up to date (answer ${status}). Please reload it.`
    : `No contact with the portal since ${lostSince}; what you see may be old. It is brought up to date as soon as there is contact.`;
  banner().hidden = false;
};

export const showRegained = () => {
  if (lostSince === null) return;
  lostSince = null;
  banner().hidden = true;
  announce("In contact with the portal again.");
};

document.addEventListener("htmx:sendError", () => showLost(0));
document.addEventListener("htmx:timeout", () => showLost(0));
document.addEventListener("htmx:responseError", (event) => showLost(event.detail.xhr.status));
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) showRegained();
});
// The session ended: the polled fragment stays below the sentence that says so, and polls no more.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, target } = event.detail;
  if (xhr.status !== 401 || !target.hasAttribute("hx-trigger")) return;
  const fragment = target.cloneNode(true);
  for (const name of ["hx-get", "hx-trigger", "hx-swap"]) fragment.removeAttribute(name);
  event.detail.serverResponse += fragment.outerHTML;
});
