import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Exporting } from "../support/exporter.ts";
import { run } from "../support/komon.ts";
import { samplesOf } from "../support/prometheus.ts";
import { ownComm, TcpListener } from "../support/tcp.ts";
import { World } from "../support/world.ts";

setDefaultTimeout(60_000);
const folder = mkdtempSync(join(tmpdir(), "komon-reload-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A new key and certificate for localhost, in the same files. */
async function certify(): Promise<void> {
  await run([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ...["-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
    ...["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")],
  ]);
}

const tls = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n";
const web = join(folder, "web.yaml");

async function users(password: string): Promise<string> {
  const hash = await Bun.password.hash(password, { algorithm: "bcrypt", cost: 4 });
  return `basic_auth_users:\n  ops: ${hash}\n`;
}

const by = (password: string) => ({ authorization: `Basic ${btoa(`ops:${password}`)}` });

/** A certificate that only this one vouches for. */
const trusting = () => ({ tls: { ca: readFileSync(join(folder, "cert.pem"), "utf8") } });

describe("POST /-/reload", () => {
  test("other users: answered, and the new ones from then on", async () => {
    writeFileSync(web, await users("old"));
    await using exporting = await Exporting.start("--no-tcp", "--web.config.file", web);
    const status = async (password: string, path = "/metrics", method = "GET") =>
      (await fetch(`${exporting.base}${path}`, { method, headers: by(password) })).status;
    expect(await status("old")).toBe(200);
    writeFileSync(web, await users("new"));
    expect(await status("old", "/-/reload", "POST")).toBe(200);
    expect(await status("old")).toBe(401);
    expect(await status("new")).toBe(200);
    writeFileSync(web, "{}");
    expect(await status("new", "/-/reload", "POST")).toBe(200);
    expect(await status("whatever")).toBe(200);
  });

  test("another certificate: answered, then served; a broken one changes nothing", async () => {
    await certify();
    writeFileSync(web, tls);
    await using exporting = await Exporting.start("--no-tcp", "--web.config.file", web);
    const first = trusting();
    const get = (init: object) => fetch(`${exporting.base}/metrics`, { keepalive: false, ...init });
    const reload = (init: object) => get({ ...init, method: "POST" });
    expect((await get(first)).status).toBe(200);
    await certify();
    const url = exporting.base.replace(/$/, "/-/reload");
    const answer = await fetch(url, { method: "POST", keepalive: false, ...first });
    expect([answer.status, await answer.text()]).toEqual([200, "reloaded\n"]);
    await exporting.said(/with the new TLS/);
    expect((await get(trusting())).status).toBe(200);
    expect(get(first)).rejects.toThrow();
    expect((await reload(trusting())).status).toBe(405);
    const second = trusting();
    writeFileSync(join(folder, "cert.pem"), "no certificate");
    expect((await fetch(url, { method: "POST", ...second })).status).toBe(500);
    expect((await get(second)).status).toBe(200);
  });

  test("a port that it may not bind again: said, and the old certificate stays", async () => {
    await certify();
    await using world = await World.open();
    const there = `/proc/${world.pid}/root/tmp`;
    await run(["sh", "-c", `cp ${folder}/*.pem ${there} && chmod 644 ${there}/*`]);
    writeFileSync(join(there, "web.yaml"), tls);
    await using exporting = await Exporting.startBy(
      world.command([]),
      ...["--no-tcp", "--web.listen-address", "127.0.0.1:443", "--user", "nobody"],
      ...["--web.config.file", "/tmp/web.yaml"],
    );
    await certify();
    await run(["sh", "-c", `cat ${folder}/key.pem > ${there}/key.pem`]);
    await run(["sh", "-c", `cat ${folder}/cert.pem > ${there}/cert.pem`]);
    const ask = (path: string, method: string) =>
      world.run([
        ...[process.execPath, "-e"],
        `const r = await fetch("https://127.0.0.1${path}", {method: "${method}", tls: {rejectUnauthorized: false}})
         console.log(r.status, await r.text())`,
      ]);
    expect((await ask("/-/reload", "POST")).stdout).toMatch(
      /^500 cannot change the TLS of port 443/,
    );
    expect((await ask("/-/ready", "GET")).stdout).toBe("200 ready\n\n");
    expect(exporting.talk).toContain("the old configuration stays in force");
  });

  test("a seventeenth VNF is refused, also after others were taken out, and nothing else changes", async () => {
    using listener = new TcpListener();
    const config = join(folder, "vnfs.yaml");
    const text = (ports: readonly number[], by = "comm") =>
      `tcp: {by: ${by}, remote_ports: [${listener.port}]}\nvnfs: [${ports.map((port) => `{port: ${port}}`)}]\n`;
    const sixteen = Array.from({ length: 16 }, (_, i) => i + 1);
    writeFileSync(config, text(sixteen));
    await using exporting = await Exporting.start("--config.file", config);
    const { client, server } = listener.pair();
    client[Symbol.dispose]();
    server[Symbol.dispose]();
    const ended = `komon_tcp_sessions_total{comm="${ownComm}",role="client",reason="local"}`;
    while (samplesOf(await exporting.page()).get(ended) !== 1) await Bun.sleep(20);
    const reload = () => fetch(`${exporting.base}/-/reload`, { method: "POST" });
    writeFileSync(config, text([1], "total"));
    expect((await reload()).status).toBe(200);
    writeFileSync(config, text([1, 17], "comm"));
    const refused = await reload();
    expect(refused.status).toBe(500);
    expect(await refused.text()).toMatch(/cannot watch 17 ports\n.*taken out included/);
    const { client: again, server: other } = listener.pair();
    again[Symbol.dispose]();
    other[Symbol.dispose]();
    const samples = samplesOf(await exporting.page());
    expect(samples.get(ended)).toBe(1); // since it was opened for "total"
    expect(samples.has('komon_tcp_rtt_seconds_count{group="all"}')).toBe(true);
    expect(samples.has('komon_vnf_packets_in_flight{vnf="17"}')).toBe(false);
  });
});
