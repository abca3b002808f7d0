/** How long the dashboard takes to be there, and how old its numbers are when they are seen. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, Page } from "../../tests/support/browser.ts";
import { lineOf } from "../../tests/support/world.ts";
import { printRows } from "../table.ts";

const loads = 11;
const updates = 20;

export async function page(): Promise<void> {
  if (!chromium) {
    console.log("dashboard: needs chromium");
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "komon-page-"));
  using ended = new DisposableStack();
  ended.defer(() => rmSync(folder, { recursive: true }));
  const base = "http://127.0.0.1:19443/";
  const dashboard = Bun.spawn(
    [
      ...["dist/komon", "dashboard", "--history", join(folder, "history.db"), "--vnf", "nat=1234"],
      ...["--web.listen-address", new URL(base).host],
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  ended.defer(() => dashboard.kill("SIGKILL"));
  await lineOf(dashboard.stderr, /serving/);
  await using browser = await Page.open("about:blank");
  const times: number[] = [];
  for (let i = 0; i < loads; i++) {
    await browser.go(base);
    const mark = "performance.getEntriesByName('first values')[0]?.startTime";
    times.push(await browser.until<number>(mark));
  }
  const lags = await browser.evaluate<number[]>(lagScript);
  const row = (what: string, values: number[]) => {
    const sorted = [...values].sort((a, b) => a - b);
    const [median, most] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1) as number];
    return {
      ...{ what, measured: `median ${median.toFixed(0)} ms, most ${most.toFixed(0)} ms` },
      ...{ must: "≤ 1 s", aim: "", peer: "", met: most <= 1000 },
    };
  };
  printRows("dashboard in headless Chromium", [
    row(`from navigation to the first numbers, ${loads} loads`, times),
    row(`from taking a sample to the frame that shows it, ${updates} samples`, lags),
  ]);
}

/** Page and dashboard share a clock; the state's data-at is when the sample on show was taken. */
const lagScript = `new Promise((done) => {
  const lags = [];
  const state = document.getElementById("state");
  new MutationObserver(() => requestAnimationFrame(() => {
    lags.push(Date.now() - Number(state.dataset.at));
    if (lags.length === ${updates}) done(lags);
  })).observe(state, { attributeFilter: ["data-at"] });
})`;
