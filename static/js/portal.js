// Small comforts on top of pages that work without them. No framework, nothing inline.
"use strict";

(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const say = (words) => {
    document.getElementById("announcer").textContent = words;
  };

  // --- polling: what changed is said aloud; lost contact is told once, above the page ----------

  const contact = () => document.getElementById("contact");
  let lostSince = null;

  const lost = (status) => {
    lostSince ??= `${new Date().toISOString().slice(11, 19)} UTC`;
    contact().textContent =
      status > 0 && status < 500
        ? `The portal refused to bring this page up to date (answer ${status}). Please reload it.`
        : `No contact with the portal since ${lostSince}; trying again. What you see may be old.`;
    contact().hidden = false;
  };

  const found = () => {
    if (lostSince === null) return;
    lostSince = null;
    contact().hidden = true;
    say("In contact with the portal again.");
  };

  const announce = (before, after) => {
    const words = after.dataset.announce;
    if (words && words !== before.dataset.announce) say(words);
  };

  document.addEventListener("htmx:sendError", () => lost(0));
  document.addEventListener("htmx:timeout", () => lost(0));
  document.addEventListener("htmx:responseError", (event) => lost(event.detail.xhr.status));
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) found();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const before = event.detail.target;
    const id = before.id;
    if (before.dataset.announce === undefined) return;
    document.addEventListener(
      "htmx:afterSettle",
      () => {
        const after = document.getElementById(id);
        if (after) announce(before, after);
      },
      { once: true },
    );
  });

  // The session ended: what was polled stays as it is, below the sentence, and rests.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target } = event.detail;
    if (xhr.status !== 401 || !target.hasAttribute("hx-trigger")) return;
    const kept = target.cloneNode(true);
    for (const name of ["hx-get", "hx-trigger", "hx-swap"]) kept.removeAttribute(name);
    event.detail.serverResponse += kept.outerHTML;
  });

  // --- times: "2 minutes ago" stays true while the page stays open -----------------------------

  const UNITS = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];

  const ago = (seconds) => {
    if (seconds < 10) return "just now";
    const [size, word] = UNITS.find(([least]) => seconds >= least);
    const count = Math.floor(seconds / size);
    return `${count} ${word}${count === 1 ? "" : "s"} ago`;
  };

  // The portal's clock counts, not this machine's: the page says when it was made.
  const ahead = Date.now() - Date.parse(document.documentElement.dataset.now || new Date());
  const renewTimes = () => {
    for (const time of all("time[data-ago]")) {
      const passed = (Date.now() - ahead - Date.parse(time.dateTime)) / 1000;
      time.textContent = ago(passed);
    }
  };
  setInterval(renewTimes, 15000);

  // --- byte counters: the same white space is trimmed as on the server -------------------------

  const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
  const AROUND = new RegExp(`^${SPACE}|${SPACE}$`, "g");
  const encoder = new TextEncoder();

  const count = (counter) => {
    const text = document.getElementById(counter.dataset.counts).value.replace(AROUND, "");
    const { bytes, chars } = counter.dataset;
    const used = encoder.encode(text).length;
    const letters = [...text].length;
    const parts = [`${used} of ${bytes} bytes`];
    if (chars) parts.unshift(`${letters} of ${chars} characters`);
    counter.textContent = parts.join(", ");
    counter.classList.toggle("counter--over", used > bytes || letters > (chars || Infinity));
  };

  for (const counter of all("[data-counts]")) {
    const field = document.getElementById(counter.dataset.counts);
    field.addEventListener("input", () => count(counter));
    count(counter);
  }

  // Another volume may be of another cloud, with other limits.
  document.addEventListener("htmx:load", (event) => {
    const { nameChars, descriptionChars } = event.detail.elt.dataset ?? {};
    if (nameChars === undefined) return;
    for (const [id, chars] of [["id_name", nameChars], ["id_description", descriptionChars]]) {
      const counter = document.getElementById(`${id}_count`);
      counter.dataset.chars = chars;
      count(counter);
    }
  });

  // --- the volume list: a search field narrows it ----------------------------------------------

  // Folding, as the server's searches do it (snapshots/models/folding.py): case, accents, full
  // width, ligatures and the dot on an i make no difference.
  const combines = (mark) =>
    // Only marks that combine change their order when a text is normalized.
    ["\u0345", "\u0334"].some((other) =>
      [mark + other, other + mark].some((pair) => pair.normalize("NFD") !== pair));
  const isDropped = (char) =>
    /[\p{Cf}\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/u.test(char) || (/\p{M}/u.test(char) && combines(char));
  const dotless = { "\u0131": "i", "\u0237": "j", "\u03c2": "\u03c3" };
  const foldOnce = (text) =>
    [...text.normalize("NFKD")]
      // Upper and lower case first: ß is SS in capitals only.
      .flatMap((char) => [...char.toUpperCase().toLowerCase().normalize("NFKD")])
      .filter((char) => !isDropped(char))
      .map((char) => dotless[char] ?? char)
      .join("");
  const fold = (text) => {
    if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
    const folded = foldOnce(text);
    return folded === text ? text : fold(folded);
  };

  const narrow = (box, select, groups) => {
    const words = fold(box.querySelector("input").value).split(/\s+/).filter(Boolean);
    const fits = (option) => {
      const text = (option.folded ??= fold(option.textContent));
      const inId = (word) => word.length > 5 && option.value.includes(word); // "db" is in many
      return words.every((word) => text.includes(word) || inId(word));
    };
    let shown = 0;
    for (const { group, options } of groups) {
      const kept = options.filter((option) => option.selected || fits(option));
      group.replaceChildren(...kept);
      group.hidden = kept.length === 0;
      shown += kept.filter(fits).length;
    }
    select.size = words.length ? Math.min(8, Math.max(3, shown + 2)) : 1;
    const total = groups.reduce((sum, { options }) => sum + options.length, 0);
    box.querySelector("[data-found]").textContent = words.length
      ? `${shown} of ${total} volumes`
      : `${total} volumes`;
  };

  for (const box of all("[data-filters]")) {
    const select = document.getElementById(box.dataset.filters);
    const groups = all("optgroup", select).map((group) => ({ group, options: [...group.children] }));
    const search = box.querySelector("input");
    const total = groups.reduce((sum, { options }) => sum + options.length, 0);
    box.hidden = total < 8; // a short list is read faster than searched
    search.addEventListener("input", () => narrow(box, select, groups));
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault(); // it would send the form
      if (event.key === "Enter" || event.key === "ArrowDown") select.focus();
    });
    // Chosen: the list folds. Not on blur, where it would pull away what is being clicked.
    const close = () => {
      if (select.value) select.size = 1;
    };
    select.addEventListener("click", (event) => {
      if (event.target !== select) close();
    });
    select.addEventListener("keydown", (event) => {
      if (event.key === "Tab" || event.key === "Enter") close();
    });
    narrow(box, select, groups);
  }

  // After "back" the browser puts the choice back: the panel below it, and its consent, follow.
  const followChoice = () => {
    const facts = document.getElementById("volume-facts");
    const select = document.getElementById("id_volume_id");
    if (!facts || !select || select.value === facts.dataset.volume) return;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  };
  window.addEventListener("pageshow", followChoice);

  // --- metadata rows ---------------------------------------------------------------------------

  const appendRow = (group, number) => {
    const rows = group.querySelector("[data-rows]");
    const blank = group.querySelector("[data-blank-row]").innerHTML;
    const markup = blank.replaceAll("__N__", String(number));
    rows.insertAdjacentHTML("beforeend", markup.replaceAll("__P__", String(rows.children.length + 1)));
    return rows.lastElementChild;
  };

  const addRow = (group) => {
    const numbers = all("[data-row]", group).map((row) => Number(row.dataset.row));
    appendRow(group, Math.max(-1, ...numbers) + 1).querySelector("input").focus();
    say("Row added.");
  };

  const removeRow = (group, row) => {
    const next = row.nextElementSibling || row.previousElementSibling;
    row.remove();
    (next?.querySelector("input") || group.querySelector("[data-add-row]")).focus();
    say("Row removed.");
  };

  // --- what was typed outlives an ended session and a failed send ------------------------------
  // It stays in this tab, under the form's number, until the request is recorded or the person
  // signs out. Consent is not kept: it is given anew.

  const drafted = document.querySelector("form[data-draft]");
  const who = document.querySelector(".person__name")?.textContent;
  let keeping = true;

  const keep = () => {
    if (!drafted || !keeping) return;
    const fields = [...new FormData(drafted)].filter(
      ([name]) => !["csrfmiddlewaretoken", "key", "force", "no_secret"].includes(name),
    );
    sessionStorage.setItem(drafted.dataset.draft, JSON.stringify({ who, fields }));
  };

  const refill = () => {
    const kept = JSON.parse(sessionStorage.getItem(drafted.dataset.draft));
    if (kept?.who !== who) return;
    const group = document.getElementById("metadata");
    group.querySelector("[data-rows]").replaceChildren();
    for (const [name, text] of kept.fields) {
      const [, number] = name.match(/^metadata-(\d+)-key$/) || [];
      if (number) appendRow(group, number);
      const field = drafted.elements[name];
      if (!field) continue; // a role that was taken away meanwhile
      field.value = text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  };

  if (drafted && "blank" in drafted.dataset) refill();
  if (who && !drafted) sessionStorage.removeItem(sessionStorage.getItem("sent"));
  if (who) sessionStorage.removeItem("sent");
  window.addEventListener("pagehide", keep);
  document.addEventListener("submit", (event) => {
    if (event.target === drafted) {
      keep();
      sessionStorage.setItem("sent", drafted.dataset.draft);
    }
    if (event.target.closest(".person")) {
      keeping = false;
      sessionStorage.clear();
    }
  });

  // --- buttons ---------------------------------------------------------------------------------

  const fill = (id, text) => {
    const field = document.getElementById(id);
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  };

  const copy = async (button) => {
    const text = document.getElementById(button.dataset.copy).textContent;
    const words = button.firstChild.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.firstChild.textContent = "Copied";
      say("Copied.");
    } catch {
      getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
      button.firstChild.textContent = "Selected: copy it";
      say("It is selected; copy it with your keyboard.");
    }
    setTimeout(() => (button.firstChild.textContent = words), 2500);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { copy: copied, fill: filled, text, also, alsoText } = button.dataset;
    if (copied) copy(button);
    if (filled) {
      if (also) fill(also, alsoText);
      fill(filled, text);
    }
    const group = button.closest("fieldset");
    if ("addRow" in button.dataset) {
      event.preventDefault();
      addRow(group);
    }
    if ("removeRow" in button.dataset) {
      event.preventDefault();
      removeRow(group, button.closest("[data-row]"));
    }
  });

  document.addEventListener("submit", (event) => {
    const button = event.target.querySelector("[data-once]");
    if (button) button.setAttribute("aria-disabled", "true");
  });

  // --- what only makes sense with a script -----------------------------------------------------

  const show = (root) => {
    for (const element of all(".with-script", root)) element.hidden = false;
    for (const element of all(".without-script", root)) element.hidden = true;
  };
  show(document);
  document.addEventListener("htmx:load", (event) => show(event.detail.elt.parentElement || document));
})();
