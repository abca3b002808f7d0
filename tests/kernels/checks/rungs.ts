import type { Point } from "../../../src/model/points.ts";
import type { RunResult } from "../../../src/model/result.ts";
import { hooks, type Rung, rungs } from "../../../src/probes/vnf/hooks.ts";
import { type Check, Complaint, type Evidence, same, since } from "./check.ts";
import { spansOf, timesOf } from "./rows.ts";

/** Packets sampled: a prime, so that no multiple of it can look right by accident. */
const sampled = 23;

/** Where each rung of the VNF probe's ladder is to be had. */
const expected: Record<Rung, Check["expected"]> = {
  fentry: () => "works",
  kprobe: () => "works",
  // The read point has no tracepoint before.
  tracepoint: since("6.3", "sock_recv_length"),
};

/** A short run on each rung: every packet seen and matched, on the hooks that were asked for. */
export const rungChecks: readonly Check[] = rungs.map((rung) => ({
  name: `run on ${rung}`,
  rung,
  komon: true,
  // Exponential service times around 5 ms: rows of different packets cannot pass for the same.
  script: `komon run 1 ${sampled} 0 20 128 5000 1 --hooks ${rung} --format json --out . --seed 1`,
  expected: expected[rung],
  judge: (evidence) => judgeRun(evidence, rung),
}));

function judgeRun({ exit, stdout, files }: Evidence, rung: Rung): string {
  same("the exit code", exit, 0);
  const result = JSON.parse(stdout) as RunResult;
  same("schema", result.schema, "komon.run/1");
  for (const point of ["rx", "read", "send"] as const) {
    same(`the rung of ${point}`, result.hooks[point]?.rung, rungOf(point, rung));
  }
  const sent = result.load?.sent;
  const none = { expired: 0, collided: 0, filtered: 0, in_flight: 0, lost: 0 };
  const { seen, matched, expired, collided, filtered, in_flight, delivered, lost } =
    result.coverage;
  const coverage = { seen, matched, delivered, expired, collided, filtered, in_flight, lost };
  same("coverage", coverage, { seen: sent, matched: sent, delivered: sent, ...none });
  const counts = ["service", "queue", "sojourn"].map(
    (span) => result.spans[span as keyof RunResult["spans"]]?.count,
  );
  same("packets per span", counts, [sampled, sampled, sampled]);
  judgeRows(files);
  return `${matched} of ${sent}`;
}

/** The rung of a point when this one is forced: a point without a hook of it keeps what it has. */
function rungOf(point: Point, forced: Rung): Rung {
  const has = hooks.some((hook) => hook.point === point && hook.rung === forced);
  return has ? forced : "tracepoint";
}

/** Spans are consistent packet by packet; VNF_ and KERNEL_ rows are the same packets in order. */
function judgeRows(files: Evidence["files"]): void {
  const rows = spansOf(files);
  same("rows of SPANS_", rows.length, sampled);
  same("different packets", new Set(rows.map(({ seq }) => seq)).size, sampled);
  for (const row of rows) {
    const { seq, rx_ns, read_ns, send_ns, service_ns, queue_ns, sojourn_ns, truth_ns } = row;
    const wrong =
      queue_ns + service_ns !== sojourn_ns ||
      sojourn_ns !== send_ns - rx_ns ||
      service_ns !== send_ns - read_ns ||
      // The hooks lie outside of the two stamps that the VNF takes itself.
      !(0 < truth_ns && truth_ns <= service_ns) ||
      queue_ns < 0;
    if (wrong)
      throw new Complaint(`packet ${seq} has spans that cannot be: ${JSON.stringify(row)}`);
  }
  same(
    "the times of KERNEL_",
    timesOf(files, "KERNEL_"),
    rows.map(({ sojourn_ns }) => sojourn_ns),
  );
  same(
    "the times of VNF_",
    timesOf(files, "VNF_"),
    rows.map(({ truth_ns }) => truth_ns),
  );
}
