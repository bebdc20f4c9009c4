// What the chat page does in the browser: language, example buttons, citations, earlier turns, and trouble with the server.
// It writes no text of its own: every word comes from the server, and nothing is stored but the chosen language.
(() => {
  "use strict";
  const LANGUAGE = "pilot-language";
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  let strings = null;
  let limit = 0;

  // Language: ?lang=, then the choice kept in this browser, then the browser's own.
  function remembered() {
    try { return localStorage.getItem(LANGUAGE); } catch { return null; }
  }
  function startLanguage() {
    const asked = new URLSearchParams(location.search).get("lang");
    const kept = asked || remembered() || navigator.languages?.[0] || navigator.language || "en";
    return kept.toLowerCase().startsWith("zh") ? "zh" : "en";
  }
  let language = startLanguage();
  function speak() {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    if (!strings) return;
    const words = strings[language];
    document.title = words.page_title;
    document.documentElement.style.setProperty("--ask", JSON.stringify(words.ask));
    document.documentElement.style.setProperty("--stop", JSON.stringify(words.stop));
    document.querySelector("#q .submit-button")?.setAttribute("aria-label", words.ask);
    document.querySelector("#q .stop-button")?.setAttribute("aria-label", words.stop);
    const box = textarea();
    if (box) {
      box.placeholder = words.box_placeholder;
      box.setAttribute("aria-label", words.box_label);
      box.setAttribute("aria-describedby", "advice count");
    }
    all("[data-lang-link]").forEach((link) => { link.href = "documents?lang=" + language; });
    count();
  }
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";

  // The question box
  const textarea = () => document.querySelector("#q textarea");
  function fill(text) {
    const box = textarea();
    if (!box) return;
    box.value = text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  }
  function ask(text) {
    if (document.body.classList.contains("busy")) return;
    fill(text);
    setTimeout(() => document.querySelector("#q .submit-button")?.click(), 60);
  }
  function count() {
    const shown = byId("count");
    const box = textarea();
    if (!shown || !box || !limit) return;
    const got = [...box.value].length;
    shown.textContent = got > limit * 0.8 ? strings[language].too_long_near.replace("{got}", got).replace("{limit}", limit) : "";
    shown.classList.toggle("over", got > limit);
  }

  // Citations: a number goes to its card and back; with Ctrl or the middle button it opens the source view.
  const quiet = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  function show(target, focus) {
    target.scrollIntoView({ block: "center", behavior: quiet() ? "auto" : "smooth" });
    focus.focus({ preventScroll: true });
  }
  function toCard(cite) {
    const turn = cite.closest(".turn");
    const mark = turn.querySelector(`[id="${cite.dataset.cite}"]`);
    const back = turn.querySelector(`[data-back="${cite.dataset.cite}"]`);
    const card = (mark || back)?.closest(".card");
    if (!card) return false;
    all(".on", turn).forEach((node) => node.classList.remove("on"));
    [cite, mark, card].forEach((node) => node?.classList.add("on"));
    show(mark || card, card);
    return true;
  }
  function toAnswer(back) {
    const cite = back.closest(".turn").querySelector(`[data-cite="${back.dataset.back}"]`);
    if (cite) show(cite, cite);
  }

  document.addEventListener("click", (event) => {
    const node = event.target.closest?.("[data-ask],[data-fill],[data-cite],[data-back],[data-language],[data-focus],.stop-button");
    if (!node || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if ("ask" in node.dataset) ask(node.dataset.ask || node.textContent.trim());
    else if ("fill" in node.dataset) fill(node.dataset.fill);
    else if ("cite" in node.dataset) { if (toCard(node)) event.preventDefault(); }
    else if ("back" in node.dataset) { event.preventDefault(); toAnswer(node); }
    else if ("focus" in node.dataset) { event.preventDefault(); textarea()?.focus(); }
    else if ("language" in node.dataset) {
      language = language === "zh" ? "en" : "zh";
      try { localStorage.setItem(LANGUAGE, language); } catch { /* private mode: the choice lasts for this page */ }
      speak();
    } else halt(true);
  });
  // Gradio cannot cancel a question before the server has taken it: a Stop that comes earlier is kept until then.
  let joining = false;
  let stopLater = false;
  document.addEventListener("click", (event) => {
    if (!joining || !event.target.closest?.(".stop-button")) return;
    event.stopPropagation();
    stopLater = true;
  }, true);
  document.addEventListener("input", (event) => { if (event.target === textarea()) count(); });

  // Turns: Gradio puts the turn being answered into #now, out of sight; it is shown among the others in #turns.
  const done = new Set();
  const busy = (on) => document.body.classList.toggle("busy", on);
  function toTop(node) {
    if (byId("turns").children.length <= (node.id === "pending" ? 0 : 1)) scrollTo(0, 0);
    else node.scrollIntoView({ block: "start" });
  }
  function pend(question) {
    const old = byId("turns").querySelector(".message");
    old?.remove();
    byId("pending-question").textContent = question;
    byId("pending").hidden = !question.trim();
    if (question.trim()) {
      document.body.classList.add("talking");
      toTop(byId("pending"));
    }
    busy(true);
  }
  function turned() {
    const sent = document.querySelector("#now .turn");
    if (!sent || done.has(sent.dataset.turn)) return;
    const turn = sent.cloneNode(true);
    const shown = byId("turns").querySelector(`[data-turn="${turn.dataset.turn}"]`);
    byId("pending").hidden = true;
    document.body.classList.add("talking");
    if (shown) shown.replaceWith(turn);
    else {
      byId("turns").append(turn);
      toTop(turn);
    }
    if (turn.dataset.state === "done") {
      done.add(turn.dataset.turn);
      busy(false);
      byId("announce").textContent = turn.dataset.say;
    }
  }
  function halt(note) {
    busy(false);
    if (!byId("pending").hidden) {
      byId("pending").hidden = true;
      fill(byId("pending-question").textContent);
      document.body.classList.toggle("talking", byId("turns").children.length > 0);
    }
    const turn = byId("turns").querySelector(".turn[data-state=streaming]");
    if (!turn) return;
    done.add(turn.dataset.turn);
    turn.dataset.state = "done";
    turn.setAttribute("aria-busy", "false");
    if (note) turn.dataset.stopped = "";
  }

  // What is said when the server does not take a question, or breaks off.
  function trouble(kind) {
    all("#notice [data-notice]").forEach((node) => { node.hidden = node.dataset.notice !== kind; });
    if (!kind) return;
    halt(false);
    byId("notice").scrollIntoView({ block: "center" });
  }
  const kinds = { 413: "too_big", 429: "busy", 503: "busy" };
  const send = window.fetch.bind(window);
  window.fetch = async (input, options) => {
    const url = typeof input === "string" ? input : (input.url ?? String(input));
    if (!url.includes("/queue/join")) return send(input, options);
    const question = textarea()?.value ?? "";
    trouble("");
    pend(question);
    joining = true;
    try {
      const reply = await send(input, options);
      if (!reply.ok) refuse(kinds[reply.status] ?? "refused", question);
      return reply;
    } catch (error) {
      refuse("unreachable", question);
      throw error;
    } finally {
      joining = false;
      if (stopLater) setTimeout(() => document.querySelector("#q .stop-button")?.click(), 200);
      stopLater = false;
    }
  };
  function refuse(kind, question) {
    trouble(kind);
    setTimeout(() => fill(question), 150);
  }

  // Start: Gradio builds the page after this script has run.
  function ready() {
    const words = byId("words");
    if (!words || !textarea() || !["now", "ask", "count", "turns", "pending"].every(byId)) return false;
    strings = { en: JSON.parse(words.dataset.en), zh: JSON.parse(words.dataset.zh) };
    limit = strings.en.limit;
    byId("ask").append(byId("count"));
    let errors = 0;
    new MutationObserver(() => {
      const now = all(".toast-body.error").length;
      if (now > errors && !joining && document.body.classList.contains("busy")) trouble("lost");
      errors = now;
    }).observe(document.querySelector("gradio-app"), { childList: true, subtree: true });
    speak();
    new MutationObserver(turned).observe(byId("now"), { childList: true, subtree: true });
    if (matchMedia("(min-width: 900px)").matches) textarea().focus({ preventScroll: true });
    return true;
  }
  const built = new MutationObserver(() => { if (ready()) built.disconnect(); });
  built.observe(document, { childList: true, subtree: true });
})();
