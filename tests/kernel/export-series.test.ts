import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Exporting } from "../support/exporter.ts";
import { samplesOf } from "../support/prometheus.ts";
import { ownComm, TcpListener, TcpSocket } from "../support/tcp.ts";

const folder = mkdtempSync(join(tmpdir(), "komon-series-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Clients of this listener only. */
function start(listener: TcpListener, ...words: string[]): Promise<Exporting> {
  const config = join(folder, `${listener.port}.yaml`);
  writeFileSync(config, `tcp:\n  remote_ports: [${listener.port}]\n`);
  return Exporting.start("--config.file", config, ...words);
}

function visit(host: string, listener: TcpListener): void {
  const { socket: client } = TcpSocket.connect(host, listener.port);
  const server = listener.accept();
  client[Symbol.dispose]();
  server.receive(1);
  server[Symbol.dispose]();
}

describe("komon_tcp_rtt_seconds", () => {
  test("has so many groups and no more; what went to other is counted", async () => {
    using listener = new TcpListener("0.0.0.0");
    await using exporting = await start(listener, "--tcp.by", "raddr", "--max-series", "5");
    for (let i = 1; i <= 23; i++) visit(`127.0.0.${i}`, listener);
    const samples = samplesOf(await exporting.page());
    const groups = [...samples].filter(([key]) => key.startsWith("komon_tcp_rtt_seconds_count"));
    expect(groups.length).toBe(5 + 1);
    const other = 'komon_tcp_rtt_seconds_count{group="other"}';
    expect(samples.get(other)).toBe(18 * 2); // handshake and end
    const folded = 'komon_series_folded_total{metric="komon_tcp_rtt_seconds"}';
    expect(samples.get(folded)).toBe(18);
    visit("127.0.0.99", listener);
    expect(samplesOf(await exporting.page()).get(folded)).toBe(19);
  });

  test("programs whose names are written alike are one series", async () => {
    using listener = new TcpListener();
    await using exporting = await start(listener);
    try {
      for (const name of [[0xfe], [0xff], Buffer.from("other"), Buffer.from("unknown"), []]) {
        writeFileSync("/proc/self/comm", Buffer.from(name));
        visit("127.0.0.1", listener);
      }
    } finally {
      writeFileSync("/proc/self/comm", ownComm);
    }
    const page = await exporting.page();
    const lines = page.split("\n").filter((line) => line.startsWith("komon_tcp_rtt_seconds_count"));
    expect(lines.sort()).toEqual([
      'komon_tcp_rtt_seconds_count{group="other"} 2',
      'komon_tcp_rtt_seconds_count{group="unknown"} 4',
      'komon_tcp_rtt_seconds_count{group="\ufffd"} 4',
    ]);
    const keys = page.split("\n").map((line) => line.replace(/ \S+$/, ""));
    expect(keys.filter((key, at) => key !== "" && keys.indexOf(key) < at)).toEqual([]);
  });
});
