import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Exporting } from "../support/exporter.ts";
import { samplesOf } from "../support/prometheus.ts";
import { TcpListener, TcpSocket } from "../support/tcp.ts";

setDefaultTimeout(60_000);
const folder = mkdtempSync(join(tmpdir(), "komon-probe-"));
afterAll(() => rmSync(folder, { recursive: true }));

function start(text: string, ...words: string[]): Promise<Exporting> {
  const config = join(folder, `${Bun.hash(text)}.yaml`);
  writeFileSync(config, text);
  return Exporting.start("--no-tcp", "--config.file", config, ...words);
}

async function ask({ base }: Exporting, target: string, module = "tcp_connect") {
  const query = new URLSearchParams({ target, module });
  const answer = await fetch(`${base}/probe?${query}`, { keepalive: false });
  const body = await answer.text();
  return { status: answer.status, body, success: samplesOf(body).get("probe_success") };
}

/** A listener whose queue is full: whoever connects now is not answered. */
class Deaf implements Disposable {
  readonly #listener = new TcpListener("127.0.0.1", 0, 0);
  readonly #waiting: readonly TcpSocket[];
  readonly port = this.#listener.port;

  constructor() {
    this.#waiting = Array.from({ length: 3 }, () => TcpSocket.begin("127.0.0.1", this.port));
  }

  [Symbol.dispose](): void {
    for (const socket of this.#waiting) socket[Symbol.dispose]();
    this.#listener[Symbol.dispose]();
  }
}

describe("/probe", () => {
  test("takes names; one that there is not is a target that failed, not a failed scrape", async () => {
    using listener = new TcpListener();
    using six = new TcpListener("::1");
    await using exporting = await start("probe: {timeout: 20s}\n");
    const { port } = listener;
    for (const target of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${six.port}`]) {
      expect(await ask(exporting, target)).toMatchObject({ status: 200, success: 1 });
    }
    for (const module of ["tcp_connect", "icmp"]) {
      const target = module === "icmp" ? "komon.invalid" : "komon.invalid:80";
      expect(await ask(exporting, target, module)).toMatchObject({ status: 200, success: 0 });
    }
    for (const target of ["localhost", "localhost:0", "a b:80", "[::1:80", "x\u0000y:80", ":80"]) {
      expect([target, (await ask(exporting, target)).status]).toEqual([target, 400]);
    }
  });

  test("a target outside probe.allow is refused", async () => {
    using listener = new TcpListener();
    const allowed = `127.0.0.1:${listener.port}`;
    await using exporting = await start(`probe: {allow: ["${allowed}"]}\n`);
    expect(await ask(exporting, allowed)).toMatchObject({ status: 200, success: 1 });
    expect(await ask(exporting, `localhost:${listener.port}`)).toMatchObject({
      status: 400,
      body: expect.stringContaining("is not among probe.allow"),
    });
    expect((await ask(exporting, "127.0.0.1", "icmp")).status).toBe(400);
  });

  test("a connect that is given up is closed", async () => {
    using deaf = new Deaf();
    await using exporting = await start("probe: {timeout: 1s}\n");
    const openFiles = async () => samplesOf(await exporting.page()).get("process_open_fds") ?? 0;
    await exporting.page();
    const before = await openFiles();
    const target = `127.0.0.1:${deaf.port}`;
    for (let round = 0; round < 2; round++) {
      const all = await Promise.all(Array.from({ length: 23 }, () => ask(exporting, target)));
      expect(all.map(({ success }) => success)).toEqual(Array(23).fill(0));
    }
    while ((await openFiles()) > before) await Bun.sleep(20);
  });

  test("more at once than it can do are sent away, and scrapes are answered meanwhile", async () => {
    using deaf = new Deaf();
    await using exporting = await start("probe: {timeout: 2s}\n");
    const asked = Array.from({ length: 100 }, () => ask(exporting, `127.0.0.1:${deaf.port}`));
    expect(await exporting.page()).toContain("komon_build_info");
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 503).length).toBe(100 - 64);
    expect(statuses.filter((status) => status === 200).length).toBe(64);
    expect((await ask(exporting, "127.0.0.1", "icmp")).success).toBe(1);
  });

  test("after --user a connect works; an echo says why it does not", async () => {
    using listener = new TcpListener();
    await using exporting = await start("", "--user", "nobody");
    expect(await ask(exporting, `127.0.0.1:${listener.port}`)).toMatchObject({ success: 1 });
    const echo = await ask(exporting, "127.0.0.1", "icmp");
    expect(echo.status).toBe(503);
    expect(echo.body).toContain("komon has become --user and given up its rights");
  });
});
