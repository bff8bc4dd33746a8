// Passkeys: asks the browser for one, puts the answer into the form, and sends it.
// form[data-passkey="get" | "create"] data-options="ADDRESS"   the address gives the browser's options
//   data-optional        a way of several: hidden where this browser and address take no passkeys
//   [name=passkey]       hidden: takes the answer
//   .passkey-button      hidden until the browser knows passkeys
//   .passkey-missing     hidden when it does
//   .passkey-failed      said when no passkey was given

import { all } from "./page.js";

const toBytes = (text) => {
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
};

const toText = (buffer) => {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
};

const readable = (options) => {
  const key = options.publicKey;
  key.challenge = toBytes(key.challenge);
  if (key.user) key.user.id = toBytes(key.user.id);
  for (const name of ["allowCredentials", "excludeCredentials"]) {
    for (const credential of key[name] || []) credential.id = toBytes(credential.id);
  }
  return options;
};

const sendable = ({ id, rawId, type, response }) => {
  const names = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const parts = names.filter((name) => response[name]).map((name) => [name, toText(response[name])]);
  return JSON.stringify({ id, rawId: toText(rawId), type, response: Object.fromEntries(parts) });
};

const optionsOf = async (form) => {
  const token = form.elements.csrfmiddlewaretoken.value;
  const answer = await fetch(form.dataset.options, { method: "POST", headers: { "X-CSRFToken": token } });
  if (answer.redirected) location.reload(); // the page itself asks to confirm, or to sign in
  if (!answer.ok || answer.redirected) throw new Error("no options");
  return readable(await answer.json());
};

const use = async (form) => {
  const failed = form.querySelector(".passkey-failed");
  failed.hidden = true;
  try {
    const credential = await navigator.credentials[form.dataset.passkey](await optionsOf(form));
    form.elements.passkey.value = sendable(credential);
    form.submit();
  } catch {
    failed.hidden = false;
  }
};

// Browsers make none for a plain address, such as 127.0.0.1.
const isNamed = /[a-z]/i.test(location.hostname) && !location.hostname.startsWith("[");

if (window.PublicKeyCredential && isNamed) {
  for (const form of all("form[data-passkey]")) {
    for (const button of all(".passkey-button", form)) button.hidden = false;
    for (const text of all(".passkey-missing", form)) text.hidden = true;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      use(form);
    });
  }
} else {
  for (const form of all("form[data-optional]")) form.hidden = true;
}
