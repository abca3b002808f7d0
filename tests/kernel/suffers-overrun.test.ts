/** A load of ten times what the VNF can do: each packet that its socket has no room for is counted, by its cause. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { VnfProbe } from "../../src/probes/vnf/probe.ts";
import { run } from "../support/komon.ts";
import { Running, sources, type VnfSummary } from "../support/traffic.ts";
import { expectIdentity, missedBy } from "../support/vnfWatch.ts";

/** The kernel's own count of what a socket of this port had no room for: the last column of /proc/net/udp. */
function dropsOf(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
  const line = readFileSync("/proc/net/udp", "utf8")
    .split("\n")
    .find((one) => one.includes(local));
  return Number(line?.trim().split(/\s+/).at(-1));
}

test("ten times saturation: what the stack dropped is counted as that, and nothing else is missing", async () => {
  // Where the kernel left out runs of the programs (recursion_misses) packets are missing: there is another pass.
  for (let attempt = 1; ; attempt++) if ((await overrun()) === 0 || attempt === 5) break;
});

/** One pass; the runs of programs that the kernel left out. */
async function overrun(): Promise<number> {
  using probe = VnfProbe.open();
  const where = ["--port", "0", "--address", "127.0.0.1", "--buffer", "128KiB"];
  const words = [...sources, "vnf", ...where, "--delay", "100us", "--format", "json"];
  await using server = await Running.start(words);
  const { port } = server.ready;
  const vnf = probe.watch(port);
  const load = ["load", `127.0.0.1:${port}`, "--pps", "100k", "--duration", "1s"];
  const said = await run([...sources, ...load, "--format", "json"]); // 1: this machine may not send so fast
  const { sent } = JSON.parse(said.stdout) as { sent: number };
  expect(sent).toBeGreaterThan(50_000);
  while (probe.coverage(vnf).in_flight > 0) await Bun.sleep(10);
  const drops = dropsOf(port);
  const { stdout } = await server.stop();
  const summary: VnfSummary = JSON.parse(stdout.trimEnd().split("\n").at(-1) as string);
  expect(drops).toBeGreaterThan(sent / 2);
  expect(summary.received + drops).toBe(sent);
  expectIdentity({ probe, vnf });
  const missed = missedBy(probe);
  if (missed === 0) {
    expect(probe.coverage(vnf)).toMatchObject({
      ...{ seen: sent, matched: summary.sent, expired: drops, collided: 0, unknown_reads: 0 },
      expired_by: { stack: drops, unread: 0, unsent: 0 },
    });
  }
  return missed;
}
