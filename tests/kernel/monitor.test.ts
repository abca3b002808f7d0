/** komon monitor: what it counts against generator and sink, its formats, objectives and deadlines, its screen. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { komonCommand } from "../support/komon.ts";
import {
  received,
  sinkIn,
  startMonitor,
  startProgram,
  startVnf as startVnfIn,
} from "../support/monitor.ts";
import { World } from "../support/world.ts";

setDefaultTimeout(60_000);

const spans = ["service", "queue", "sojourn", "egress", "total"];

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world[Symbol.asyncDispose]());

const startVnf = (port: number, ...words: string[]) => startVnfIn(world, port, ...words);

async function load(port: number, count: number, pps: string, ...words: string[]): Promise<void> {
  const to = `127.0.0.1:${port}`;
  const said = await world.komon("load", to, "--count", `${count}`, "--pps", pps, ...words);
  expect(said).toMatchObject({ code: 0 });
}

/** A VNF on port 7001 and a load that passes through it, until the test's end. */
async function startTraffic(pps: string, ...words: string[]) {
  const stack = new AsyncDisposableStack();
  const sink = stack.use(sinkIn(world));
  stack.use(await startVnf(7001, "--target", `127.0.0.1:${sink.port}`, ...words));
  const load = ["load", "127.0.0.1:7001", "--pps", pps, "--duration", "60s"];
  stack.use(await startProgram(world, [...komonCommand, ...load]));
  await received(sink, 1);
  return stack;
}

describe("counts", () => {
  test("generator, every histogram and the sink agree, interval by interval and in all", async () => {
    using sink = sinkIn(world);
    await using _vnf = await startVnf(7001, "--target", `127.0.0.1:${sink.port}`, "--workers", "2");
    await using monitor = await startMonitor(world, "--port", "7001");
    const count = 20_011;
    await load(7001, count, "20k", "--flows", "16");
    await received(sink, count);
    const seen = await monitor.stop();
    expect(seen.code).toBe(0);
    const columns = ["packets", "matched", "seen"];
    const sums = spans.map((span) => columns.map((column) => seen.sum(span, column)));
    expect(sums).toEqual(spans.map(() => columns.map(() => count)));
    for (const column of ["expired", "collided", "filtered", "lost"]) {
      expect([column, seen.sum("service", column)]).toEqual([column, 0]);
    }
    expect(seen.rows.at(-1)).toMatchObject({ in_flight: 0, depth: 0 });
  });

  test("what the VNF drops is missing by cause, and only that", async () => {
    using sink = sinkIn(world);
    await using _vnf = await startVnf(
      7001,
      "--target",
      `127.0.0.1:${sink.port}`,
      "--drop",
      "0.1",
      "--seed",
      "7",
    );
    await using monitor = await startMonitor(world, "--port", "7001");
    await load(7001, 5000, "10k");
    // What is not sent within a second counts as expired.
    await monitor.until(
      ({ sum }) => sum("service", "matched") + sum("service", "expired") === 5000,
    );
    const seen = await monitor.stop();
    const kept = (await received(sink, seen.sum("service", "matched"))).length;
    expect(kept).toBeLessThan(4700);
    expect(seen.sum("service", "seen")).toBe(5000);
    expect(seen.sum("service", "matched")).toBe(kept);
    expect(seen.sum("service", "expired")).toBe(5000 - kept);
    expect(seen.sum("service", "expired_unsent")).toBe(5000 - kept);
  });

  test("packets that waited before it came are none of its own, and do no harm to those that follow", async () => {
    using sink = sinkIn(world);
    await using vnf = await startVnf(7001, "--target", `127.0.0.1:${sink.port}`);
    process.kill(vnf.pid, "SIGSTOP");
    await load(7001, 50, "5k");
    await using monitor = await startMonitor(world, "--port", "7001");
    await load(7001, 5000, "20k"); // more than the ledger has places for
    process.kill(vnf.pid, "SIGCONT");
    await received(sink, 5050);
    await load(7001, 200, "5k");
    await received(sink, 200);
    const seen = await monitor.stop();
    const [all, matched] = ["seen", "matched"].map((column) => seen.sum("service", column));
    const collided = seen.sum("service", "collided");
    expect([all, matched, collided]).toEqual([5200, 4096 + 200, 5000 - 4096]);
    expect(seen.sum("service")).toBe(4096 + 200);
    expect(seen.rows.at(-1)).toMatchObject({ in_flight: 0 });
  });

  test("several ports, each its own rows", async () => {
    await using _one = await startVnf(7001);
    await using _two = await startVnf(7002);
    await using monitor = await startMonitor(world, "--port", "7001,7002");
    await load(7001, 23, "1k");
    await load(7002, 46, "1k");
    const { rows } = await monitor.stop();
    const sum = (port: number) =>
      rows
        .filter((row) => row.port === port && row.span === "sojourn")
        .reduce((total, row) => total + row.packets, 0);
    expect([sum(7001), sum(7002)]).toEqual([23, 46]);
  });
});

describe("formats", () => {
  test("jsonl: each line stands alone; csv: a head, then rows as wide; table: below 80 columns", async () => {
    await using _traffic = await startTraffic("2k");
    const monitor = (format: string) =>
      world.komon(
        "monitor",
        "--port",
        "7001",
        "--interval",
        "100ms",
        "--count",
        "3",
        "--format",
        format,
      );

    const jsonl = await monitor("jsonl");
    expect(jsonl.code).toBe(0);
    const rows = jsonl.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows.map((row) => row.span)).toEqual([...spans, ...spans, ...spans]);
    for (const row of rows.slice(spans.length)) {
      expect(row).toMatchObject({ schema: "komon.monitor/1", port: 7001 });
      expect(row.packets).toBeGreaterThan(0);
      const times = [row.p50_ns, row.p90_ns, row.p99_ns, row.p999_ns, row.max_ns];
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(row.pps).toBeCloseTo(row.packets / row.seconds, 0);
    }

    const csv = await monitor("csv");
    const lines = csv.stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(","));
    expect(lines).toHaveLength(1 + 3 * spans.length);
    expect(lines[0].slice(0, 5)).toEqual(["time", "seconds", "port", "span", "packets"]);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);

    const table = await monitor("table");
    expect(table.stderr).toContain("watching port 7001: ");
    expect(table.stdout.split("\n").filter((line) => Bun.stringWidth(line) > 79)).toEqual([]);
    expect(table.stdout).toMatch(/^time {5}span +rate +p50 +p90 +p99 +p99.9 +max depth\n/);
    expect(table.stdout).toMatch(/coverage: seen [\d,]+ = matched/);
    expect(table.stdout).not.toContain("\x1b");
  });

  test("a reader that goes away ends it in good order", async () => {
    await using _vnf = await startVnf(7001);
    const command = `${komonCommand.join(" ")} monitor --port 7001 --interval 50ms --format jsonl | head -n 2`;
    const { stdout, stderr } = await world.run(["sh", "-c", command]);
    expect(stdout.trimEnd().split("\n")).toHaveLength(2);
    expect(stderr).toMatch(/^watching [^\n]*\n$/);
  });

  test("--duration and --count end it", async () => {
    await using _vnf = await startVnf(7001);
    const rows = async (...words: string[]) => {
      const said = await world.komon("monitor", "--port", "7001", "--format", "jsonl", ...words);
      expect(said.code).toBe(0);
      return said.stdout.trimEnd().split("\n").length / spans.length;
    };
    expect(await rows("--interval", "50ms", "--count", "4")).toBe(4);
    expect(await rows("--interval", "100ms", "--duration", "250ms")).toBe(3);
    expect(await rows("--duration", "50ms")).toBe(1);
  });
});

describe("objectives and deadlines", () => {
  test("a violated objective is marked and makes the exit code 1; a kept one does not", async () => {
    await using _traffic = await startTraffic("500", "--delay", "300us");
    const judge = (...objectives: string[]) =>
      world.komon(
        ...["monitor", "--port", "7001", "--interval", "1500ms", "--count", "1"],
        ...objectives.flatMap((one) => ["--slo", one]),
      );
    const kept = await judge(
      "service.p50>=300us",
      "service.rate>1",
      "sojourn.missing<100k", // a VNF that is not let run for a second misses some
      "queue.depth<100k",
    );
    expect(kept.code).toBe(0);
    expect(kept.stdout).not.toContain("VIOLATED");
    expect(kept.stdout).toMatch(/objective service\.p50>=300us: kept in 1 interval$/m);
    const broken = await judge("service.p50<300us", "service.p50>=300us");
    expect(broken.code).toBe(1);
    expect(broken.stdout).toMatch(/VIOLATED service\.p50<300us: [\d.]+ [µm]s/);
    expect(broken.stdout).toContain("objective service.p50<300us: VIOLATED in ");
    expect(broken.stdout).toMatch(/objective service\.p50>=300us: kept in 1 interval$/m);

    const lines = await world.komon(
      ...["monitor", "--port", "7001", "--interval", "1500ms", "--count", "1", "--format", "jsonl"],
      ...["--slo", "service.max<1us"],
    );
    expect(lines.code).toBe(1);
    const marked = lines.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(
      marked.filter((row) => row.packets > 0 && row.span === "service").map((row) => row.violated),
    ).toContain("service.max<1us");
    expect(marked.filter((row) => row.span !== "service" && row.violated !== "")).toEqual([]);
  });

  test("an objective that is none shows the text with the place marked", async () => {
    const said = await world.komon("monitor", "--port", "7001", "--slo", "service.p99=200us");
    expect(said.code).toBe(2);
    expect(said.stderr).toContain(
      "\n  service.p99=200us\n             ^ expected <, <=, > or >=\n",
    );
  });

  test("a deadline counts the packets whose service takes longer, all or none", async () => {
    const packets = 200;
    for (const [deadline, missed] of [
      ["250us", packets],
      ["10s", 0],
    ] as const) {
      using sink = sinkIn(world);
      const target = `127.0.0.1:${sink.port}`;
      await using _vnf = await startVnf(7001, "--delay", "300us", "--target", target);
      await using monitor = await startMonitor(
        world,
        ...["--port", "7001", "--deadline", deadline, "--deadline-of", "service"],
      );
      await load(7001, packets, "500");
      await received(sink, packets);
      const { rows, sum } = await monitor.stop();
      expect(sum("service")).toBe(packets);
      const last = rows.at(-1);
      expect(last).toMatchObject({ deadline_missed: missed, deadline_longest_run: missed });
      expect(last?.deadline_worst_ns).toBeGreaterThanOrEqual(300_000);
    }
  });

  test("a deadline between two service times counts those above it, by the VNF's own account", async () => {
    const truth = "/tmp/truth";
    const at = `/proc/${world.pid}/root${truth}`;
    using sink = sinkIn(world);
    let expected = { missed: 0, longest: 0, near: 0 };
    let told: Record<string, number | string | null> | undefined;
    {
      await using vnf = await startVnf(
        7001,
        ...["--delay", "200us", "--law", "2", "--seed", "5", "--truth", truth],
        ...["--target", `127.0.0.1:${sink.port}`],
      );
      await using monitor = await startMonitor(
        world,
        ...["--port", "7001", "--deadline", "200us", "--deadline-of", "service"],
      );
      await load(7001, 1000, "1k");
      await received(sink, 1000);
      told = (await monitor.stop()).rows.at(-1);
      process.kill(vnf.pid, "SIGINT");
      while (readFileSync(at).length < 64 + 1000 * 48) await Bun.sleep(5);
    }
    expected = judgeTruth(readFileSync(at), 200_000);
    // Within 20 µs of the deadline the edges of the two system calls decide. Of the others few are late for the kernel
    // alone: those whose thread lost the CPU on its way out of a system call, before the VNF took its own stamp.
    const most = expected.missed + expected.near + 100;
    expect(Number(told?.deadline_missed)).toBeGreaterThanOrEqual(expected.missed);
    expect(Number(told?.deadline_missed)).toBeLessThanOrEqual(most);
    expect(most).toBeLessThan(900);
    expect(expected.missed).toBeGreaterThan(300);
    expect(Number(told?.deadline_longest_run)).toBeGreaterThanOrEqual(expected.longest);
    expect(Number(told?.deadline_longest_run)).toBeLessThan(100);
  });
});

/** Rows of the truth file whose service took longer than the deadline; those just below it are near. */
function judgeTruth(bytes: Buffer, deadlineNs: number) {
  let missed = 0;
  let near = 0;
  let run = 0;
  let longest = 0;
  for (let at = 64; at < bytes.length; at += 48) {
    const ns = Number(bytes.readBigUInt64LE(at + 16) - bytes.readBigUInt64LE(at + 8));
    run = ns > deadlineNs ? run + 1 : 0;
    longest = Math.max(longest, run);
    if (ns > deadlineNs) missed++;
    else if (ns > deadlineNs - 20_000) near++;
  }
  return { missed, near, longest };
}

describe("the live view", () => {
  test("is drawn on the alternate screen, again each interval; q ends it and leaves a summary", async () => {
    await using _traffic = await startTraffic("2k");
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
    await using _vnf = await startVnf(7001);
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

describe("for long", () => {
  test("memory does not grow over two thousand looks, nor do descriptors", async () => {
    await using _traffic = await startTraffic("1k");
    await using monitor = await startMonitor(world, "--port", "7001", "--interval", "10ms");
    const proc = `/proc/${monitor.pid}`;
    const residentKb = () =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`${proc}/status`, "utf8"))?.[1]);
    const descriptors = () => readdirSync(`${proc}/fd`).length;
    /** The least resident memory during so many looks: what the collector leaves. */
    const least = async (looks: number) => {
      const until = monitor.lines() + looks * spans.length;
      let kb = Number.POSITIVE_INFINITY;
      while (monitor.lines() < until) {
        kb = Math.min(kb, residentKb());
        await Bun.sleep(20);
      }
      return kb;
    };
    await least(500);
    const [before, open] = [await least(750), descriptors()];
    const after = await least(750);
    expect(after).toBeLessThan(before + 8 * 1024);
    expect(descriptors()).toBe(open);
    const { rows, sum } = await monitor.stop();
    expect(rows.length).toBeGreaterThanOrEqual(2000 * spans.length);
    expect(sum("service", "lost")).toBe(0);
  });
});

describe("what cannot be watched", () => {
  test("is said, with what to do", async () => {
    const cases: [text: RegExp, ...words: string[]][] = [
      [/say what to monitor[\s\S]*--port 1234/],
      [/no process 4194304/, "--pid", "4194304"],
      [/exclude each other/, "--pid", "1", "--cgroup", "x"],
      [/there is no cgroup "none"[\s\S]*mounted at/, "--cgroup", "none"],
      [/no network device "none"[\s\S]*lo/, "--port", "1", "--in-interface", "none"],
      [/no network namespace "none"/, "--port", "1", "--netns", "none"],
      [/the same as --in-interface/, "--port", "1", "-i", "lo", "--in-interface", "lo"],
      [/receives on no UDP port[\s\S]*--port 1234/, "--pid", `${world.pid}`],
    ];
    for (const [text, ...words] of cases) {
      const said = await world.komon("monitor", ...words);
      expect([said.code, said.stderr]).toEqual([2, expect.stringMatching(text)]);
    }
  });
});
