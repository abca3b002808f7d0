import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Exporting } from "../support/exporter.ts";
import { testUnless } from "../support/needs.ts";
import { prometheusTool, promtoolSays, samplesOf } from "../support/prometheus.ts";
import { TcpListener, TcpSocket } from "../support/tcp.ts";

setDefaultTimeout(120_000); // connections are given ten seconds
const folder = mkdtempSync(join(tmpdir(), "komon-hostile-"));
afterAll(() => rmSync(folder, { recursive: true }));
const promtool = await prometheusTool("promtool");
const noPrometheus = promtool ? undefined : "there is no Prometheus to be had";

const ask = "GET /metrics HTTP/1.1\r\nHost: komon\r\n\r\n";
/** A page of some 290 kB. */
const large = Array.from({ length: 16 }, (_, i) => ["--vnf", `vnf${i}=${i + 1}`]).flat();

function connect({ base }: Exporting): TcpSocket {
  const { hostname, port } = new URL(base);
  return TcpSocket.connect(hostname, Number(port)).socket;
}

const openFiles = async (exporting: Exporting) =>
  samplesOf(await exporting.page()).get("process_open_fds") as number;

describe("scrapers that mean no good", () => {
  test("silent, endless and half requests are ended, and scrapes are answered meanwhile", async () => {
    await using exporting = await Exporting.start("--no-tcp");
    await exporting.page();
    const before = await openFiles(exporting);
    const three = () => Array.from({ length: 3 }, () => connect(exporting));
    const sockets = Array.from({ length: 23 }, three); // silent, half, endless
    for (const [, half, endless] of sockets) {
      half.write("GET /metrics HTTP/1.1\r\nHost: ko");
      endless.write("GET /metrics HTTP/1.1\r\nX-Endless: ");
    }
    // The kernel keeps silent ones to itself.
    expect(await openFiles(exporting)).toBeGreaterThanOrEqual(before + 46);
    while ((await openFiles(exporting)) > before) {
      for (const [, , endless] of sockets) endless.write("x");
      await Bun.sleep(100);
    }
    for (const socket of sockets.flat()) socket[Symbol.dispose]();
  });

  test("who asks again and again and never reads costs no memory, and is ended", async () => {
    await using exporting = await Exporting.start("--no-tcp", ...large);
    expect((await exporting.page()).length).toBeGreaterThan(250_000);
    const now = async (name: string) => samplesOf(await exporting.page()).get(name) as number;
    for (let i = 0; i < 100; i++) await exporting.page();
    const before = await openFiles(exporting);
    const used = await now("process_resident_memory_bytes");
    const sockets = Array.from({ length: 46 }, () => connect(exporting));
    for (const [i, socket] of sockets.entries()) socket.write(ask.repeat(i % 2 ? 1 : 100));
    while ((await now("komon_scrapes_total")) < 100 + 46);
    let most = 0;
    while ((await openFiles(exporting)) > before) {
      most = Math.max(most, await now("process_resident_memory_bytes"));
      await Bun.sleep(100);
    }
    expect(most - used).toBeLessThan(100e6); // of 680 MB that were asked for
    for (const socket of sockets) socket[Symbol.dispose]();
  });

  test("a scrape under way is answered whole when SIGTERM comes; one that nobody reads does not hold it up", async () => {
    await using exporting = await Exporting.start("--no-tcp", ...large);
    const length = (await exporting.page()).length;
    const [reader, stuck] = [connect(exporting), connect(exporting)];
    for (const socket of [reader, stuck]) socket.write(ask.repeat(socket === stuck ? 100 : 1));
    expect(reader.receive(100)).toBe(100);
    const ended = exporting.stop();
    // The numbers change while it is being read, its length a little with them.
    expect(reader.receive(length * 2)).toBeGreaterThan(length - 200);
    expect(await ended).toBe(0);
  });

  test("wrong passwords: ten, then 429 for that address, right ones too, and for no other", async () => {
    const web = join(folder, "web.yaml");
    const hash = await Bun.password.hash("right", { algorithm: "bcrypt", cost: 4 });
    writeFileSync(web, `basic_auth_users:\n  ops: ${hash}\n`);
    await using exporting = await Exporting.start(
      ...["--no-tcp", "--web.config.file", web],
      ...["--web.listen-address", "127.0.0.1:0", "--web.listen-address", "[::1]:0"],
    );
    await exporting.said(/\[::1\]:\d+/);
    const six = `http://${/\[::1\]:\d+/.exec(exporting.talk)?.[0]}`;
    const status = async (base: string, password: string) => {
      const authorization = `Basic ${btoa(`ops:${password}`)}`;
      const { status, headers } = await fetch(`${base}/metrics`, { headers: { authorization } });
      return [status, headers.get("retry-after")];
    };
    for (let i = 0; i < 10; i++) expect(await status(exporting.base, `${i}`)).toEqual([401, null]);
    expect(await status(exporting.base, "right")).toEqual([429, "60"]);
    expect(await status(six, "right")).toEqual([200, null]);
  });
});

testUnless(
  noPrometheus,
  "names with quotes, newlines, backslashes and UTF-8 are labels that come back",
  async () => {
    const name = 'a "quoted" one,\nof \\two\\n lines {é="漢🦊"}\t#';
    const config = join(folder, "names.yaml");
    writeFileSync(config, `vnfs:\n  - name: ${JSON.stringify(name)}\n    port: 5\n`);
    await using exporting = await Exporting.start("--no-tcp", "--config.file", config);
    expect(await promtoolSays(promtool as string, await exporting.page())).toBe("");
    const prometheus = await Prometheus.start(exporting);
    await using _ended = prometheus;
    expect(await prometheus.label("komon_vnf_packets_in_flight", "vnf")).toEqual([name]);
  },
);

/** A Prometheus that scrapes this one exporter. */
class Prometheus implements AsyncDisposable {
  private constructor(
    readonly child: Bun.Subprocess,
    readonly port: number,
  ) {}

  static async start({ base }: Exporting): Promise<Prometheus> {
    const config = join(folder, "prometheus.yml");
    writeFileSync(
      config,
      `scrape_configs: [{job_name: komon, scrape_interval: 200ms, scrape_timeout: 200ms, static_configs: [{targets: ["${new URL(base).host}"]}]}]`,
    );
    using free = new TcpListener();
    const { port } = free;
    free[Symbol.dispose]();
    const child = Bun.spawn(
      [
        ...[(await prometheusTool("prometheus")) as string, `--config.file=${config}`],
        ...[`--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`],
      ],
      { stdio: ["ignore", "ignore", "ignore"] },
    );
    return new Prometheus(child, port);
  }

  /** Values that a label of a metric has, as soon as there are any. */
  async label(metric: string, label: string): Promise<string[]> {
    const url = `http://127.0.0.1:${this.port}/api/v1/query?query=${metric}`;
    for (;;) {
      const answer = await fetch(url).catch(() => undefined); // not up yet
      const body = answer?.ok ? ((await answer.json()) as Answer) : undefined;
      const result = body?.data.result ?? [];
      if (result.length > 0) return result.map(({ metric: labels }) => labels[label]);
      await Bun.sleep(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }
}

interface Answer {
  readonly data: { readonly result: readonly { readonly metric: Record<string, string> }[] };
}
