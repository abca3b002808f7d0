import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Exporting } from "../support/exporter.ts";
import { run } from "../support/komon.ts";
import { samplesOf } from "../support/prometheus.ts";
import { TcpListener } from "../support/tcp.ts";

const folder = mkdtempSync(join(tmpdir(), "komon-web-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

/** A key and a certificate that vouches for itself: `NAME.key`, `NAME.pem`. */
async function certify(name: string): Promise<void> {
  const said = await run([
    ...[
      "openssl",
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
    ],
    ...[
      "-days",
      "1",
      "-subj",
      `/CN=${name}`,
      "-keyout",
      at(`${name}.key`),
      "-out",
      at(`${name}.pem`),
    ],
  ]);
  expect(said.code).toBe(0);
}

function start(...lines: string[]): Promise<Exporting> {
  const path = at("web.yaml");
  const server = ["tls_server_config:", "cert_file: server.pem", "key_file: server.key", ...lines];
  writeFileSync(path, `${server.join("\n  ")}\n`);
  return Exporting.start("--no-tcp", "--web.config.file", path);
}

describe("the web configuration", () => {
  test("client certificates: only who has one of that authority may read", async () => {
    await Promise.all(["server", "client", "stranger"].map(certify));
    await using exporting = await start(
      "client_ca_file: client.pem",
      "client_auth_type: RequireAndVerifyClientCert",
    );
    const status = (name: string | undefined) => {
      const own = name && {
        cert: readFileSync(at(`${name}.pem`), "utf8"),
        key: readFileSync(at(`${name}.key`), "utf8"),
      };
      return fetch(`${exporting.base}/metrics`, {
        keepalive: false,
        tls: { rejectUnauthorized: false, ...own },
      } as RequestInit).then(
        (answer) => answer.status,
        () => "refused",
      );
    };
    expect(await status("client")).toBe(200);
    expect(await status(undefined)).toBe("refused");
    expect(await status("stranger")).toBe("refused");
    expect(await status("client")).toBe(200);
  });

  test("min_version: TLS13 refuses 1.2, without it both are taken", async () => {
    await certify("server");
    const takes = async ({ base }: Exporting, version: string) => {
      const connect = ["openssl", "s_client", "-connect", new URL(base).host, `-${version}`];
      const { code } = await run(["sh", "-c", `${connect.join(" ")} < /dev/null`]);
      return code === 0;
    };
    {
      await using both = await start();
      expect([await takes(both, "tls1_2"), await takes(both, "tls1_3")]).toEqual([true, true]);
    }
    await using newer = await start("min_version: TLS13");
    expect([await takes(newer, "tls1_2"), await takes(newer, "tls1_3")]).toEqual([false, true]);
  });
});

test("--bpf-stats: runs of komon's programs and their time; none without", async () => {
  using listener = new TcpListener();
  const runs = async (...words: string[]) => {
    await using exporting = await Exporting.start(...words);
    for (let i = 0; i < 23; i++) {
      const { client, server } = listener.pair();
      client[Symbol.dispose]();
      server[Symbol.dispose]();
    }
    const samples = [...samplesOf(await exporting.page())];
    const sum = (name: string) =>
      samples.filter(([key]) => key.startsWith(name)).reduce((all, [, value]) => all + value, 0);
    return [sum("komon_bpf_program_runs_total"), sum("komon_bpf_program_run_seconds_total")];
  };
  const [times, seconds] = await runs("--bpf-stats");
  expect(times).toBeGreaterThan(23 * 2);
  expect(seconds).toBeGreaterThan(0);
  expect(seconds / times).toBeLessThan(1e-3);
  if (readFileSync("/proc/sys/kernel/bpf_stats_enabled", "utf8").trim() !== "0") return;
  expect(await runs()).toEqual([0, 0]);
});
