import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Exporting } from "../support/exporter.ts";
import { komonCommand } from "../support/komon.ts";
import { samplesOf } from "../support/prometheus.ts";
import { ownComm, TcpListener } from "../support/tcp.ts";

const folder = mkdtempSync(join(tmpdir(), "komon-otlp-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** As a user runs it: the SDK must work in the executable, too. */
const start = (...words: string[]) =>
  Exporting.spawn(
    ["env", "OTEL_EXPORTER_OTLP_HEADERS=x-tenant=23", ...komonCommand, "export"],
    words,
  );

test("pushes the numbers of /metrics to an OpenTelemetry collector, the last ones when it ends", async () => {
  using collector = new Collector();
  using listener = new TcpListener();
  const config = join(folder, "otlp.yaml");
  writeFileSync(config, `tcp:\n  remote_ports: [${listener.port}]\n`);
  await using exporting = await start(
    ...["--config.file", config, "--otlp.endpoint", collector.url, "--otlp.interval", "100ms"],
  );
  exchange(listener, 23);
  const rtt = () => collector.point("komon_tcp_rtt_seconds");
  while (rtt()?.count !== 23 * 3) await collector.next();

  const page = await exporting.page();
  const samples = samplesOf(page);
  const { bucketCounts, explicitBounds, attributes, sum } = rtt() as Point;
  expect(attributes).toEqual([{ key: "group", value: { stringValue: ownComm } }]);
  expect(sum).toBe(samples.get(`komon_tcp_rtt_seconds_sum{group="${ownComm}"}`) as number);
  let below = 0;
  for (const [i, bound] of [...explicitBounds, "+Inf"].entries()) {
    below += bucketCounts[i];
    const series = `komon_tcp_rtt_seconds_bucket{group="${ownComm}",le="${bound}"}`;
    expect([series, samples.get(series)]).toEqual([series, below]);
  }
  expect(collector.metric("komon_tcp_rtt_seconds")).toMatchObject({
    unit: "s",
    histogram: { aggregationTemporality: 2 },
  });
  expect(collector.metric("komon_tcp_sessions_total")).toMatchObject({
    unit: "1",
    sum: { isMonotonic: true, aggregationTemporality: 2 },
  });
  expect(collector.metric("process_resident_memory_bytes")?.gauge?.dataPoints.length).toBe(1);
  expect(collector.tenant).toBe("23");
  expect(collector.last?.resourceMetrics[0].resource.attributes).toContainEqual({
    key: "service.name",
    value: { stringValue: "komon" },
  });

  exchange(listener, 1);
  expect(await exporting.stop()).toBe(0);
  expect(rtt()?.count).toBe(24 * 3);
});

test("a collector that is not there, refuses or never answers is told once; scrapes go on, SIGTERM ends it", async () => {
  using mute = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  let refused = 0;
  using refusing = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0 },
    fetch: () => new Response("not you", { status: refused++ < 3 ? 403 : 200 }),
  });
  const cases: [string, RegExp][] = [
    [`http://127.0.0.1:${mute.port}`, /v1\/metrics: Request timed out/],
    [`http://127.0.0.1:${closedPort()}/`, /v1\/metrics: .*(ECONNREFUSED|[Cc]onnect)/],
    [refusing.url.href, /v1\/metrics: Forbidden[\s\S]*takes metrics again/],
  ];
  for (const [url, wanted] of cases) {
    await using exporting = await start(
      ...["--no-tcp", "--otlp.endpoint", url, "--otlp.interval", "100ms"],
    );
    await exporting.said(wanted);
    expect(await exporting.page()).toContain("komon_build_info");
    expect(await exporting.stop()).toBe(0);
    expect(exporting.talk.match(/v1\/metrics: /g)?.length).toBe(1);
  }
});

/** Sessions of a handshake, a request with its answer, and an end: three round trips the client knows of. */
function exchange(listener: TcpListener, times: number): void {
  for (let i = 0; i < times; i++) {
    const { client, server } = listener.pair();
    client.send(100);
    server.receive(100);
    server.send(50);
    client.receive(50);
    client[Symbol.dispose]();
    server.receive(1);
    server[Symbol.dispose]();
  }
}

function closedPort(): number {
  using listener = new TcpListener();
  return listener.port;
}

/** Takes what is pushed, and decodes it. */
class Collector implements Disposable {
  last: Pushed | undefined;
  tenant: string | null = null;
  readonly #stirred: (() => void)[] = [];
  readonly #server = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0 },
    fetch: async (request) => {
      expect([request.method, new URL(request.url).pathname]).toEqual(["POST", "/v1/metrics"]);
      this.tenant = request.headers.get("x-tenant");
      this.last = (await request.json()) as Pushed;
      for (const wake of this.#stirred.splice(0)) wake();
      return Response.json({});
    },
  });

  get url(): string {
    return this.#server.url.href;
  }

  next(): Promise<void> {
    return new Promise((wake) => this.#stirred.push(wake));
  }

  metric(name: string): Metric | undefined {
    const [{ scopeMetrics }] = this.last?.resourceMetrics ?? [{ scopeMetrics: [] }];
    return scopeMetrics[0]?.metrics.find((metric) => metric.name === name);
  }

  point(name: string): Point | undefined {
    return this.metric(name)?.histogram?.dataPoints[0];
  }

  [Symbol.dispose](): void {
    void this.#server.stop(true);
  }
}

interface Point {
  readonly count: number;
  readonly sum: number;
  readonly bucketCounts: readonly number[];
  readonly explicitBounds: readonly number[];
  readonly attributes: readonly object[];
}

interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly histogram?: { readonly dataPoints: readonly Point[] };
  readonly gauge?: { readonly dataPoints: readonly object[] };
}

interface Pushed {
  readonly resourceMetrics: readonly {
    readonly resource: { readonly attributes: readonly object[] };
    readonly scopeMetrics: readonly { readonly metrics: readonly Metric[] }[];
  }[];
}
