import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, Page } from "../support/browser.ts";
import { Exporting } from "../support/exporter.ts";
import { komonCommand } from "../support/komon.ts";
import { testUnless } from "../support/needs.ts";
import { samplesOf } from "../support/prometheus.ts";
import { TcpListener } from "../support/tcp.ts";
import { startVnf } from "../support/traffic.ts";

setDefaultTimeout(60_000);
const folder = mkdtempSync(join(tmpdir(), "komon-dashboard-"));
afterAll(() => rmSync(folder, { recursive: true }));

const start = (name: string, ...words: string[]) =>
  Exporting.startAs("dashboard", "--history", join(folder, name), ...words);

describe("komon dashboard", () => {
  const noBrowser = chromium ? undefined : "there is no Chromium";
  testUnless(noBrowser, "shows moving numbers that equal /metrics, on a phone too", async () => {
    using listener = new TcpListener();
    const config = join(folder, "page.yaml");
    writeFileSync(config, `tcp:\n  local_ports: [${listener.port}]\n`);
    await using dashboard = await start("page.db", "--config.file", config);
    for (const width of [1200, 400]) {
      await using page = await Page.open(dashboard.base, width);
      const find = `[...document.querySelectorAll("td[data-key]")].find((c) => c.dataset.key === 'komon_tcp_connections{role="server"}')?.textContent`;
      await page.until(`${find} === "0"`);
      const pairs = Array.from({ length: 23 }, () => listener.pair());
      await page.until(`Number(${find}) === 23`);
      const metrics = samplesOf(await dashboard.page());
      expect(metrics.get('komon_tcp_connections{role="server"}')).toBe(23);
      await page.until("document.querySelector('#chart canvas')");
      expect(
        await page.evaluate<boolean>("document.documentElement.scrollWidth <= innerWidth"),
      ).toBe(true);
      await page.until("document.querySelectorAll('#connections tbody tr').length === 23");
      const [first] = pairs.splice(0, 1);
      first.client[Symbol.dispose]();
      first.server[Symbol.dispose]();
      await page.until(`Number(${find}) === 22`);
      for (const { client, server } of pairs) {
        client[Symbol.dispose]();
        server[Symbol.dispose]();
      }
    }
  });

  testUnless(
    noBrowser,
    "shows a VNF's stages, coverage, a heat map, and probes' targets",
    async () => {
      await using vnf = await startVnf("--delay", "50us");
      const config = join(folder, "targets.yaml");
      writeFileSync(config, "probes:\n  - targets: [127.0.0.1]\n");
      await using dashboard = await start(
        ...["vnf.db", "--no-tcp", "--config.file", config],
        ...["--vnf", `my "nat"=${vnf.ready.port}`],
      );
      await using page = await Page.open(dashboard.base);
      await page.until("document.querySelector('#state').textContent.includes(':')");
      const words = ["load", `127.0.0.1:${vnf.ready.port}`, "--pps", "200"];
      await using _load = new Until(Bun.spawn([...komonCommand, ...words], { stdio: silent }));
      expect(await page.until("document.querySelector('.stages .service')?.textContent")).toMatch(
        /^service \d+(\.\d+)? µs$/,
      );
      await page.until("document.querySelector('#heat').hidden === false");
      const cells = (section: string) =>
        `[...document.querySelectorAll('#${section} tbody tr:first-child td')].map((cell) => cell.textContent)`;
      await page.until(`Number.parseFloat(${cells("vnfs")}[1]) > 100`);
      const [name, , matched] = await page.evaluate<string[]>(cells("vnfs"));
      expect(name).toBe('my "nat"');
      expect(Number.parseFloat(matched)).toBeGreaterThan(50);
      await page.until(`/ (ns|µs|ms|s)$/.test(${cells("targets")}[1])`);
      expect(await page.evaluate<string>(`${cells("targets")}[0]`)).toBe("127.0.0.1 (icmp)");
    },
  );

  test("a restart loses nothing; a report has any range", async () => {
    const keys: string[][] = [];
    const oldest: number[] = [];
    for (let run = 0; run < 2; run++) {
      await using dashboard = await start("kept.db", "--no-tcp");
      await enough(dashboard);
      const query = `/api/history?key=process_resident_memory_bytes&from=0&to=${Date.now()}`;
      const points = JSON.parse(
        await dashboard.page(query.replace("from=0", `from=${Date.now() - 600e3}`)),
      );
      oldest.push(points[0].at);
      keys.push(JSON.parse(await dashboard.page("/api/keys")));
      const report = await dashboard.page("/report.csv");
      expect(report).toStartWith("series,points,min,mean,max,last\n");
      expect(report).toContain("\nprocess_resident_memory_bytes,");
      expect(await dashboard.page("/report")).toContain("<td>process_resident_memory_bytes</td>");
      await dashboard.stop();
    }
    expect(oldest[1]).toBe(oldest[0]);
    expect(keys[1]).toEqual(keys[0]);
  });

  test("what is no range is said; a report of all time stops nothing", async () => {
    await using dashboard = await start("ranges.db", "--no-tcp");
    await enough(dashboard);
    const ask = async (path: string) => {
      const answer = await fetch(`${dashboard.base}${path}`);
      return { status: answer.status, body: await answer.text() };
    };
    for (const path of ["/report", "/report.csv", "/api/history"]) {
      for (const range of [
        "from=yesterday",
        "from=2&to=1",
        "to=1e30",
        "from=-Infinity",
        "to=NaN",
      ]) {
        const { status, body } = await ask(`${path}?${range}`);
        expect([path, range, status]).toEqual([path, range, 400]);
        expect(body).toStartWith("from and to are in ms since 1970");
      }
    }
    const all = await Promise.all([1, 2, 3].map(() => ask("/report?from=0")));
    expect(all.map(({ status }) => status).sort()[0]).toBe(200);
    for (const { status } of all) expect([200, 503]).toContain(status);
    const { body } = await ask("/report?from=0");
    expect(body).toMatch(/<td>process_resident_memory_bytes<\/td>(<td>[\d.]+( MiB)?<\/td>){5}/);
    expect(dashboard.talk).not.toContain("defect");
    expect(dashboard.talk).not.toContain("RangeError");
  });

  test("a damaged history is set aside, an unusable one is told, and measuring goes on", async () => {
    writeFileSync(join(folder, "bad.db"), "this is no database, ".repeat(500));
    await using dashboard = await start("bad.db", "--no-tcp");
    await enough(dashboard);
    expect(readdirSync(folder).some((name) => name.startsWith("bad.db.corrupt-"))).toBe(true);
    await using nowhere = await Exporting.startAs(
      "dashboard",
      "--history",
      "/proc/none.db",
      "--no-tcp",
    );
    await nowhere.said(/cannot be used: .*; kept in memory/);
    await enough(nowhere);
  });

  test("alerts: pending, firing, webhook, silence, resolved", async () => {
    const told: { status: string; alert: string }[] = [];
    using hook = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => {
        told.push((await request.json()) as (typeof told)[0]);
        return new Response();
      },
    });
    const rules = join(folder, "alerts.yaml");
    writeFileSync(
      rules,
      `alerts:\n  - name: busy\n    series: 'komon_tcp_connections{role="server"}'\n    above: 9\n    for: 1s\n    webhook: ${hook.url}\n`,
    );
    using listener = new TcpListener();
    await using dashboard = await start("alerts.db", "--alerts", rules);
    const pairs = Array.from({ length: 10 }, () => listener.pair());
    while (told.length < 1) await Bun.sleep(20);
    expect(told[0]).toMatchObject({ alert: "busy", status: "firing" });
    const silence = (headers: Record<string, string>) =>
      fetch(`${dashboard.base}/api/silence?rule=busy`, { method: "POST", headers });
    expect((await silence({})).status).toBe(403);
    for (const { client, server } of pairs) {
      client[Symbol.dispose]();
      server[Symbol.dispose]();
    }
    while (told.length < 2) await Bun.sleep(20);
    expect(told[1]).toMatchObject({ alert: "busy", status: "resolved" });
    expect((await silence({ "x-komon": "1" })).status).toBe(200);
  });
});

test("a restart tells of no alert again; SIGHUP reads the rules again", async () => {
  const told: string[] = [];
  using hook = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      told.push(((await request.json()) as { status: string }).status);
      return new Response();
    },
  });
  const rules = join(folder, "kept.yaml");
  const rule = (name: string, above: number) =>
    `alerts: [{name: ${name}, series: process_open_fds, above: ${above}, webhook: "${hook.url}"}]`;
  writeFileSync(rules, rule("open", 1));
  for (let run = 0; run < 2; run++) {
    await using dashboard = await start("rules.db", "--no-tcp", "--alerts", rules);
    await dashboard.said(/serving/);
    if (run === 0) while (told.length < 1) await Bun.sleep(20);
    await enough(dashboard);
    expect(told).toEqual(["firing"]);
    if (run === 1) {
      writeFileSync(rules, "alerts: [{name: x}]");
      dashboard.signal("SIGHUP");
      await dashboard.said(/the old configuration stays in force: .*alerts\.0\.series/);
      writeFileSync(rules, rule("open", 1e6));
      dashboard.signal("SIGHUP");
      while (told.length < 2) await Bun.sleep(20);
      expect(told).toEqual(["firing", "resolved"]);
    }
    await dashboard.stop();
  }
});

/** Until a few samples are in the history. */
async function enough(dashboard: Exporting): Promise<void> {
  const query = () =>
    `/api/history?key=process_resident_memory_bytes&from=${Date.now() - 60e3}&to=${Date.now()}`;
  while (JSON.parse(await dashboard.page(query())).length < 3) await Bun.sleep(50);
}

const silent: ["ignore", "ignore", "ignore"] = ["ignore", "ignore", "ignore"];

/** A process that goes on until the test has seen what it wants. */
class Until implements AsyncDisposable {
  constructor(readonly process: Bun.Subprocess<"ignore", "ignore", "ignore">) {}

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGINT");
    await this.process.exited;
  }
}
