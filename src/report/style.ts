/**
 * The look of charts and pages, in light, in dark and in print. The colours of the curves are those
 * of Okabe and Ito ("Color Universal Design", 2008), which colour-blind readers can tell apart.
 */
const light =
  "--ink:#1b1f24;--soft:#5b6570;--grid:#e3e6ea;--paper:#fff;--blue:#0072b2;--sky:#56b4e9";
const dark =
  "--ink:#e6e9ed;--soft:#9aa4af;--grid:#333a42;--paper:#15181c;--blue:#4aa3dd;--sky:#a9d8f5";

const colours = {
  truth: "var(--ink)",
  service: "var(--blue)",
  corrected: "var(--sky)",
  queue: "#e69f00",
  sojourn: "#d55e00",
  egress: "#009e73",
  total: "#cc79a7",
  ingress: "var(--sky)",
  rest: "#e69f00",
} as const;

const coloured = Object.entries(colours)
  .map(([name, colour]) => `.${name}{--colour:${colour}}`)
  .join("");

export const chartStyle = [
  `:root{${light}}`,
  `@media (prefers-color-scheme:dark){:root{${dark}}}`,
  `@media print{:root{${light}}}`,
  coloured,
  "svg{font:11px system-ui,sans-serif;max-width:100%;height:auto}",
  "svg text{fill:var(--soft)}",
  "svg .heading,svg .legend text{fill:var(--ink)}svg .heading{font-weight:600;font-size:12px}svg .detail{font-size:9px}",
  ".grid{stroke:var(--grid);stroke-width:1}",
  ".line{fill:none;stroke:var(--colour);stroke-width:1.8}",
  ".line.truth{stroke-dasharray:5 3}",
  ".line.tail{stroke-dasharray:1.5 3}",
  ".area{fill:var(--colour)}.area.truth{fill:var(--soft)}",
  ".box line{stroke:var(--colour);stroke-width:1.5}.box rect{fill:var(--colour);opacity:.45}",
  ".box .median{stroke-width:2.5}",
  ".mark line{stroke:var(--colour);stroke-width:1.5}.mark rect{stroke:var(--colour);stroke-width:1.5;fill:var(--paper)}",
  ".mark.differs rect{fill:var(--colour)}.zero{stroke:var(--soft);stroke-width:1}",
].join("\n");

export const pageStyle = [
  chartStyle,
  "body{background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}",
  "h1{font-size:1.6rem;margin:0 0 .3rem}h2{font-size:1.2rem;margin:2.2rem 0 .4rem}h3{font-size:1rem;margin:1.2rem 0 .3rem}",
  "p,li{max-width:50rem}.soft{color:var(--soft)}code{font-size:.9em;overflow-wrap:anywhere}",
  ".wide{overflow-x:auto}.wide svg{min-width:34rem}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}",
  "th,td{padding:.15rem .6rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--grid)}",
  "th:first-child,td:first-child,th.text,td.text{text-align:left}thead th{color:var(--soft);font-weight:600}",
  "table.manifest td{text-align:left;vertical-align:top}table.manifest td:not(:first-child){white-space:normal;overflow-wrap:anywhere;min-width:12rem}tr.unlike td:first-child{font-weight:600}",
  ".charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(320px,1fr));gap:1rem}",
  "@media print{body{margin:0;max-width:none;font-size:11px}table{font-size:9px}.charts{grid-template-columns:1fr 1fr}svg,tr,h2,h3{break-inside:avoid}h2,h3,.soft{break-after:avoid}.wide{overflow:visible}.wide svg{min-width:0}}",
].join("\n");
