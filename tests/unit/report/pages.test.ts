import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chartNames, chartSvg } from "../../../src/report/charts.ts";
import { reportHtml } from "../../../src/report/html.ts";
import { type Report, readReport } from "../../../src/report/report.ts";
import { linearScale, logScale } from "../../../src/report/svg/scale.ts";
import { komon2019, testFolder } from "../results/folder.ts";
import { makeRun } from "./folders.ts";
import { tags } from "./markup.ts";

const folder = testFolder();
const odd = join(folder, `odd "name" <b> & 'co'`);
mkdirSync(odd);
makeRun(odd);
makeRun(odd, { params: { pps: 10_000 } });
const own = readReport([odd]);
const old = readReport([komon2019]);

describe("the page", () => {
  const html = reportHtml(own);

  test("is one well-formed file that loads nothing", () => {
    const all = tags(html);
    expect(all.length).toBeGreaterThan(100);
    expect(all.filter((tag) => /^(script|link|img|iframe)|\ssrc=|\shref=|url\(/.test(tag))).toEqual(
      [],
    );
    expect(html).not.toContain("@import");
  });

  test("has all parts: tables, each chart, the manifest", () => {
    for (const text of [
      "Error per packet",
      "Stage budget",
      "Times over the load",
      "Distributions",
    ]) {
      expect(html).toContain(`<h2>${text}</h2>`);
    }
    expect(html).toContain("Manifest of 2 runs");
    expect(html).toContain("6.18.0 &lt;test&gt;");
    expect(html).toContain("prefers-color-scheme:dark");
    expect(html).toContain("@media print");
  });

  test("keeps names apart from markup", () => {
    expect(html).toContain("odd &quot;name&quot; &lt;b&gt; &amp; 'co'");
    expect(html).not.toContain("<b>");
  });

  test("is the same for the same results", () => {
    expect(reportHtml(readReport([odd]))).toBe(html);
  });

  test("of 2019 has no error per packet, and says why", () => {
    const page = reportHtml(old);
    tags(page);
    expect(page).not.toContain("<h2>Error per packet</h2>");
    expect(page).toContain("not known to be the same packets");
    expect(page).not.toContain("NaN");
    expect(page).not.toContain("undefined");
  });
});

describe("charts as SVG", () => {
  test.each([...chartNames])("%s is well-formed, and every number in it is one", (name) => {
    const svg = chartSvg(own, name);
    expect(tags(svg)[0]).toStartWith("svg xmlns=");
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  test("curves rise from 0 to 1 in the frame", () => {
    const svg = chartSvg({ ...own, combinations: own.combinations.slice(0, 1) }, "ecdf");
    const path = /<path d="([^"]+)" class="line service"/.exec(svg)?.[1] ?? "";
    const heights = [...path.matchAll(/V([\d.]+)/g)].map(([, y]) => Number(y));
    expect(heights.length).toBeGreaterThan(50);
    expect(heights).toEqual(heights.toSorted((a, b) => b - a));
    expect(heights.at(-1)).toBe(60);
    expect(path).toStartWith("M");
  });

  test("the stages of the budget add up to the total", () => {
    const svg = chartSvg(own, "budget");
    const bars = svg.match(/<text[^>]*>1k pps.*?<\/text>(.*?)<text/s)?.[1] ?? "";
    const ends = [...bars.matchAll(/x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)].map(
      ([, x, width]) => [Number(x), Number(x) + Number(width)] as const,
    );
    expect(ends).toHaveLength(4);
    for (let at = 1; at < ends.length; at++) expect(ends[at][0]).toBeCloseTo(ends[at - 1][1], 0);
  });

  test("what cannot be drawn is refused with the reason", () => {
    const one: Report = { ...old, combinations: old.combinations.slice(0, 1) };
    expect(() => chartSvg(one, "error")).toThrow("SPANS_");
    expect(() => chartSvg(one, "load")).toThrow("two rates");
  });
});

describe("scales", () => {
  test("linear ticks are round and cover the domain", () => {
    const scale = linearScale([-130, 870], [0, 100]);
    expect(scale.ticks).toEqual([-200, 0, 200, 400, 600, 800, 1000]);
    expect([scale.at(-200), scale.at(1000), scale.at(400)]).toEqual([0, 100, 50]);
    expect(linearScale([0, 0], [0, 100]).ticks.length).toBeGreaterThan(1);
  });

  test("log ticks are powers of ten with as many between as fit", () => {
    expect(logScale([100, 1000], [0, 100]).ticks).toEqual([100, 200, 500, 1000]);
    expect(logScale([1000, 175_000], [0, 100]).ticks).toEqual([
      1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000,
    ]);
    expect(logScale([1, 1e6], [0, 100], 4).ticks).toEqual([1, 100, 10_000, 1_000_000]);
    const scale = logScale([10, 1000], [0, 100]);
    expect(scale.at(100)).toBeCloseTo(50, 10);
    expect(scale.at(0)).toBe(0);
  });
});
