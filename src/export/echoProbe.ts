/** `/probe?module=icmp&target=10.0.0.2`: one ICMP echo, timed in the kernel. */
import { usageError } from "../base/errors.ts";
import { monotonicNs } from "../kernel/libc.ts";
import { resolveHosts } from "../probing/hosts.ts";
import { probeMetrics } from "./connectProbe.ts";
import type { Family } from "./family.ts";
import { openSession } from "./probing.ts";

const rtt = {
  name: "probe_icmp_rtt_seconds",
  type: "gauge",
  help: "Round-trip time, from the device's driver back to the receive hook.",
  labels: [],
} as const;

export async function echoProbe(target: string, timeoutNs: number): Promise<Family[]> {
  const { hosts, unknown } = await resolveHosts([target], undefined);
  if (unknown.length > 0) throw usageError(`cannot probe ${target}: ${unknown[0].why}`);
  const begin = monotonicNs();
  using session = openSession(
    { kind: "icmp", port: 0, interval: 1e9, timeout: timeoutNs },
    hosts,
    1,
  );
  let rttNs: number | undefined;
  await session.run(new AbortController().signal, {
    reply: (_host, _number, ns) => {
      rttNs = ns;
    },
  });
  const one = (value: number) => [{ labels: [], value }];
  return [
    { metric: probeMetrics.success, series: one(rttNs === undefined ? 0 : 1) },
    { metric: probeMetrics.duration, series: one((monotonicNs() - begin) / 1e9) },
    { metric: rtt, series: rttNs === undefined ? [] : one(rttNs / 1e9) },
  ];
}
