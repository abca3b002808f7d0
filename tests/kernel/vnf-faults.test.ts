import { describe, expect, test } from "bun:test";
import { TruthFlag, type TruthRows } from "../../src/model/vnfRecord.ts";
import { mirror, Sink } from "../support/traffic.ts";

const load = ["--pps", "5k", "--count", "2000"];
const seed = ["--seed", "23"];
const connections = [["connected"], ["unconnected", "--unconnected"]] as const;

function flagged(truth: TruthRows, flag: number): number {
  return truth.flags.filter((flags) => (flags & flag) !== 0).length;
}

/** What must arrive, by the truth: in order of the send calls, doubles one after the other. */
function expected({ length, seq, sendNs, flags }: TruthRows): number[] {
  return Array.from({ length }, (_, row) => row)
    .filter((row) => sendNs[row] > 0)
    .sort((a, b) => sendNs[a] - sendNs[b])
    .flatMap((row) =>
      (flags[row] & TruthFlag.sentTwice) !== 0 ? [seq[row], seq[row]] : [seq[row]],
    );
}

describe("faults of the VNF", () => {
  for (const [name, ...words] of [
    ...connections,
    ["asked without pause", "--wait", "never"],
    ["waited in", "--wait", "receive"],
  ]) {
    test(`what arrives is what the truth says, on a socket that is ${name}`, async () => {
      using sink = new Sink();
      const faults = ["--drop", "0.1", "--reorder", "0.1", "--duplicate", "0.05"];
      const { truth, summary } = await mirror(
        [...faults, ...seed, ...words, "--target", sink.address],
        load,
      );
      const arrived = sink.sequence();
      expect(arrived).toEqual(expected(truth));
      expect(arrived.length).toBe(summary.sent + summary.sent_twice);
      expect(summary).toMatchObject({
        received: 2000,
        sent: 2000 - summary.dropped,
        dropped: flagged(truth, TruthFlag.dropped),
        held_back: flagged(truth, TruthFlag.heldBack),
        sent_twice: flagged(truth, TruthFlag.sentTwice),
        send_failed: 0,
        rewritten: 0,
      });
      // The dice fell on every fault, and the order of arrival shows the reordering.
      expect(summary.dropped).toBeGreaterThan(150);
      expect(summary.held_back).toBeGreaterThan(100);
      expect(summary.sent_twice).toBeGreaterThan(50);
      expect(arrived).not.toEqual(arrived.slice().sort((a, b) => a - b));
    });
  }

  test("a held packet passes exactly one other, the next that is sent", async () => {
    using sink = new Sink();
    const { truth } = await mirror(["--reorder", "0.3", ...seed, "--target", sink.address], load);
    const { seq, sendNs, flags } = truth;
    const held = [...seq.keys()].filter((row) => (flags[row] & TruthFlag.heldBack) !== 0);
    const late = held.filter((row) => row + 1 < seq.length && sendNs[row] <= sendNs[row + 1]);
    const later = held.filter((row) => row + 2 < seq.length && sendNs[row] > sendNs[row + 2]);
    expect({ held: held.length > 300, late, later }).toEqual({ held: true, late: [], later: [] });
  });

  test("a packet that is held when nothing follows is sent all the same", async () => {
    for (const wait of ["ready", "receive", "never"]) {
      using sink = new Sink();
      const words = ["--reorder", "1", "--target", sink.address, "--wait", wait];
      const { truth } = await mirror(words, ["--count", "1"]);
      expect(sink.sequence()).toEqual([1]);
      expect(truth.flags[0]).toBe(TruthFlag.heldBack);
      expect(truth.sendNs[0]).toBeGreaterThan(truth.recvNs[0]);
    }
  });

  test("a rewritten payload is changed in its first 64 bytes, and the truth keeps the number it had", async () => {
    using sink = new Sink();
    const { truth, summary } = await mirror(
      ["--rewrite", "--reorder", "0.2", ...seed, "--target", sink.address],
      ["--count", "200", "--pps", "5k"],
    );
    const arrived = sink.take();
    const restored = arrived.map((bytes) => {
      const before = bytes.map((byte, at) => (at < 64 ? byte ^ 0x5a : byte));
      expect([...new Set(before.subarray(16))]).toEqual([0x6b]);
      return Number(new DataView(before.buffer).getBigUint64(0, true));
    });
    expect(restored).toEqual(expected(truth));
    expect(summary.rewritten).toBe(200);
    expect(flagged(truth, TruthFlag.rewritten)).toBe(200);
  });

  test("everything dropped is nothing sent", async () => {
    using sink = new Sink();
    const { truth, summary } = await mirror(["--drop", "1", "--target", sink.address], load);
    expect(sink.take()).toEqual([]);
    expect(summary).toMatchObject({ received: 2000, sent: 0, dropped: 2000 });
    expect([...new Set(truth.sendNs)]).toEqual([0]);
  });

  test("a target where nobody listens costs no packet: each gets its second try", async () => {
    const sink = new Sink();
    sink[Symbol.dispose](); // its port is now one that answers with ICMP
    const { summary } = await mirror(["--target", sink.address], ["--count", "100"]);
    expect(summary).toMatchObject({ received: 100, sent: 100, send_failed: 0 });
    expect(summary.send_errors).toEqual({ ECONNREFUSED: expect.any(Number) });
  });
});
