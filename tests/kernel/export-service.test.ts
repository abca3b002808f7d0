import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { libc, memoryAt, stableMemory } from "../../src/kernel/libc.ts";
import { Capability } from "../../src/kernel/privileges.ts";
import { closeSocket } from "../../src/kernel/socket.ts";
import { Exporting } from "../support/exporter.ts";
import { run, top } from "../support/komon.ts";
import { samplesOf } from "../support/prometheus.ts";

const folder = mkdtempSync(join(tmpdir(), "komon-service-"));
afterAll(() => rmSync(folder, { recursive: true }));
const unit = readFileSync(join(top, "deploy/systemd/komon.service"), "utf8");

describe("komon export as a service", () => {
  test("with only the unit's capabilities it attaches, then has none in any thread, and goes on", async () => {
    const config = join(folder, "komon.yaml");
    await Bun.write(config, "probes:\n  - targets: [127.0.0.1]\n");
    const needed = (/CapabilityBoundingSet=(.*)/.exec(unit)?.[1] ?? "")
      .split(" ")
      .map((name) => `+${name.replace("CAP_", "").toLowerCase()}`);
    await using exporting = await Exporting.startBy(
      ["setpriv", "--bounding-set", ["-all", ...needed].join(",")],
      ...["--user", "nobody", "--vnf", "a=5", "--config.file", config],
    );
    const tasks = readdirSync(`/proc/${exporting.pid}/task`);
    const status = tasks.map((t) =>
      readFileSync(`/proc/${exporting.pid}/task/${t}/status`, "utf8"),
    );
    expect(new Set(status.map((text) => /CapEff:\t(\w+)/.exec(text)?.[1]))).toEqual(
      new Set(["0000000000000000"]),
    );
    expect(status[0]).toContain("NoNewPrivs:\t1");
    expect(status[0]).not.toMatch(/^Uid:\t0/m);
    const samples = samplesOf(await exporting.page());
    expect(samples.get('komon_bpf_programs{probe="tcp"}')).toBe(5);
    expect(samples.get("process_open_fds")).toBeGreaterThan(0);
    const answered = 'komon_probe_answers_total{kind="icmp",target="127.0.0.1"}';
    while (!((samplesOf(await exporting.page()).get(answered) ?? 0) >= 2)) await Bun.sleep(50);
  });

  test("without --user it keeps what a reload needs, and no more", async () => {
    const config = join(folder, "kept.yaml");
    await Bun.write(config, "");
    await using exporting = await Exporting.start("--config.file", config);
    const { pid } = exporting;
    const status = readFileSync(`/proc/${pid}/task/${pid}/status`, "utf8");
    const { bpf, perfmon, netAdmin, netRaw, netBindService } = Capability;
    const kept = [bpf, perfmon, netAdmin, netRaw, netBindService];
    const mask = kept.reduce((all, bit) => all | (1n << BigInt(bit)), 0n);
    for (const set of ["CapEff", "CapPrm"]) {
      expect(new RegExp(`${set}:\\t(\\w+)`).exec(status)?.[1]).toBe(
        mask.toString(16).padStart(16, "0"),
      );
    }
    expect(status).toContain("NoNewPrivs:\t1");
    await Bun.write(
      config,
      "tcp: {by: subnet}\nvnfs: [{port: 5}]\nprobes: [{targets: [127.0.0.1]}]\n",
    );
    exporting.signal("SIGHUP");
    await exporting.said(/the configuration is reloaded/);
    const answered = 'komon_probe_answers_total{kind="icmp",target="127.0.0.1"}';
    while (!((samplesOf(await exporting.page()).get(answered) ?? 0) >= 2)) await Bun.sleep(50);
  });

  test("tells systemd when it is ready and when it stops", async () => {
    const path = join(folder, "notify");
    const address = new Uint8Array(new ArrayBuffer(2 + path.length));
    address[0] = 1; // AF_UNIX
    address.set(Buffer.from(path), 2);
    const fd = libc.socket(1, 2, 0);
    expect(libc.bind(fd, address, address.length)).toBe(0);
    const { address: memory } = stableMemory(4096);
    const next = () => {
      const length = libc.recvfrom(fd, memory, 4096, 0, null, null);
      return new TextDecoder().decode(new Uint8Array(memoryAt(memory, length)).slice());
    };
    process.env.NOTIFY_SOCKET = path;
    await using exporting = await Exporting.start("--no-tcp").finally(() => {
      delete process.env.NOTIFY_SOCKET;
    });
    expect(next()).toMatch(/^READY=1\nSTATUS=serving http:/);
    expect(await exporting.stop()).toBe(0);
    expect(next()).toBe("STOPPING=1");
    closeSocket(fd);
  });

  test("systemd finds nothing wrong with the unit", async () => {
    const path = join(folder, "komon.service");
    await Bun.write(path, unit.replace("@BINDIR@/komon", process.execPath));
    expect(await run(["systemd-analyze", "verify", path])).toMatchObject({ code: 0, stderr: "" });
  });
});
