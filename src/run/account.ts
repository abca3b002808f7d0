/** The account of a run: what was measured, how true it is, what was covered, under which conditions. */
import type { KomonError } from "../base/errors.ts";
import type { SpanRecords } from "../model/records.ts";
import type { Coverage, LoadReport, RunResult } from "../model/result.ts";
import { type Span, spanNames } from "../model/spans.ts";
import { TruthFlag, type TruthRows } from "../model/vnfRecord.ts";
import { defaultWait } from "../model/wait.ts";
import type { CoverageDetail } from "../probes/vnf/coverage.ts";
import type { SpanHistogram } from "../probes/vnf/memory.ts";
import type { VnfProbe } from "../probes/vnf/probe.ts";
import { joinTruth } from "../results/join.ts";
import { readTruth } from "../results/truth.ts";
import { spanErrors, truthColumn } from "../results/truthError.ts";
import { sampledRows } from "../results/writer.ts";
import { correctedErrorSummary, errorSummary } from "../stats/error.ts";
import { summary } from "../stats/summary.ts";
import { type CalibratedOffset, calibrationFor } from "./calibration.ts";
import type { Ready } from "./child.ts";
import type { Cost } from "./cost.ts";
import { manifest } from "./manifest.ts";
import type { Cpus } from "./roles.ts";
import type { Session } from "./session.ts";

/** A run as it ended, with what the JSON does not carry. */
export interface Measured {
  readonly result: RunResult;
  readonly coverage: CoverageDetail;
  /** Every packet's spans, sampled or not. */
  readonly histograms: Readonly<Record<Span, SpanHistogram>>;
  readonly records: SpanRecords;
  /** True service time per record; NaN where unknown. */
  readonly truthNs: Float64Array | undefined;
  /** Records whose pair in the truth contradicts them: must be 0. */
  readonly wrongPairs: number;
  /** Intervals that ended before all their packets came. */
  readonly incomplete: number;
  /** Why it ended early, if it did. */
  readonly ended: string | undefined;
  /** Why not all of it is in the files. */
  readonly unwritten: KomonError | undefined;
}

/** What the session does not know itself. */
export interface Circumstances {
  readonly cost: Cost | undefined;
  readonly load: LoadReport | undefined;
  readonly vnf: Ready | undefined;
  /** The VNF's ground truth; undefined where there is none. */
  readonly truthPath: string | undefined;
  readonly cpus: Cpus;
}

/** Joins the records with the truth, writes the rows that need it, and adds everything up. */
export function accountOf(session: Session, circumstances: Circumstances): Measured {
  const { cost, load, vnf: ready, truthPath, cpus } = circumstances;
  const { records, probe, vnf, options, files } = session;
  const detail = probe.coverage(vnf);
  const rows = sampledRows(records);
  const truth = truthPath === undefined ? undefined : readTruth(truthPath);
  const joined = truth && joinTruth(records, truth);
  const truthNs = truth && joined && truthColumn(records, truth, joined);
  session.write((files) => {
    if (truthNs) files.vnf(records, rows, truthNs);
    files.spans(records, rows, truthNs);
  });
  const known = truthNs?.filter((ns) => !Number.isNaN(ns));
  const hooks = hooksOf(probe);
  const calibrated = calibrationFor(hooks, options);
  const errors = truthNs && spanErrors(records, "service", truthNs);
  const result: RunResult = {
    schema: "komon.run/1",
    params: options.params,
    hooks,
    coverage: shortCoverage(detail),
    spans: Object.fromEntries(spanNames.map((span) => [span, summary(records.values(span))])),
    ...(known && { truth: summary(known) }),
    ...(truth && { vnf: truthCounts(truth) }),
    ...(truthNs &&
      errors && {
        error: {
          service: errorSummary(errors),
          sojourn: errorSummary(spanErrors(records, "sojourn", truthNs)),
          ...(calibrated.offset && {
            corrected: correctedErrorSummary(errors, calibrated.offset.offset_ns),
          }),
        },
      }),
    ...(calibrated.offset && { corrected: correctedSpans(records, calibrated.offset) }),
    cost: cost ?? { programs: [], ns_per_packet: Number.NaN, packets: 0 },
    ...(load && { load }),
    files: files?.paths ?? [],
    manifest: manifest({
      started: session.started,
      vnf: options.external ? "external" : "example",
      vnf_args: options.vnfArgs,
      load_args: options.loadArgs,
      ipv6: options.ipv6,
      hooks_asked: options.hooks,
      timeout_ns: session.timeoutNs,
      seed: options.seed,
      vnf_seed: ready?.seed,
      gap: options.gap,
      awake: options.awake ?? false,
      wait: options.external ? undefined : (options.wait ?? defaultWait),
      cpus_used: cpus,
      port: options.port,
      intervals_done: session.done,
      incomplete_intervals: session.incomplete,
      wrong_pairs: joined?.wrongPairs ?? 0,
      ended: session.ended,
      refused_hooks: probe.refused.map(({ hook, why }) => ({ hook: hook.name, why })),
      calibration: calibrated.offset ?? calibrated.refused,
      coverage_detail: detail,
    }),
  };
  return {
    result,
    coverage: detail,
    histograms: Object.fromEntries(
      spanNames.map((span) => [span, probe.histogram(vnf, span)]),
    ) as Record<Span, SpanHistogram>,
    records,
    truthNs,
    wrongPairs: joined?.wrongPairs ?? 0,
    incomplete: session.incomplete + options.params.intervals - session.done,
    ended: session.ended,
    unwritten: session.unwritten,
  };
}

function hooksOf(probe: VnfProbe): RunResult["hooks"] {
  const entries = [...probe.hooks].map(([point, hook]) => [
    point,
    { rung: hook.rung, hook: hook.name },
  ]);
  return Object.fromEntries(entries);
}

/** Service times with the instrument's offset taken off: an extra figure, never in place of the measured one. */
function correctedSpans(
  records: SpanRecords,
  { offset_ns, uncertainty_ns }: CalibratedOffset,
): NonNullable<RunResult["corrected"]> {
  const service = summary(records.values("service").map((ns) => ns - offset_ns));
  return { offset_ns, uncertainty_ns, service };
}

function truthCounts({ flags, length, sendNs }: TruthRows): NonNullable<RunResult["vnf"]> {
  const counts = { received: length, sent: 0, dropped: 0, sent_twice: 0 };
  for (let row = 0; row < length; row++) {
    if (sendNs[row] > 0) counts.sent++;
    if (flags[row] & TruthFlag.dropped) counts.dropped++;
    if (flags[row] & TruthFlag.sentTwice) counts.sent_twice++;
  }
  return counts;
}

function shortCoverage(detail: CoverageDetail): Coverage {
  const { seen, matched, expired, collided, filtered, in_flight, delivered, lost } = detail;
  return { seen, matched, expired, collided, filtered, in_flight, delivered, lost };
}
