/** komon monitor on a terminal. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { komonCommand } from "../support/komon.ts";
import { startTraffic, startVnf } from "../support/monitor.ts";
import { World } from "../support/world.ts";

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world[Symbol.asyncDispose]());

describe("the live view", () => {
  test("is drawn on the alternate screen, again each interval; q ends it and leaves a summary", async () => {
    await using _traffic = await startTraffic(world, "2k");
    for (const key of ["q", "\x03"]) {
      const terminal = openTerminal(
        "--port",
        "7001",
        "--interval",
        "100ms",
        "--slo",
        "service.p99<1ns",
      );
      await terminal.shows(
        /^service +[1-9].*pps[\s\S]*service of the last ([3-9]|\d\d) intervals/m,
      );
      const frame = terminal.frame();
      expect(frame).toMatch(/komon monitor: port 7001, every 100 ms/);
      expect(frame).toMatch(/^service +[\d.]+ k?pps .*[▁▂▃▄▅▆▇█]/m);
      expect(frame).toMatch(/│█/);
      expect(frame).toContain("VIOLATED service.p99<1ns");
      expect(frame.split("\n").length).toBeLessThanOrEqual(30);
      terminal.press("\t");
      await terminal.shows(/queue of the last/);
      terminal.press(key);
      expect(await terminal.exited).toBe(1); // the objective
      const [before, after] = terminal.text().split("\x1b[?1049l");
      expect(before.startsWith("\x1b[?1049h\x1b[?25l")).toBe(true);
      expect(before.split("\x1b[H").length).toBeGreaterThan(3);
      expect(after).toContain("coverage: seen");
      expect(after).not.toContain("\x1b[H");
    }
  });

  test("fits a small terminal, and one that says it is dumb gets lines", async () => {
    await using _vnf = await startVnf(world, 7001);
    const small = openTerminal({ cols: 40, rows: 8 }, "--port", "7001", "--interval", "100ms");
    await small.shows(/sojourn/);
    const frame = small.frame();
    expect(frame.split("\n").length).toBeLessThanOrEqual(8);
    expect(frame.split("\n").filter((line) => Bun.stringWidth(line) > 40)).toEqual([]);
    small.press("q");
    expect(await small.exited).toBe(0);

    const dumb = openTerminal(
      { term: "dumb" },
      "--port",
      "7001",
      "--interval",
      "100ms",
      "--count",
      "1",
    );
    expect(await dumb.exited).toBe(0);
    expect(dumb.text()).not.toContain("\x1b");
    expect(dumb.text()).toContain("p99.9");
  });
});

interface TerminalOptions {
  readonly cols?: number;
  readonly rows?: number;
  readonly term?: string;
}

/** The monitor on a terminal of its own. */
function openTerminal(first: TerminalOptions | string, ...rest: string[]) {
  const options = typeof first === "string" ? {} : first;
  const words = typeof first === "string" ? [first, ...rest] : rest;
  const { cols = 100, rows = 30, term = "xterm" } = options;
  let text = "";
  let wake = Promise.withResolvers<void>();
  const decoder = new TextDecoder();
  const child = Bun.spawn(world.command([...komonCommand, "monitor", ...words]), {
    env: { ...process.env, TERM: term },
    terminal: {
      cols,
      rows,
      data(_terminal, bytes) {
        text += decoder.decode(bytes, { stream: true });
        wake.resolve();
        wake = Promise.withResolvers<void>();
      },
    },
  });
  const frame = () =>
    Bun.stripANSI((text.split("\x1b[H").at(-2) ?? "").replaceAll("\r", "")).trimEnd();
  return {
    exited: child.exited,
    text: () => text,
    /** The last whole frame, without colours. */
    frame,
    async shows(wanted: RegExp) {
      while (!wanted.test(frame())) await wake.promise;
    },
    press: (key: string) => child.terminal?.write(key),
  };
}
