// Shows a run while the agents work: rows of the timeline from the event stream, the answer when it is there.
// Without this file the page reloads itself instead; nothing else needs it.
"use strict";
(() => {
  const AGAIN_MS = 3000;
  const REGIONS = ["facts", "timeline", "cancel", "result"];
  const BREAKS = ["claimed", "released", "retried", "replayed", "done", "failed", "cancelled"];
  const FINAL = ["done", "failed", "cancelled"];
  const OTHERS = ["queued", ...BREAKS];
  const WAITING = ["queued", "released", "retried", "replayed"];
  const byId = (id) => document.getElementById(id);

  function localiseTimes() {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const options = { dateStyle: "medium", timeStyle: "short" };
      time.textContent = new Date(time.dateTime).toLocaleString(document.documentElement.lang, options);
    }
  }

  function submitByKeyboard(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  }

  for (const area of document.querySelectorAll("textarea")) area.addEventListener("keydown", submitByKeyboard);
  localiseTimes();

  const run = byId("run");
  if (!run || run.dataset.final === "yes") return;
  const words = JSON.parse(run.dataset.words);
  const say = (key, seconds) => (words[key] || key).replace("{seconds}", seconds === undefined ? "" : seconds.toFixed(1));
  const announce = (text) => { byId("announcement").textContent = text; };

  // The same rules as timeline.py, one event at a time.
  let first, working;

  function add(kind, name, what, when) {
    const row = byId("row").content.firstElementChild.cloneNode(true);
    row.className = kind;
    fill(row, { name, what, when });
    byId("timeline").append(row);
    return row;
  }

  function fill(row, texts) {
    for (const [part, text] of Object.entries(texts)) row.querySelector(`.${part}`).textContent = text;
  }

  function happened(event, node, at) {
    if (!FINAL.includes(event)) showState(WAITING.includes(event) ? "queued" : "running");
    const now = new Date(at).getTime();
    if (first === undefined) {
      first = now;
      working = [];
      byId("timeline").replaceChildren(); // the stream tells everything from the beginning
    }
    const after = (now - first) / 1000;
    if (event === "started") {
      const row = add("working", say(`node.${node}`), say("step.working"), say("run.after", after));
      working.push({ node, after, row });
      announce(`${say(`node.${node}`)}: ${say("step.working")}`);
    } else if (event === "finished") {
      const index = working.findIndex((step) => step.node === node);
      if (index < 0) return;
      const [step] = working.splice(index, 1);
      step.row.className = "finished";
      fill(step.row, { what: say("step.finished"), when: say("run.seconds", after - step.after) });
      announce(`${say(`node.${node}`)}: ${say("step.finished")}`);
    } else {
      if (BREAKS.includes(event)) drop();
      add("event", say(`event.${event}`), "", say("run.after", after));
    }
  }

  function showState(state) {
    const shown = byId("facts").querySelector(".state");
    shown.className = `state ${state}`;
    shown.textContent = say(`state.${state}`);
  }

  function drop() {
    for (const { row } of working.splice(0)) {
      row.className = "dropped";
      fill(row, { what: say("step.dropped") });
    }
  }

  // XMLHttpRequest makes the document itself: no script of ours turns text into HTML, which trusted types forbid.
  function refresh(whenOpen) {
    const request = new XMLHttpRequest();
    request.responseType = "document";
    request.onload = () => {
      const fresh = request.response && request.response.getElementById("run");
      if (fresh) show(request.response, fresh.dataset.final === "yes");
      if (!fresh || fresh.dataset.final !== "yes") whenOpen();
    };
    request.onerror = whenOpen;
    request.open("GET", location.pathname);
    request.send();
  }

  function show(fresh, final) {
    const focused = REGIONS.some((id) => byId(id).contains(document.activeElement));
    for (const id of REGIONS) byId(id).replaceWith(document.adoptNode(fresh.getElementById(id)));
    localiseTimes();
    if (!final) return;
    run.dataset.final = "yes";
    announce(say(byId("result").querySelector(".answer") ? "run.ready" : "run.over"));
    if (focused) byId("answer").focus();
  }

  const poll = () => setTimeout(refresh, AGAIN_MS, poll);
  const source = new EventSource(run.dataset.events);
  for (const event of ["started", "finished", ...OTHERS]) {
    source.addEventListener(event, (message) => {
      const { node, at } = JSON.parse(message.data);
      happened(event, node || "", at);
      if (!FINAL.includes(event)) return;
      source.close();
      refresh(poll);
    });
  }
  source.addEventListener("error", () => {
    announce(say("run.lost"));
    if (source.readyState === EventSource.CLOSED) poll(); // refused: the browser will not try again
  });
})();
