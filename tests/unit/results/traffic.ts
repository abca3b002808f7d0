import { noSeq, SpanRecords } from "../../../src/model/records.ts";
import { TruthFlag, type TruthRows } from "../../../src/model/vnfRecord.ts";
import { truthRows } from "../../../src/results/truth.ts";
import { Random } from "../../../src/stats/random.ts";

export interface TrafficOptions {
  readonly packets: number;
  readonly threads?: number;
  readonly seed?: number;
  readonly drop?: number;
  /** Share of packets that are held back and sent after the next one. */
  readonly reorder?: number;
  /** Every payload is the same: no sequence numbers. */
  readonly identical?: boolean;
}

/** What the kernel and the VNF would both write down of the same packets. */
export interface Traffic {
  readonly records: SpanRecords;
  readonly truth: TruthRows;
  /** Per record, the row of the truth that is really its own. */
  readonly rowOf: number[];
}

/**
 * A VNF of several threads, as a time line: each thread reads a packet, stamps it some hundred
 * nanoseconds later, works, stamps it, and enters its send call some hundred nanoseconds after that.
 */
export function traffic(options: TrafficOptions): Traffic {
  const random = new Random(options.seed ?? 1);
  const threads = options.threads ?? 1;
  const truth = truthRows(
    { pid: 1, workers: threads, seed: 1n, delayNs: 1000, law: 0, port: 1234 },
    options.packets,
  );
  const records = new SpanRecords(8);
  const rowOf: number[] = [];
  const perThread = Math.ceil(options.packets / threads);
  let row = 0;
  for (let thread = 0; thread < threads; thread++) {
    let now = 1_000_000_000 + random.int(5000);
    let held: { row: number; readNs: number } | undefined;
    const send = (packet: { row: number; readNs: number }) => {
      truth.sendNs[packet.row] = now;
      now += 100 + random.int(400);
      const seq = options.identical ? noSeq : truth.seq[packet.row];
      const tid = truth.tid[packet.row];
      const record = records.append(0, 0, packet.readNs, now, 0, tid, 0, 0, 0, seq, 0, 0);
      rowOf[record] = packet.row;
      now += 1000;
    };
    for (let packet = 0; packet < perThread && row < options.packets; packet++, row++) {
      now += random.int(3000);
      const readNs = now;
      now += 50 + random.int(400);
      truth.tid[row] = 100 + thread;
      truth.seq[row] = options.identical ? noSeq : 1 + packet * threads + thread;
      truth.recvNs[row] = now;
      now += 500 + random.int(2000);
      if (random.next() < (options.drop ?? 0)) {
        truth.flags[row] |= TruthFlag.dropped;
      } else if (held === undefined && random.next() < (options.reorder ?? 0)) {
        truth.flags[row] |= TruthFlag.heldBack;
        held = { row, readNs };
      } else {
        send({ row, readNs });
        if (held) send(held);
        held = undefined;
      }
    }
    if (held) send(held);
  }
  return { records, truth, rowOf };
}

/** Only the records that `keep` chooses, in another order if `seed` is given. */
export function chosen(
  { records, truth, rowOf }: Traffic,
  keep: (record: number) => boolean,
  seed?: number,
): Traffic {
  let rows = [...rowOf.keys()].filter(keep);
  if (seed !== undefined) rows = new Random(seed).shuffle(rows);
  const kept = new SpanRecords();
  for (const record of rows) {
    const { readNs, sendNs, tid, seq } = records;
    kept.append(0, 0, readNs[record], sendNs[record], 0, tid[record], 0, 0, 0, seq[record], 0, 0);
  }
  return { records: kept, truth, rowOf: rows.map((record) => rowOf[record]) };
}
