// What the page does without loading anew: sends lines, buttons and forms, completes while typing, shows what Steward
// posts. All of it works without this script too, one page load each. HTML comes from our own server, escaped there.
(() => {
  "use strict";

  // A person would rather try again than wait longer.
  const TIMEOUT_MS = 20000;
  const LINES_KEPT = 50;

  const log = document.getElementById("log");
  const composer = document.getElementById("composer");
  const line = document.getElementById("line");
  const acting = document.getElementById("as");
  const linkState = document.getElementById("link-state");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  const fragment = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  };
  const copyOf = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
  const actingName = () => acting.selectedOptions[0].textContent.split(" (")[0].split(",")[0];

  // Times are written in UTC by the server and read in the reader's zone.
  const localise = (root) => {
    for (const time of root.querySelectorAll("time[data-show]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      const clock = time.dataset.show === "clock";
      time.textContent = clock
        ? at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
        : at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
      time.title = at.toLocaleString([], { dateStyle: "full", timeStyle: "long" });
    }
    if (!navigator.clipboard) return;
    for (const pre of root.querySelectorAll(".code pre")) {
      const copy = document.createElement("button");
      copy.type = "button";
      copy.className = "button copy";
      copy.textContent = "Copy";
      copy.addEventListener("click", async () => {
        await navigator.clipboard.writeText(pre.textContent).then(() => { copy.textContent = "Copied"; }, () => { copy.textContent = "Select it and copy"; });
        setTimeout(() => { copy.textContent = "Copy"; }, 2000);
      });
      pre.previousElementSibling.append(copy);
    }
  };

  // An answer longer than the window is read from its top; what came after it meanwhile is shown where both fit.
  const reveal = (element) => {
    const last = log.lastElementChild;
    const height = last.getBoundingClientRect().bottom - element.getBoundingClientRect().top;
    const behavior = calm.matches ? "auto" : "smooth";
    if (height > innerHeight - 220) element.scrollIntoView({ block: "start", behavior });
    else last.scrollIntoView({ block: "end", behavior });
  };

  const ask = async (address, fields) => {
    const answer = await fetch(address, {
      method: "POST",
      body: fields,
      headers: { "steward-fragment": "1" },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text.length < 300 && !text.startsWith("<") ? text : "");
    return text;
  };
  const reasonOf = (fault) => (fault instanceof TypeError || fault.name === "TimeoutError" || !fault.message
    ? "Steward does not answer right now. It may be starting again; nothing you typed is lost."
    : fault.message);

  // Sends one act and puts the exchange into the log; the person's own line is there at once.
  const send = async (address, fields, shown) => {
    document.getElementById("welcome")?.remove();
    const waiting = copyOf("pending");
    waiting.querySelector("[data-who]").textContent = actingName();
    waiting.querySelector("[data-line]").textContent = shown;
    waiting.querySelector(".person").textContent =
      actingName().split(/\s+/).map((word) => word[0]).slice(0, 2).join("").toUpperCase();
    log.setAttribute("aria-busy", "true");
    log.append(waiting);
    reveal(waiting);
    try {
      const content = fragment(await ask(address, fields));
      const form = content.querySelector("dialog");
      form?.remove();
      localise(content);
      const exchange = content.firstElementChild;
      if (exchange) waiting.replaceWith(exchange); else waiting.remove();
      if (exchange) reveal(exchange);
      if (form) openForm(form);
    } catch (fault) {
      const away = copyOf("away");
      away.querySelector("[data-why]").textContent = reasonOf(fault);
      away.querySelector("[data-again]").addEventListener("click", () => {
        waiting.remove();
        line.focus();
        send(address, fields, shown);
      });
      waiting.classList.remove("pending");
      waiting.querySelector(".answer").replaceWith(away);
      reveal(waiting);
    } finally {
      log.removeAttribute("aria-busy");
    }
  };

  // Lines sent, newest last; ArrowUp walks back through them.
  const lines = [];
  let walked = 0;
  const remember = (typed) => {
    if (lines.at(-1) !== typed) lines.push(typed);
    if (lines.length > LINES_KEPT) lines.shift();
    walked = lines.length;
  };

  composer.addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = line.value.trim();
    if (!typed) return;
    remember(typed);
    line.value = "";
    completion.close();
    send("/playground/say", new URLSearchParams({ line: typed, as: acting.value }), `/${typed.replace(/^\/+/, "")}`);
  });

  const press = (button) => {
    const form = document.querySelector("dialog.form");
    if ("reopens" in button.dataset && form && form.dataset.opener === button.value) {
      showForm(form);
      return;
    }
    const wasIn = button.closest("#welcome");
    button.closest("details")?.removeAttribute("open");
    send("/playground/press", new URLSearchParams({ press: button.value, as: acting.value }), `/${button.value.replace(/^\/+/, "")}`);
    // The examples leave the page with the first answer; focus must not leave with them.
    if (wasIn) line.focus({ preventScroll: true });
  };

  document.getElementById("presses").addEventListener("submit", (event) => {
    event.preventDefault();
    press(event.submitter);
  });

  // A combobox as the ARIA practices describe it: focus stays in the field, the active option is only pointed at.
  // Where it `chooses`, what is typed only leads to an option: Enter takes the first.
  const combobox = (input, list, load, accept, chooses = false) => {
    let options = [];
    let active = -1;
    let asked = 0;
    let offeredFor = "";
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", list.id);
    input.setAttribute("aria-expanded", "false");
    const close = () => {
      asked += 1;
      options = [];
      active = -1;
      list.hidden = true;
      list.replaceChildren();
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const point = (at) => {
      active = at;
      [...list.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === at)));
      if (at < 0) return input.removeAttribute("aria-activedescendant");
      input.setAttribute("aria-activedescendant", list.children[at].id);
      list.children[at].scrollIntoView({ block: "nearest" });
    };
    const take = (at) => {
      const option = options[at];
      close();
      accept(option);
    };
    const show = (choices) => {
      options = choices;
      list.replaceChildren(...choices.map((choice, index) => {
        const item = document.createElement("li");
        item.id = `${list.id}-${index}`;
        item.setAttribute("role", "option");
        for (const [part, text] of [["label", choice.label], ["note", choice.note]]) {
          if (!text) continue;
          const span = document.createElement("span");
          span.className = part;
          span.textContent = text;
          item.append(span, " ");
        }
        // Keeps focus in the field.
        item.addEventListener("mousedown", (event) => event.preventDefault());
        item.addEventListener("click", () => take(index));
        return item;
      }));
      list.hidden = choices.length === 0;
      input.setAttribute("aria-expanded", String(choices.length > 0));
      point(-1);
      if (input.closest("dialog")) list.scrollIntoView({ block: "nearest" });
    };
    const offer = async () => {
      const mine = ++asked;
      // A field without suggestions is still a field: what cannot be completed is typed.
      const typed = input.value;
      const choices = await load(typed).catch(() => []);
      if (mine !== asked || document.activeElement !== input) return;
      offeredFor = typed;
      show(choices);
    };
    input.addEventListener("input", offer);
    input.addEventListener("blur", close);
    // Answers whether the key was used up here.
    const key = (event) => {
      if (list.hidden || event.isComposing) return false;
      const last = options.length - 1;
      switch (event.key) {
        case "ArrowDown": point(active >= last ? 0 : active + 1); break;
        case "ArrowUp": point(active <= 0 ? last : active - 1); break;
        case "Enter": {
          const isWhole = !chooses || input.value === "" || options.some((option) => option.value === input.value);
          if (active < 0 && isWhole) { close(); return false; }
          // What was offered for other letters is not meant.
          if (active >= 0 || input.value === offeredFor) take(Math.max(active, 0));
          break;
        }
        case "Tab": {
          // With nothing begun, Tab only moves on: the list must not hold anyone.
          const begun = active >= 0 || !/(^|\s)$/.test(input.value);
          const at = Math.max(active, 0);
          if (event.shiftKey || !begun || options[at].value === input.value) { close(); return false; }
          take(at);
          break;
        }
        case "Escape": close(); break;
        default: return false;
      }
      event.preventDefault();
      event.stopPropagation();
      return true;
    };
    return { key, close, offer };
  };

  const offers = async (query) => {
    const answer = await fetch(`/playground/complete?${new URLSearchParams(query)}`, { signal: AbortSignal.timeout(5000) });
    return answer.ok ? (await answer.json()).choices : [];
  };

  const completion = combobox(
    line,
    document.getElementById("suggestions"),
    async (typed) => (typed.startsWith("/") ? offers({ typed }) : []),
    (choice) => {
      line.value = choice.value;
      line.setSelectionRange(line.value.length, line.value.length);
      if (choice.value.endsWith(" ")) completion.offer();
    },
  );

  line.addEventListener("keydown", (event) => {
    if (completion.key(event)) return;
    const browsing = line.value === "" || line.value === lines[walked];
    if (event.key === "ArrowUp" && browsing && walked > 0) {
      walked -= 1;
    } else if (event.key === "ArrowDown" && browsing && walked < lines.length) {
      walked += 1;
    } else {
      return;
    }
    event.preventDefault();
    line.value = lines[walked] ?? "";
    line.setSelectionRange(line.value.length, line.value.length);
  });

  // "/" from anywhere begins a line.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, dialog");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      line.value = "/";
      line.focus();
      completion.offer();
    }
    if (event.key === "Escape") {
      const open = event.target.closest?.("details.confirm[open]");
      if (open) {
        open.open = false;
        open.querySelector("summary").focus();
      }
    }
  });

  // The question may open below the composer, out of sight. The event does not bubble, so it is caught on its way down.
  document.addEventListener("toggle", (event) => {
    if (!event.target.open || !event.target.matches?.("details.confirm")) return;
    const behavior = calm.matches ? "auto" : "smooth";
    event.target.querySelector(".question").scrollIntoView({ block: "nearest", behavior });
  }, true);

  // The line that opened this form says how it stands.
  const noteForm = (form, isOpen) => {
    const opener = [...log.querySelectorAll("[data-reopens]")].findLast((button) => button.value === form.dataset.opener);
    const lead = opener?.closest(".answer").querySelector(".lead");
    if (!lead) return;
    lead.dataset.opened ??= lead.textContent;
    lead.textContent = isOpen ? lead.dataset.opened : "Form closed, nothing was sent.";
  };

  // Forms. A closed one stays in the page with its answers until another is opened.
  const showForm = (form) => {
    form.close();
    form.showModal();
    noteForm(form, true);
    const bad = form.querySelector("[aria-invalid], .bad input");
    (bad ?? form.querySelector(".form-body :is(input:not([type=hidden]), select, textarea), .form-foot .button")).focus();
  };
  const openForm = (form, opener) => {
    const opened = [...log.querySelectorAll("[data-reopens]")].at(-1);
    form.dataset.opener = opener ?? opened?.value ?? "";
    for (const old of document.querySelectorAll("dialog.form")) old.remove();
    document.querySelector("main").append(form);
    wire(form);
    showForm(form);
  };

  const wire = (form) => {
    for (const input of form.querySelectorAll("[data-lookup]")) {
      const list = input.nextElementSibling;
      const query = { form: form.dataset.form, field: input.dataset.lookup, subject: form.dataset.subject };
      const field = combobox(input, list, (typed) => offers({ ...query, as: acting.value, typed }), (choice) => {
        input.value = choice.value;
      }, true);
      input.addEventListener("keydown", field.key);
      input.addEventListener("focus", field.offer);
    }
    form.addEventListener("close", () => {
      // The event comes late: by now the form may be sent and gone, or shown again.
      if (form.isConnected && !form.open) noteForm(form, false);
      line.focus({ preventScroll: true });
    });
    form.firstElementChild.addEventListener("submit", async (event) => {
      const submitter = event.submitter;
      if (submitter?.formMethod === "dialog") return;
      event.preventDefault();
      if (form.getAttribute("aria-busy") === "true") return;
      form.setAttribute("aria-busy", "true");
      const fields = new URLSearchParams(new FormData(event.target));
      const address = submitter?.hasAttribute("formaction") ? submitter.getAttribute("formaction") : event.target.getAttribute("action");
      try {
        const content = fragment(await ask(address, fields));
        localise(content);
        const next = content.querySelector("dialog");
        if (next) {
          openForm(next, form.dataset.opener);
        } else {
          const exchange = content.firstElementChild;
          form.close();
          form.remove();
          log.append(exchange);
          reveal(exchange);
          line.focus({ preventScroll: true });
        }
      } catch (fault) {
        const note = form.querySelector(".form-fault") ?? document.createElement("p");
        note.className = "form-fault";
        note.setAttribute("role", "alert");
        note.textContent = `${reasonOf(fault)} Try again.`;
        form.querySelector(".form-body").prepend(note);
        form.querySelector(".form-body").scrollTop = 0;
      } finally {
        form.removeAttribute("aria-busy");
      }
    });
  };

  // What Steward posts of itself. The browser connects again by itself and says where it was.
  let feed = null;
  const follow = () => {
    feed?.close();
    feed = new EventSource(`/playground/events?${new URLSearchParams({ as: acting.value, since: log.dataset.cursor })}`);
    feed.addEventListener("open", () => { linkState.textContent = ""; });
    feed.addEventListener("error", () => {
      linkState.textContent = feed.readyState === EventSource.CLOSED ? "Not connected" : "Reconnecting…";
      if (feed.readyState === EventSource.CLOSED) setTimeout(follow, 5000);
    });
    feed.addEventListener("message", (event) => {
      log.dataset.cursor = event.lastEventId;
      const content = fragment(event.data);
      localise(content);
      const message = content.firstElementChild;
      document.getElementById("welcome")?.remove();
      // What is kept up to date takes its own place, and nobody is scrolled to it.
      const former = log.querySelector(`[data-posted="${message.dataset.posted}"]`);
      if (former) {
        former.replaceWith(message);
        return;
      }
      log.append(message);
      reveal(message);
    });
  };
  acting.addEventListener("change", () => {
    follow();
    line.focus();
  });

  // Before the catalog is read there is nothing to ask; the examples take the note's place once there is.
  const awaitCatalog = async () => {
    while (document.querySelector("#welcome[data-reading]")) {
      await new Promise((resolve) => { setTimeout(resolve, 1000); });
      const text = await fetch(location.href, { signal: AbortSignal.timeout(5000) }).then((answer) => answer.text()).catch(() => "");
      const page = new DOMParser().parseFromString(text, "text/html");
      const welcome = page.querySelector("#welcome:not([data-reading])");
      const reading = document.querySelector("#welcome[data-reading]");
      if (!welcome || !reading) continue;
      // People were read with the catalog.
      acting.replaceChildren(...page.getElementById("as").children);
      document.querySelector("#presses [name=as]").value = acting.value;
      reading.replaceWith(welcome);
      linkState.textContent = "Ready";
      setTimeout(() => { if (linkState.textContent === "Ready") linkState.textContent = ""; }, 4000);
      follow();
    }
  };

  localise(document);
  const first = document.querySelector("dialog.form[open]");
  if (first) openForm(first);
  // A phone would open its keyboard over the welcome.
  else if (matchMedia("(pointer: fine)").matches) line.focus({ preventScroll: true });
  follow();
  awaitCatalog();
})();
