// Whether this browser shows what becomes of requests while the person looks elsewhere.
// data-notify            on a select: "", "bad" or "all". This browser alone keeps it, and `news.js` reads it

const select = document.querySelector("[data-notify]");
const hint = document.getElementById("notify-refused");

const isRefused = () => !("Notification" in window) || Notification.permission === "denied";

const say = () => {
  hint.hidden = !isRefused();
  select.disabled = isRefused();
  select.value = isRefused() ? "" : localStorage.getItem("notify") || "";
};

select.addEventListener("change", async () => {
  const { value } = select;
  const isAllowed = !value || (await Notification.requestPermission()) === "granted";
  localStorage.setItem("notify", isAllowed ? value : "");
  say();
});
say();
