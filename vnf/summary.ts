import { formatBytes, formatCount, formatNs } from "../src/base/units.ts";
import { errnoName, memoryAt } from "../src/kernel/libc.ts";
import { laws } from "../src/model/laws.ts";
import { TruthFlag } from "../src/model/vnfRecord.ts";
import { quantileSorted } from "../src/stats/summary.ts";
import { ROW_BYTES, type RowChunk } from "./rows.ts";
import { trueMean } from "./service.ts";
import { rowCount } from "./truth.ts";
import type { VnfOptions, VnfOutcome } from "./vnf.ts";

/** What `komon vnf --format json` prints at the end. */
export function outcomeJson(outcome: VnfOutcome, options: VnfOptions, port: number) {
  const { counters } = outcome;
  return {
    schema: "komon.vnf/1",
    port,
    workers: options.workers,
    seed: options.seed,
    law: laws[options.law].name,
    delay_ns: options.delayNs,
    mean_service_ns: trueMean(options.law, options.delayNs),
    received: counters.received,
    sent: counters.sent,
    sent_bytes: counters.sentBytes,
    dropped: counters.dropped,
    held_back: counters.heldBack,
    sent_twice: counters.sentTwice,
    rewritten: counters.rewritten,
    send_failed: counters.failed,
    send_errors: Object.fromEntries(errorNames(outcome)),
    rows: rowCount(outcome.chunks),
    overshoot: overshootOf(outcome.chunks),
  };
}

/** The same for people. */
export function outcomeText(outcome: VnfOutcome, options: VnfOptions): string {
  const { received, sent, sentBytes, dropped, heldBack, sentTwice, rewritten, failed } =
    outcome.counters;
  const some = (count: number, what: string) =>
    count > 0 ? [`${formatCount(count)} ${what}`] : [];
  const errors = errorNames(outcome).map(([name, count]) => `${name} × ${formatCount(count)}`);
  const overshoot = overshootOf(outcome.chunks);
  const lines = [
    [
      `received ${formatCount(received)}, sent ${formatCount(sent)} (${formatBytes(sentBytes)})`,
      ...some(dropped, "dropped"),
      ...some(heldBack, "held back"),
      ...some(sentTwice, "sent twice"),
      ...some(rewritten, "rewritten"),
      ...some(failed, "not sent"),
    ].join(", "),
    ...(errors.length > 0 ? [`failed send calls: ${errors.join(", ")}`] : []),
    `law ${options.law} (${laws[options.law].name}), mean ${formatNs(trueMean(options.law, options.delayNs))}, seed ${options.seed}`,
  ];
  if (overshoot) {
    const { p50_ns, p99_ns, count } = overshoot;
    lines.push(
      `service time above what was asked: median ${formatNs(p50_ns)}, p99 ${formatNs(p99_ns)} (${formatCount(count)} packets)`,
    );
  }
  return lines.join("\n");
}

/** How much longer than asked the packets took that were sent at once; from the rows that were kept. */
function overshootOf(chunks: readonly RowChunk[]) {
  const values = new Float64Array(rowCount(chunks));
  let count = 0;
  for (const { address, bytes } of chunks) {
    const rows = new DataView(memoryAt(address, bytes));
    for (let at = 0; at < bytes; at += ROW_BYTES) {
      const sendNs = rows.getBigUint64(at + 16, true);
      const held = (rows.getUint32(at + 40, true) & TruthFlag.heldBack) !== 0;
      if (sendNs === 0n || held) continue;
      const serviceNs = sendNs - rows.getBigUint64(at + 8, true);
      values[count++] = Number(serviceNs - rows.getBigUint64(at + 24, true));
    }
  }
  if (count === 0) return undefined;
  const sorted = values.subarray(0, count).sort();
  return {
    count,
    p50_ns: quantileSorted(sorted, 0.5),
    p99_ns: quantileSorted(sorted, 0.99),
    max_ns: sorted[count - 1],
  };
}

function errorNames({ errors }: VnfOutcome): [string, number][] {
  return [...errors].map(([errno, count]) => [errnoName(errno), count]);
}
