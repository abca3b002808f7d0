import { afterAll, expect, setDefaultTimeout } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Exporting } from "../support/exporter.ts";
import { run, top } from "../support/komon.ts";
import { testUnless } from "../support/needs.ts";
import { prometheusTool } from "../support/prometheus.ts";
import { TcpListener } from "../support/tcp.ts";
import { send, startVnf } from "../support/traffic.ts";

setDefaultTimeout(120_000);
const folder = mkdtempSync(join(tmpdir(), "komon-bundle-"));
afterAll(() => rmSync(folder, { recursive: true }));
const promtool = await prometheusTool("promtool");
const prometheus = await prometheusTool("prometheus");
const noPrometheus = promtool && prometheus ? undefined : "there is no Prometheus to be had";

testUnless(
  noPrometheus,
  "the rules pass promtool, and every query of every dashboard has data",
  async () => {
    await using vnf = await startVnf("--delay", "20us");
    const settings = join(folder, "komon.yaml");
    await Bun.write(settings, "probes:\n  - targets: [127.0.0.1]\n");
    await using exporting = await Exporting.start(
      ...["--vnf", `nat=${vnf.ready.port}`, "--config.file", settings],
    );
    const target = new URL(exporting.base).host;
    const bundle = [
      process.execPath,
      join(top, "src/main.ts"),
      "dashboard",
      "--prometheus",
      folder,
    ];
    expect(await run([...bundle, "--web.listen-address", target])).toMatchObject({ code: 0 });
    const rules = join(folder, "prometheus/komon.rules.yml");
    const config = join(folder, "prometheus/prometheus.yml");
    expect(await run([promtool as string, "check", "rules", rules])).toMatchObject({ code: 0 });
    expect(await run([promtool as string, "check", "config", config])).toMatchObject({ code: 0 });

    // As written, but for the pace.
    const quick = readFileSync(config, "utf8").replace(/15s/, "200ms").replace(/30s/, "200ms");
    await Bun.write(config, quick);
    const port = freePort();
    const server = Bun.spawn(
      [
        ...[prometheus as string, `--config.file=${config}`, `--storage.tsdb.path=${folder}/data`],
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ["ignore", "ignore", "ignore"] },
    );
    using _ended = { [Symbol.dispose]: () => server.kill("SIGKILL") };
    const queries = readdirSync(join(folder, "grafana/dashboards")).flatMap((name) =>
      queriesOf(readFileSync(join(folder, "grafana/dashboards", name), "utf8")),
    );
    expect(queries.length).toBeGreaterThan(30);
    expect(await run([...bundle, "--web.listen-address", target])).toMatchObject({ code: 2 }); // edited
    let without = queries;
    using listener = new TcpListener();
    while (without.length > 0) {
      await send(`127.0.0.1:${vnf.ready.port}`, "--pps", "1k", "--count", "23");
      const { client, server: accepted } = listener.pair();
      client.send(1);
      accepted.receive(1);
      client[Symbol.dispose]();
      accepted[Symbol.dispose]();
      const empty: string[] = [];
      for (const expr of without) if (!(await hasData(port, expr))) empty.push(expr);
      without = empty;
    }
  },
);

function queriesOf(text: string): string[] {
  const { panels } = JSON.parse(text) as { panels: { targets: { expr: string }[] }[] };
  return panels.flatMap(({ targets }) =>
    targets.map(({ expr }) =>
      expr.replaceAll("$__rate_interval", "30s").replaceAll("$instance", ".*"),
    ),
  );
}

async function hasData(port: number, expr: string): Promise<boolean> {
  const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expr)}`;
  const answer = await fetch(url).catch(() => undefined); // not up yet
  if (!answer?.ok) return false;
  const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
  return data.result.some(({ value }) => value[1] !== "NaN");
}

function freePort(): number {
  using listener = new TcpListener();
  return listener.port;
}
