import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Alerts, type Rule } from "../../../src/dashboard/alerts.ts";
import { History } from "../../../src/dashboard/history.ts";
import type { Moment } from "../../../src/dashboard/moment.ts";

const folder = mkdtempSync(join(tmpdir(), "komon-alerts-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A moment `ms` after `begin`, on a clock that nobody sets. */
const after = (ms: number, begin = 0): Moment => ({ atMs: begin + ms, steadyMs: ms });

describe("alerts", () => {
  const rule: Rule = { name: "r", series: "x{*}:p99", above: 5, for: 10e9 };
  const at = (value: number) => new Map([['x{a="b"}:p99', value]]);

  test("wait for their duration, begin anew after a pause, and end", () => {
    const alerts = new Alerts([rule]);
    alerts.judge(at(6), after(0));
    expect(alerts.list(after(0))[0]).toMatchObject({ state: "pending", sinceMs: 0 });
    alerts.judge(at(4), after(5000));
    expect(alerts.list(after(5000))).toEqual([]);
    alerts.judge(at(6), after(6000));
    alerts.judge(at(7), after(15_999));
    expect(alerts.list(after(15_999))[0].state).toBe("pending");
    alerts.judge(at(7), after(16_000));
    expect(alerts.list(after(16_000))[0]).toMatchObject({
      state: "firing",
      value: 7,
      series: 'x{a="b"}:p99',
    });
    expect(alerts.silence("r", 4000, after(16_000))).toBe(true);
    expect(alerts.list(after(19_000))[0].silenced).toBe(true);
    expect(alerts.list(after(21_000))[0].silenced).toBe(false);
    expect(alerts.silence("none", 1, after(0))).toBe(false);
    alerts.judge(at(1), after(22_000));
    expect(alerts.list(after(22_000))).toEqual([]);
  });

  test("a series that is there every other second is judged by the seconds it is in", () => {
    const alerts = new Alerts([rule]);
    for (let s = 0; s < 10; s++) alerts.judge(s % 2 ? new Map() : at(6), after(s * 1000));
    expect(alerts.list(after(9000))[0].state).toBe("pending");
    alerts.judge(at(6), after(10_000));
    expect(alerts.list(after(10_000))[0].state).toBe("firing");
    for (let s = 11; s < 60; s++) {
      alerts.judge(s % 2 ? new Map() : at(6), after(s * 1000));
      expect(alerts.list(after(s * 1000))[0].state).toBe("firing");
    }
    alerts.judge(at(5), after(60_000));
    expect(alerts.list(after(60_000))).toEqual([]);
  });

  test("of a series that is gone for good an alert ends after a minute, or its duration", () => {
    const alerts = new Alerts([rule, { ...rule, name: "long", for: 300e9 }]);
    for (const s of [0, 10]) alerts.judge(at(6), after(s * 1000));
    const names = (s: number) => {
      alerts.judge(new Map(), after(s * 1000));
      return alerts.list(after(s * 1000)).map((alert) => [alert.rule, alert.state]);
    };
    expect(names(70)).toEqual([
      ["r", "firing"],
      ["long", "pending"],
    ]);
    expect(names(71)).toEqual([["long", "pending"]]);
    expect(names(310)).toEqual([["long", "pending"]]);
    expect(names(311)).toEqual([]);
  });

  test("below", () => {
    const alerts = new Alerts([{ name: "r", series: "x", below: 5, for: 0 }]);
    const state = (value: number) => {
      alerts.judge(new Map([["x", value]]), after(0));
      return alerts.list(after(0))[0]?.state;
    };
    expect([6, 5, 4, 5].map((value) => `${state(value)}`)).toEqual([
      ...["undefined", "undefined", "firing", "undefined"],
    ]);
  });

  test("other rules: what keeps its name goes on, the rest ends", () => {
    const alerts = new Alerts([rule, { ...rule, name: "gone" }]);
    alerts.judge(at(6), after(0));
    alerts.use([{ ...rule, for: 5e9 }], after(4000));
    alerts.judge(at(6), after(4999));
    expect(alerts.list(after(4999))).toMatchObject([{ rule: "r", state: "pending", sinceMs: 0 }]);
    alerts.judge(at(6), after(5000));
    expect(alerts.list(after(5000))[0].state).toBe("firing");
    alerts.use([{ ...rule, series: "y" }], after(6000));
    expect(alerts.list(after(6000))).toEqual([]);
  });

  test("a restart: pending goes on, firing is not told again, silence holds", async () => {
    const told = join(folder, "restart");
    const command = `echo $KOMON_ALERT_STATUS >> ${told}`;
    const rules = [{ ...rule, name: "fires", for: 0, command }, rule];
    const before = new Alerts(rules);
    before.judge(at(6), after(0, 1e12));
    await until(() => existsSync(told));
    before.silence("r", 60_000, after(1000, 1e12));
    const alerts = new Alerts(rules);
    // The steady clock begins anew, the wall's goes on.
    const later = (ms: number): Moment => ({ atMs: 1e12 + 5000 + ms, steadyMs: 77 + ms });
    alerts.restore(before.state(), later(0));
    expect(alerts.list(later(0))).toMatchObject([
      { rule: "fires", state: "firing", sinceMs: 1e12, silenced: false },
      { rule: "r", state: "pending", sinceMs: 1e12, silenced: true },
    ]);
    alerts.judge(at(6), later(4999));
    expect(alerts.list(later(4999))[1].state).toBe("pending");
    alerts.judge(at(6), later(5000));
    expect(alerts.list(later(5000))[1].state).toBe("firing");
    expect(alerts.list(later(56_001))[1].silenced).toBe(false);
    alerts.judge(at(1), later(6000));
    await until(() => readFileSync(told, "utf8").includes("resolved"));
    expect(readFileSync(told, "utf8")).toBe("firing\nresolved\n");
  });

  test("a command is told all of it, in order, one after the other", async () => {
    const told = join(folder, "command");
    const command = `sleep 0.1; echo "$KOMON_ALERT_NAME $KOMON_ALERT_STATUS $KOMON_ALERT_SERIES $KOMON_ALERT_VALUE" >> ${told}`;
    const alerts = new Alerts([{ ...rule, name: 'my "rule"', for: 0, command }]);
    for (const value of [6, 1, 7, 2]) alerts.judge(at(value), after(0));
    await until(() => existsSync(told) && readFileSync(told, "utf8").split("\n").length === 5);
    expect(readFileSync(told, "utf8").trim().split("\n")).toEqual([
      'my "rule" firing x{a="b"}:p99 6',
      'my "rule" resolved x{a="b"}:p99 1',
      'my "rule" firing x{a="b"}:p99 7',
      'my "rule" resolved x{a="b"}:p99 2',
    ]);
  });

  test("a command that cannot be started ends nothing", async () => {
    const path = process.env.PATH;
    const alerts = new Alerts([{ ...rule, for: 0, command: "true" }]);
    process.env.PATH = folder; // no sh there
    try {
      alerts.judge(at(6), after(0));
    } finally {
      process.env.PATH = path;
    }
    expect(alerts.list(after(0))[0].state).toBe("firing");
  });
});

test("the history keeps notes, also those made before there was a file", () => {
  const path = join(folder, "notes.db");
  {
    using history = new History(path, 1 << 20);
    history.note("a", "1");
    expect(history.noted("a")).toBe("1");
    history.open();
    history.add(new Map(), after(0));
    history.note("a", "2");
    history.note("b", "3");
  }
  using history = new History(path, 1 << 20);
  expect(history.noted("a")).toBeUndefined();
  history.open();
  expect(["a", "b", "c"].map((name) => history.noted(name))).toEqual(["2", "3", undefined]);
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await Bun.sleep(10);
}
