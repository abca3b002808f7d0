/** komon export beside node_exporter: what a scrape takes, and what it costs. */
import { readdirSync, readFileSync } from "node:fs";
import { formatBytes, formatCount, formatNs } from "../../src/base/units.ts";
import { monotonicNs } from "../../src/kernel/libc.ts";
import { table } from "../../src/sinks/table.ts";
import { prometheusTool } from "../../tests/support/prometheus.ts";
import { TcpListener } from "../../tests/support/tcp.ts";
import { lineOf } from "../../tests/support/world.ts";

interface Scraped {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  readonly takenNs: number[];
  cpuNs: number;
}

const rounds = 8;
const scrapesPerRound = 10;

/** Scrapes in turn, 10 of one, 10 of the other, so that both see the same machine. */
export async function scrape(series: number): Promise<void> {
  const komon = Bun.spawn(
    [
      ...["dist/komon", "export", "--web.listen-address", "127.0.0.1:19440", "--tcp.by", "raddr"],
      ...["--max-series", "2000"],
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  using ended = new DisposableStack();
  ended.defer(() => komon.kill());
  await lineOf(komon.stderr, /serving/);
  await fill(series);
  const scraped: Scraped[] = [
    { name: "komon", pid: komon.pid, url: "http://127.0.0.1:19440/metrics", takenNs: [], cpuNs: 0 },
  ];
  const path = await prometheusTool("prometheus-node-exporter");
  if (path) {
    const node = Bun.spawn([path, "--web.listen-address=127.0.0.1:19441"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    ended.defer(() => node.kill());
    await lineOf(node.stderr, /[Ll]istening on|TLS is disabled/);
    scraped.push({
      ...scraped[0],
      name: "node_exporter",
      pid: node.pid,
      url: "http://127.0.0.1:19441/metrics",
      takenNs: [],
    });
  }
  for (const one of scraped) for (let i = 0; i < 30; i++) await (await fetch(one.url)).text();
  for (let round = 0; round < rounds; round++) {
    for (const one of scraped) {
      const before = cpuNs(one.pid);
      for (let i = 0; i < scrapesPerRound; i++) {
        const begin = monotonicNs();
        await (await fetch(one.url)).text();
        one.takenNs.push(monotonicNs() - begin);
      }
      one.cpuNs += cpuNs(one.pid) - before;
    }
  }
  const rows = await Promise.all(scraped.map(row));
  const columns = [
    { key: "exporter", unit: "text" },
    { key: "series", unit: "count" },
    { key: "p50", unit: "text" },
    { key: "p99", unit: "text" },
    { key: "cpu", title: "CPU per scrape", unit: "text" },
    { key: "rss", title: "resident", unit: "text" },
  ] as const;
  console.log(table({ columns: [...columns], rows }));
}

async function row(one: Scraped) {
  const page = await (await fetch(one.url)).text();
  const series = page.split("\n").filter((line) => line && !line.startsWith("#")).length;
  const sorted = [...one.takenNs].sort((a, b) => a - b);
  const at = (q: number) => formatNs(sorted[Math.floor(q * (sorted.length - 1))]);
  const status = readFileSync(`/proc/${one.pid}/status`, "utf8");
  return {
    exporter: one.name,
    series: Number(formatCount(series).replaceAll(",", "")),
    p50: at(0.5),
    p99: at(0.99),
    cpu: formatNs(one.cpuNs / one.takenNs.length),
    rss: formatBytes(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024),
  };
}

/** Connections to so many addresses that the page has about that many series. */
async function fill(series: number): Promise<void> {
  const own = 550; // of komon itself, with no connection at all
  const perAddress = 40;
  const addresses = Math.ceil((series - own) / perAddress);
  for (let i = 0; i < addresses; i++) {
    using listener = new TcpListener(`127.1.${i >> 8}.${(i & 255) + 1}`);
    const { client, server } = listener.pair();
    client.send(1);
    server.receive(1);
    client[Symbol.dispose]();
    server[Symbol.dispose]();
  }
}

/** CPU time of all threads, in ns, as the scheduler counts it. */
function cpuNs(pid: number): number {
  let sum = 0;
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    sum += Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, "utf8").split(" ")[0]);
  }
  return sum;
}
