/** `/probe?target=10.0.0.2:80`: one TCP connect, timed, in the blackbox manner. */
import { parseEndpoint } from "../kernel/address.ts";
import { monotonicNs } from "../kernel/libc.ts";
import type { Metrics } from "../model/metric.ts";
import type { Family } from "./family.ts";

export const probeMetrics = {
  success: {
    name: "probe_success",
    type: "gauge",
    help: "Whether the probe worked.",
    labels: [],
  },
  duration: {
    name: "probe_duration_seconds",
    type: "gauge",
    help: "How long the probe took.",
    labels: [],
  },
} as const satisfies Metrics;

/** Fails with a usage error for what is no address; a target that does not answer is a result. */
export async function connectProbe(target: string, timeoutNs: number): Promise<Family[]> {
  const { host, port } = parseEndpoint(target);
  const begin = monotonicNs();
  const success = await connects(host, port, timeoutNs / 1e6);
  const seconds = (monotonicNs() - begin) / 1e9;
  const one = (value: number) => [{ labels: [], value }];
  return [
    { metric: probeMetrics.success, series: one(success ? 1 : 0) },
    { metric: probeMetrics.duration, series: one(seconds) },
  ];
}

async function connects(hostname: string, port: number, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), timeoutMs);
  Bun.connect({
    hostname,
    port,
    socket: {
      open(socket) {
        resolve(true);
        socket.end();
      },
      connectError: () => resolve(false),
      error: () => resolve(false),
      data() {},
    },
  }).catch(() => resolve(false));
  const done = await promise;
  clearTimeout(timer);
  return done;
}
