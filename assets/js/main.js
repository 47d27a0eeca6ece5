import htmx from "htmx.org";
import "./requests.js";
import "./panel.js";
import "./calendar.js";
import "./keys.js";
import "./palette.js";
import "./comfort.js";
import "./live.js";
import "./undo.js";
import "./presence.js";
import "./idle.js";
import "./board.js";
import "./calls.js";

Object.assign(htmx.config, {
  allowEval: false,
  includeIndicatorStyles: false,
  // What is new hears the next key or press at once; by itself htmx would let 20 ms pass, deaf to both.
  defaultSettleDelay: 0,
  historyCacheSize: 0,
  refreshOnHistoryMiss: true,
  scrollIntoViewOnBoost: false,
  selfRequestsOnly: true,
  timeout: 30_000,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "...", swap: false, error: true },
  ],
});
window.htmx = htmx;
