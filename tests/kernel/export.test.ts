import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Exporting } from "../support/exporter.ts";
import { komon, run } from "../support/komon.ts";
import { testUnless } from "../support/needs.ts";
import { prometheusTool, promtoolSays, samplesOf } from "../support/prometheus.ts";
import { ownComm, TcpListener, TcpSocket } from "../support/tcp.ts";
import { Sink, send, startVnf } from "../support/traffic.ts";

setDefaultTimeout(60_000); // Prometheus takes its time to start

const folder = mkdtempSync(join(tmpdir(), "komon-export-"));
afterAll(() => rmSync(folder, { recursive: true }));
const promtool = await prometheusTool("promtool");
const prometheus = await prometheusTool("prometheus");
const noPrometheus = promtool && prometheus ? undefined : "there is no Prometheus to be had";

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** 23 sessions with 10 requests each. */
function sessions(listener: TcpListener): void {
  for (let i = 0; i < 23; i++) {
    const { client, server } = listener.pair();
    for (let k = 0; k < 10; k++) {
      client.send(100);
      server.receive(100);
      server.send(50);
      client.receive(50);
    }
    client[Symbol.dispose]();
    server.receive(1);
    server[Symbol.dispose]();
  }
}

describe("komon export", () => {
  test("counts TCP sessions, connects and round-trip times exactly", async () => {
    using listener = new TcpListener();
    const config = file("tcp.yaml", `tcp:\n  remote_ports: [${listener.port}]\n`);
    await using exporting = await Exporting.start("--config.file", config);
    sessions(listener);
    expect(() => TcpSocket.connect("127.0.0.1", 1)).toThrow();
    const samples = samplesOf(await exporting.page());
    const ended = `komon_tcp_sessions_total{comm="${ownComm}",role="client",reason="local"}`;
    expect(samples.get(ended)).toBe(23);
    expect(samples.get(`komon_tcp_session_sent_bytes_total{comm="${ownComm}"}`)).toBe(23_000);
    expect(samples.get(`komon_tcp_session_received_bytes_total{comm="${ownComm}"}`)).toBe(11_500);
    expect(samples.get(`komon_tcp_connect_seconds_count{comm="${ownComm}",result="ok"}`)).toBe(23);
    expect(
      samples.get(`komon_tcp_connect_seconds_bucket{comm="${ownComm}",result="ok",le="+Inf"}`),
    ).toBe(23);
    // The handshake, ten requests and the FIN of each session.
    expect(samples.get(`komon_tcp_rtt_seconds_count{group="${ownComm}"}`)).toBe(23 * 12);
    expect(samples.get('komon_bpf_programs{probe="tcp"}')).toBe(5);
    expect(samples.get('komon_events_total{probe="tcp"}')).toBe(23 * 2); // connects and ends
    expect(samples.get('komon_decode_errors_total{probe="tcp"}')).toBe(0);
  });

  test("shows a VNF's spans as the probe has them, packet by packet", async () => {
    await using vnf = await startVnf("--delay", "20us");
    const { port } = vnf.ready;
    await using exporting = await Exporting.start("--no-tcp", "--vnf", `nat=${port}`);
    await send(`127.0.0.1:${port}`, "--pps", "1k", "--count", "230");
    const samples = samplesOf(await exporting.page());
    const of = (name: string) => samples.get(`komon_vnf_span_seconds_${name}`) as number;
    for (const span of ["service", "queue", "sojourn"]) {
      expect(of(`count{vnf="nat",span="${span}"}`)).toBe(230);
    }
    const sum = (span: string) => of(`sum{vnf="nat",span="${span}"}`);
    expect(sum("queue") + sum("service")).toBeCloseTo(sum("sojourn"), 9);
    expect(sum("service")).toBeGreaterThan(230 * 20e-6);
    expect(samples.get('komon_vnf_packets_total{vnf="nat",outcome="matched"}')).toBe(230);
  });

  test("a packet that a VNF has not given back for long is in flight, and no counter falls", async () => {
    await using vnf = await startVnf();
    await using exporting = await Exporting.start("--no-tcp", "--vnf", `nat=${vnf.ready.port}`);
    const outcomes = async () => {
      const samples = samplesOf(await exporting.page());
      const total = (outcome: string) =>
        samples.get(`komon_vnf_packets_total{vnf="nat",outcome="${outcome}"}`) as number;
      const inFlight = samples.get('komon_vnf_packets_in_flight{vnf="nat"}');
      return { matched: total("matched"), expired: total("expired"), inFlight };
    };
    using sink = new Sink();
    vnf.signal("SIGSTOP");
    while (!readFileSync(`/proc/${vnf.ready.pid}/stat`, "utf8").includes(") T "))
      await Bun.sleep(1);
    for (let i = 0; i < 23; i++) sink.send(new Uint8Array(64), "127.0.0.1", vnf.ready.port);
    await Bun.sleep(1_100); // by then they are late
    expect(await outcomes()).toEqual({ matched: 0, expired: 0, inFlight: 23 });
    vnf.signal("SIGCONT");
    while ((await outcomes()).matched < 23) await Bun.sleep(10);
    expect(await outcomes()).toEqual({ matched: 23, expired: 0, inFlight: 0 });
  });

  test("probes targets in the background, and one when it is asked", async () => {
    const config = file(
      "probes.yaml",
      'probes:\n  - targets: [127.0.0.1, "::1"]\n  - targets: [127.0.0.1]\n    kind: tcp\n    port: 1\n',
    );
    await using exporting = await Exporting.start("--no-tcp", "--config.file", config);
    const answers = (kind: string, target: string) =>
      `komon_probe_answers_total{kind="${kind}",target="${target}"}`;
    let samples = new Map<string, number>();
    const all = [
      answers("icmp", "127.0.0.1"),
      answers("icmp", "::1"),
      answers("tcp", "127.0.0.1:1"),
    ];
    while (!all.every((key) => (samples.get(key) ?? 0) >= 2)) {
      samples = samplesOf(await exporting.page());
      await Bun.sleep(50);
    }
    const count = 'komon_probe_rtt_seconds_count{kind="icmp",target="127.0.0.1"}';
    expect(samples.get(count)).toBe(samples.get(all[0]) as number);
    expect(samples.get('komon_probe_hook_events_total{kind="icmp",event="dropped"}')).toBe(
      samples.get('komon_probe_hook_events_total{kind="icmp",event="matched"}') as number,
    );
    // XDP or tc for each session, the hook where packets leave for each, and what they handed up.
    expect(samples.get('komon_bpf_programs{probe="probe"}')).toBeGreaterThanOrEqual(4);
    const taken = samples.get('komon_events_total{probe="probe"}') as number;
    expect(taken).toBeGreaterThanOrEqual(6);
    const echo = samplesOf(await exporting.page("/probe?target=127.0.0.1&module=icmp"));
    expect(echo.get("probe_success")).toBe(1);
    expect(echo.get("probe_icmp_rtt_seconds")).toBeLessThan(1);
    expect(await exporting.stop()).toBe(0);
  });

  testUnless(noPrometheus, "promtool has nothing to say", async () => {
    await using exporting = await Exporting.start("--vnf", 'a "quoted"\\ name=5');
    expect(await promtoolSays(promtool as string, await exporting.page())).toBe("");
    const probe = await exporting.page("/probe?target=127.0.0.1:1");
    expect(await promtoolSays(promtool as string, probe)).toBe("");
  });

  testUnless(noPrometheus, "a real Prometheus scrapes it, native histograms too", async () => {
    using listener = new TcpListener();
    const config = file("native.yaml", `tcp:\n  remote_ports: [${listener.port}]\n`);
    await using exporting = await Exporting.start("--config.file", config);
    sessions(listener);
    const target = new URL(exporting.base).host;
    const scrape = file(
      "prometheus.yml",
      `scrape_configs: [{job_name: komon, scrape_interval: 200ms, scrape_timeout: 200ms, static_configs: [{targets: ["${target}"]}]}]`,
    );
    for (const feature of ["", "native-histograms"]) {
      const port = freePort();
      const server = Bun.spawn(
        [
          ...[prometheus as string, `--config.file=${scrape}`],
          ...[`--storage.tsdb.path=${join(folder, `data-${feature}`)}`],
          `--web.listen-address=127.0.0.1:${port}`,
          ...(feature ? [`--enable-feature=${feature}`] : []),
        ],
        { stdio: ["ignore", "ignore", "ignore"] },
      );
      try {
        const count = feature
          ? "histogram_count(komon_tcp_rtt_seconds)"
          : "komon_tcp_rtt_seconds_count";
        const [[, value]] = await query(port, count);
        expect(Number(value)).toBe(23 * 12);
        const bucket = feature ? "komon_tcp_rtt_seconds" : "komon_tcp_rtt_seconds_bucket";
        const [[, median]] = await query(port, `histogram_quantile(0.5, ${bucket})`);
        expect(Number(median)).toBeGreaterThan(1e-6);
        expect(Number(median)).toBeLessThan(1);
      } finally {
        server.kill("SIGKILL");
        await server.exited;
      }
    }
  });

  test("SIGHUP: no counter is lost; on a mistake the old configuration stays in force", async () => {
    using listener = new TcpListener();
    const good = `tcp:\n  remote_ports: [${listener.port}]\n`;
    const config = file("reload.yaml", good);
    await using exporting = await Exporting.start("--config.file", config);
    sessions(listener);
    const sessionsNow = async () =>
      samplesOf(await exporting.page()).get(
        `komon_tcp_sessions_total{comm="${ownComm}",role="client",reason="local"}`,
      );
    expect(await sessionsNow()).toBe(23);
    writeFileSync(config, `${good}vnfs:\n  - port: 5\n    name: late\n`);
    exporting.signal("SIGHUP");
    await exporting.said(/the configuration is reloaded/);
    expect(await sessionsNow()).toBe(23);
    expect(await exporting.page()).toContain('komon_vnf_packets_total{vnf="late"');
    writeFileSync(config, "tcp:\n  by: planet\n");
    const refused = await fetch(`${exporting.base}/-/reload`, { method: "POST" });
    expect(refused.status).toBe(500);
    expect(await refused.text()).toMatch(/line 2: tcp\.by/);
    const samples = samplesOf(await exporting.page());
    expect(samples.get('komon_config_reloads_total{result="failure"}')).toBe(1);
    expect(await sessionsNow()).toBe(23);
  });

  test("TLS and passwords by the web configuration file", async () => {
    const key = join(folder, "key.pem");
    const cert = join(folder, "cert.pem");
    await run([
      ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
      ...["-nodes", "-days", "1", "-subj", "/CN=localhost", "-keyout", key, "-out", cert],
    ]);
    const hash = await Bun.password.hash("secret", { algorithm: "bcrypt", cost: 4 });
    const web = file(
      "web.yaml",
      `tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\nbasic_auth_users:\n  ops: ${hash.replace("$2b", "$2y")}\n`,
    );
    await using exporting = await Exporting.start("--web.config.file", web);
    expect(exporting.base).toStartWith("https://");
    const get = (password: string | undefined) =>
      fetch(`${exporting.base}/metrics`, {
        tls: { rejectUnauthorized: false },
        ...(password && { headers: { authorization: `Basic ${btoa(`ops:${password}`)}` } }),
      } as RequestInit);
    expect((await get(undefined)).status).toBe(401);
    expect((await get("wrong")).status).toBe(401);
    const welcome = await get("secret");
    expect(welcome.status).toBe(200);
    expect(await welcome.text()).toContain("komon_build_info");
  });

  test("only what is there, and only by reading", async () => {
    await using exporting = await Exporting.start("--no-tcp");
    const status = async (path: string, method = "GET") =>
      (await fetch(`${exporting.base}${path}`, { method })).status;
    expect(await status("/")).toBe(200);
    expect(await status("/-/healthy")).toBe(200);
    expect(await status("/-/ready")).toBe(200);
    for (const path of ["/metrics/", "/metricsx", "/%2e%2e/etc/passwd", "/-/quit"]) {
      expect([path, await status(path)]).toEqual([path, 404]);
    }
    expect(await status("/metrics", "POST")).toBe(405);
    expect(await status("/-/reload")).toBe(405);
    expect(await status("/probe")).toBe(400);
    expect(await status("/probe?target=nonsense")).toBe(400);
    expect(await status("/probe?target=127.0.0.1:1&module=x")).toBe(400);
    const probe = samplesOf(await exporting.page(`/probe?target=${new URL(exporting.base).host}`));
    expect(probe.get("probe_success")).toBe(1);
    const dead = samplesOf(await exporting.page("/probe?target=127.0.0.1:1"));
    expect(dead.get("probe_success")).toBe(0);
  });

  test("1,000 scrapes at once, huge headers, and half a request do it no harm", async () => {
    await using exporting = await Exporting.start("--no-tcp");
    const half: Promise<Bun.Socket>[] = [];
    const { hostname, port } = new URL(exporting.base);
    for (let i = 0; i < 50; i++) {
      half.push(
        Bun.connect({
          hostname,
          port: Number(port),
          socket: { open: (socket) => void socket.write("GET /metrics HTTP/1.1\r\nHo"), data() {} },
        }),
      );
    }
    const sockets = await Promise.all(half);
    const pages = await Promise.all(Array.from({ length: 1000 }, () => exporting.page()));
    expect(pages.filter((page) => page.includes("komon_build_info")).length).toBe(1000);
    const huge = await fetch(`${exporting.base}/metrics`, {
      headers: { "x-huge": "x".repeat(1 << 20) },
    }).then(
      ({ status }) => status,
      () => 0,
    );
    expect(huge).not.toBe(200);
    for (const socket of sockets) socket.end();
    expect(samplesOf(await exporting.page()).get("komon_scrapes_total")).toBe(1000);
  });

  test("a port in use, a wrong flag: said at once", async () => {
    using listener = new TcpListener();
    const taken = await komon([
      "export",
      "--no-tcp",
      "--web.listen-address",
      `127.0.0.1:${listener.port}`,
    ]);
    expect(taken.code).toBe(3);
    expect(taken.stderr).toMatch(/cannot listen on 127\.0\.0\.1:\d+\n.*EADDRINUSE/);
    const path = await komon(["export", "--web.telemetry-path", "/-/x"]);
    expect(path).toMatchObject({ code: 2, stderr: expect.stringContaining("cannot be the path") });
    const config = await komon(["export", "--config.file", file("bad.yaml", "x: 1\n")]);
    expect(config).toMatchObject({ code: 2, stderr: expect.stringContaining("line 1: x: ") });
    const check = await komon(["export", "--config.check", "--config.file", file("ok.yaml", "")]);
    expect(check).toMatchObject({ code: 0, stdout: "the configuration is right\n" });
  });
});

interface Answer {
  readonly data?: { readonly result?: readonly { readonly value: [number, string] }[] };
}

/** Results of an instant query, as soon as there are any. */
async function query(port: number, expression: string): Promise<[number, string][]> {
  const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`;
  for (;;) {
    const body = await fetch(url).then(
      (response) => (response.ok ? (response.json() as Promise<Answer>) : undefined),
      () => undefined, // not up yet
    );
    const result = body?.data?.result ?? [];
    if (result.length > 0) return result.map(({ value }) => value);
    await Bun.sleep(50);
  }
}

function freePort(): number {
  using listener = new TcpListener();
  return listener.port;
}
