/** The thesis's comparison: the share of the CPUs that collector and exporter take, beside node_exporter and Prometheus. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { prometheusTool } from "../../tests/support/prometheus.ts";
import { TcpListener } from "../../tests/support/tcp.ts";
import { lineOf } from "../../tests/support/world.ts";
import { printRows } from "../table.ts";
import { flameGraph } from "./flame.ts";
import { profile, type Stack } from "./perf.ts";

const seconds = 30;
const graph = "results/bench/export-flame.svg";

/** Prometheus scrapes komon and node_exporter every second, while programs talk TCP. */
export async function share(): Promise<void> {
  const [nodeExporter, prometheus] = await Promise.all(
    ["prometheus-node-exporter", "prometheus"].map((name) => prometheusTool(name)),
  );
  if (!nodeExporter || !prometheus || !Bun.which("perf")) {
    console.log("shares of the CPU: needs perf, prometheus and prometheus-node-exporter");
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "komon-share-"));
  using ended = new DisposableStack();
  ended.defer(() => rmSync(folder, { recursive: true }));
  const start = async (ready: RegExp, ...command: string[]) => {
    const child = Bun.spawn(command, { stdio: ["ignore", "ignore", "pipe"] });
    ended.defer(() => child.kill("SIGKILL"));
    await lineOf(child.stderr, ready);
    return child.pid;
  };
  const komon = await start(
    /serving/,
    ...["dist/komon", "export", "--vnf", "1234", "--web.listen-address", "127.0.0.1:19440"],
  );
  const node = await start(
    /[Ll]istening on|TLS is disabled/,
    ...[nodeExporter, "--web.listen-address=127.0.0.1:19441"],
  );
  const config = join(folder, "prometheus.yml");
  const targets = ["127.0.0.1:19440", "127.0.0.1:19441"];
  await Bun.write(
    config,
    `scrape_configs: [{job_name: all, scrape_interval: 1s, static_configs: [{targets: ${JSON.stringify(targets)}}]}]`,
  );
  const server = await start(
    /Server is ready/,
    ...[prometheus, `--config.file=${config}`, `--storage.tsdb.path=${folder}/data`],
    "--web.listen-address=127.0.0.1:19442",
  );
  await talk(5);
  const stacks = await profile(() => talk(seconds));
  const of = (chosen: (stack: Stack) => boolean) => stacks.filter(chosen).length / stacks.length;
  const inBpf = ({ frames }: Stack) => frames.some((frame) => frame.startsWith("bpf_prog_"));
  const exporter = of((stack) => stack.pid === komon && !inBpf(stack));
  const collector = of(inBpf);
  const nodeShare = of((stack) => stack.pid === node && !inBpf(stack));
  const prometheusShare = of((stack) => stack.pid === server && !inBpf(stack));
  const row = (what: string, share: number, peer = "") => ({
    ...{ what, measured: `${(100 * share).toFixed(3)} %`, must: "", aim: "", peer },
    met: undefined,
  });
  printRows(`shares of ${cpus().length} CPUs over ${seconds} s, scrapes every second`, [
    row("collector: BPF programs, whomever they interrupt", collector),
    row("exporter: komon export", exporter),
    row("both", collector + exporter, "thesis: 1/6 of node_exporter's"),
    row("node_exporter", nodeShare),
    row("Prometheus, which scrapes both", prometheusShare),
  ]);
  mkdirSync("results/bench", { recursive: true });
  const shown = stacks.filter(({ pid }) => [komon, node, server].includes(pid));
  const named = shown.map(({ comm, pid, frames }) => [
    pid === komon ? "komon" : pid === node ? "node_exporter" : "prometheus",
    comm,
    ...frames,
  ]);
  await Bun.write(graph, flameGraph(named, `komon, node_exporter, Prometheus: ${seconds} s`));
  console.log(`flame graph: ${graph}`);
}

/** Requests and answers, some thousands of packets a second, and ten connects. */
async function talk(forSeconds: number): Promise<void> {
  using listener = new TcpListener();
  const end = performance.now() + forSeconds * 1000;
  while (performance.now() < end) {
    const { client, server } = listener.pair();
    for (let i = 0; i < 20; i++) {
      for (let k = 0; k < 10; k++) {
        client.send(64);
        server.receive(64);
        server.send(64);
        client.receive(64);
      }
      await Bun.sleep(5);
    }
    client[Symbol.dispose]();
    server[Symbol.dispose]();
  }
}
