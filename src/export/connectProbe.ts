/** `/probe?target=example.com:443`: one TCP connect, timed, in the blackbox manner. */
import { connect } from "node:net";
import { usageError } from "../base/errors.ts";
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

/** Fails with a usage error for what is no target; one that has no such name, or does not answer, is a result. */
export async function connectProbe(target: string, timeoutNs: number): Promise<Family[]> {
  const match = /^(?:\[([\da-f:.]+(?:%\w+)?)\]|([^\s:/[\]\p{C}]+)):(\d{1,5})$/iu.exec(target);
  const port = Number(match?.[3]);
  if (!match || !(port >= 1 && port <= 65_535)) {
    throw usageError(`"${target}" is no host with a port: example.com:443, [::1]:80`);
  }
  const begin = monotonicNs();
  const success = await connects(match[1] ?? match[2], port, timeoutNs / 1e6);
  const seconds = (monotonicNs() - begin) / 1e9;
  const one = (value: number) => [{ labels: [], value }];
  return [
    { metric: probeMetrics.success, series: one(success ? 1 : 0) },
    { metric: probeMetrics.duration, series: one(seconds) },
  ];
}

/** By node:net, which can take back a connect that is under way; Bun.connect goes on for two minutes. */
async function connects(host: string, port: number, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port });
  const timer = setTimeout(() => resolve(false), timeoutMs);
  socket.once("connect", () => resolve(true)).on("error", () => resolve(false));
  const done = await promise;
  clearTimeout(timer);
  socket.destroy();
  return done;
}
