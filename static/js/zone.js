// The browser's time zone, told once for somebody who has chosen none.
// <html data-tell-zone="ADDRESS">

const root = document.documentElement;
const address = root.dataset.tellZone;

if (address) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  // Where the session has ended, nobody would see the page to sign in.
  fetch(address, {
    method: "POST",
    headers: JSON.parse(document.body.getAttribute("hx-headers")),
    body: new URLSearchParams({ zone }),
    redirect: "manual"
  }).catch(() => {}); // the next page asks again
}
