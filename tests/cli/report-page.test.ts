/** The pages of `komon report --format html` in a real browser: light, dark, narrow and printed. */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareReports } from "../../src/report/against/compare.ts";
import { againstHtml } from "../../src/report/against/html.ts";
import { reportHtml } from "../../src/report/html.ts";
import { readReport } from "../../src/report/report.ts";
import { testUnless } from "../support/needs.ts";
import { type Picture, readPng } from "../support/png.ts";
import { makeRun } from "../unit/report/folders.ts";

const browser = Bun.which("chromium") ?? Bun.which("google-chrome");
const lacking = browser ? undefined : "there is no chromium here";

let folder = "";
let page = "";
let against = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "komon-page-"));
  page = join(folder, "report.html");
  against = join(folder, "against.html");
  const [a, b] = [1, 1.3].map((slower, side) => {
    const results = join(folder, `results${side}`);
    for (const pps of [1000, 10_000, 100_000])
      makeRun(results, { params: { pps }, slower, offsetNs: 700 });
    return readReport([results]);
  });
  writeFileSync(page, reportHtml(a));
  writeFileSync(against, againstHtml(a, b, compareReports(a, b)));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function browse(file: string, ...flags: string[]): Promise<string> {
  const child = Bun.spawn(
    [
      ...[browser ?? "", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
      ...[`--user-data-dir=${join(folder, "profile")}`, ...flags, `file://${file}`],
    ],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  const said = await child.stdout.text();
  expect(await child.exited).toBe(0);
  return said;
}

async function screenshot(
  file: string,
  width: number,
  height: number,
  ...flags: string[]
): Promise<Picture> {
  const picture = join(folder, "page.png");
  await browse(file, `--window-size=${width},${height}`, `--screenshot=${picture}`, ...flags);
  return readPng(readFileSync(picture));
}

/** How many pixels have each colour. */
function colours({ width, height, at }: Picture): Map<number, number> {
  const counts = new Map<number, number>();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) counts.set(at(x, y), (counts.get(at(x, y)) ?? 0) + 1);
  }
  return counts;
}

/** Share of the pixels that are paper. */
function paper(picture: Picture, colour: number): number {
  return (colours(picture).get(colour) ?? 0) / (picture.width * picture.height);
}

describe("the page in a browser", () => {
  testUnless(lacking, "light: dark on white, every curve in its colour", async () => {
    const picture = await screenshot(page, 1200, 3000);
    expect(paper(picture, 0xffffff)).toBeGreaterThan(0.7);
    const counts = colours(picture);
    for (const curve of [0x0072b2, 0xe69f00, 0xd55e00, 0x009e73, 0xcc79a7, 0x56b4e9]) {
      expect(counts.get(curve) ?? 0).toBeGreaterThan(20);
    }
  });

  testUnless(lacking, "dark: light on dark", async () => {
    const picture = await screenshot(page, 1200, 3000, "--blink-settings=preferredColorScheme=0");
    expect(paper(picture, 0x15181c)).toBeGreaterThan(0.7);
    expect(paper(picture, 0xffffff)).toBeLessThan(0.01);
  });

  testUnless(lacking, "narrow: nothing reaches beyond the window but what scrolls", async () => {
    for (const file of [page, against]) {
      const picture = await screenshot(file, 500, 3000);
      let inked = 0;
      for (let y = 0; y < picture.height; y++) {
        if (picture.at(picture.width - 3, y) !== 0xffffff) inked++;
      }
      expect(inked).toBe(0);
    }
  });

  testUnless(lacking, "two reports compared: every curve in its colour", async () => {
    const counts = colours(await screenshot(against, 1200, 6000));
    for (const curve of [0x0072b2, 0xe69f00, 0xd55e00, 0x009e73, 0xcc79a7, 0x56b4e9]) {
      expect(counts.get(curve) ?? 0).toBeGreaterThan(20);
    }
  });

  testUnless(lacking, "printed: some pages", async () => {
    const file = join(folder, "page.pdf");
    await browse(page, `--print-to-pdf=${file}`, "--no-pdf-header-footer");
    const pdf = readFileSync(file, "latin1");
    const pages = pdf.match(/\/Type\s*\/Page\b/g)?.length ?? 0;
    expect(pages).toBeGreaterThan(1);
    expect(pages).toBeLessThan(8);
  });
});
