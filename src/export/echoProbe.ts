/** `/probe?module=icmp&target=10.0.0.2`: one ICMP echo, timed in the kernel. */
import { KomonError } from "../base/errors.ts";
import { monotonicNs } from "../kernel/libc.ts";
import { hasCapability } from "../kernel/privileges.ts";
import { type NamedHost, resolveHosts } from "../probing/hosts.ts";
import { probeMetrics } from "./connectProbe.ts";
import type { Family } from "./family.ts";
import { openSession } from "./probeJob.ts";

const rtt = {
  name: "probe_icmp_rtt_seconds",
  type: "gauge",
  help: "Round-trip time, from the device's driver back to the receive hook.",
  labels: [],
} as const;

/** A target that has no such name, or does not answer, is a result. Fails when komon has no right to send. */
export async function echoProbe(target: string, timeoutNs: number): Promise<Family[]> {
  if (!hasCapability("netRaw")) {
    throw new KomonError({
      what: "cannot send an ICMP echo",
      why: "komon has become --user and given up its rights",
      mend: "name the target below `probes` in the configuration: those are opened before",
    });
  }
  const begin = monotonicNs();
  const { hosts } = await resolveHosts([target], undefined);
  const rttNs = hosts.length > 0 ? await echo(hosts, timeoutNs) : undefined;
  const one = (value: number) => [{ labels: [], value }];
  return [
    { metric: probeMetrics.success, series: one(rttNs === undefined ? 0 : 1) },
    { metric: probeMetrics.duration, series: one((monotonicNs() - begin) / 1e9) },
    { metric: rtt, series: rttNs === undefined ? [] : one(rttNs / 1e9) },
  ];
}

async function echo(hosts: readonly NamedHost[], timeoutNs: number): Promise<number | undefined> {
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
  return rttNs;
}
