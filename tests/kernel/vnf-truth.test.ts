import { describe, expect, test } from "bun:test";
import type { Law } from "../../src/model/laws.ts";
import { readTruth } from "../../src/results/truth.ts";
import { ksTwoSample } from "../../src/stats/ks.ts";
import { meanOf, sdOf } from "../../src/stats/summary.ts";
import { ServiceTimes, trueMean } from "../../vnf/service.ts";
import { Folder, mirror, Running, send, sources, startVnf } from "../support/traffic.ts";

const packets = 2000;
const delayNs = 20_000;
const load = ["--pps", "10k", "--count", String(packets)];

/** A sample of the law, by other random numbers. */
function sampleOf(law: Law): Float64Array {
  const service = new ServiceTimes(law, delayNs, 987_654);
  return Float64Array.from({ length: packets }, () => service.draw()).sort();
}

describe("ground truth of the VNF", () => {
  for (const law of [0, 1, 2, 3, 4] as const) {
    test(`law ${law}: every packet, its asked time by the law, its service time not shorter`, async () => {
      const { truth, summary } = await mirror(
        ["--delay", "20us", "--law", String(law), "--seed", "11"],
        load,
      );
      expect(truth.length).toBe(packets);
      expect(truth.head).toMatchObject({ law, delayNs, seed: 11n, workers: 1 });
      expect(summary).toMatchObject({ received: packets, sent: packets, rows: packets, seed: 11 });
      const { askedNs, recvNs, sendNs } = truth;
      const error = (4 * sdOf(askedNs)) / Math.sqrt(packets);
      expect(Math.abs(meanOf(askedNs) - trueMean(law, delayNs))).toBeLessThanOrEqual(error);
      if (law > 0)
        expect(ksTwoSample(askedNs.slice().sort(), sampleOf(law)).p).toBeGreaterThan(0.01);
      const early = askedNs.filter((asked, row) => sendNs[row] - recvNs[row] < asked);
      expect([...early]).toEqual([]);
      // One worker does one thing at a time: a packet is received after the one before was sent.
      const overlapping = recvNs.subarray(1).filter((recv, row) => recv < sendNs[row]);
      expect([...overlapping]).toEqual([]);
    });
  }

  test("one seed gives the same service times and faults, another gives others", async () => {
    const words = ["--delay", "1us", "--law", "negexp", "--drop", "0.2", "--duplicate", "0.1"];
    const one = await mirror([...words, "--seed", "5"], load);
    const same = await mirror([...words, "--seed", "5"], load);
    const other = await mirror([...words, "--seed", "6"], load);
    expect(same.truth.askedNs).toEqual(one.truth.askedNs);
    expect(same.truth.flags).toEqual(one.truth.flags);
    expect(other.truth.askedNs).not.toEqual(one.truth.askedNs);
    expect(other.truth.flags).not.toEqual(one.truth.flags);
  });

  test("sequence numbers are the payloads', in order", async () => {
    const { truth } = await mirror([], load);
    expect(truth.seq.every((seq, row) => seq === row + 1)).toBe(true);
    expect(truth.payloadBytes.every((bytes) => bytes === 128)).toBe(true);
    expect(truth.recvNs.every((recv, row) => row === 0 || recv > truth.recvNs[row - 1])).toBe(true);
  });

  test("identical payloads have no sequence number and are all there", async () => {
    const { truth, summary, load: report } = await mirror([], [...load, "--identical"]);
    expect(report.sent).toBe(packets);
    expect(summary.received).toBe(packets);
    expect([...new Set(truth.seq)]).toEqual([-1]);
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`${signal} keeps the rows of all packets, those still in the socket included`, async () => {
      using folder = new Folder();
      const path = folder.file("truth");
      // 23 packets of 2 ms each: nearly all of them wait in the socket when the signal comes.
      await using vnf = await startVnf("--delay", "2ms", "--truth", path);
      await send(`127.0.0.1:${vnf.ready.port}`, "--count", "23", "--pps", "100k");
      const { code, stderr } = await vnf.stop(signal);
      expect({ code, stderr }).toMatchObject({
        code: 0,
        stderr: expect.stringContaining("received 23, sent 23"),
      });
      expect([...readTruth(path).seq]).toEqual(Array.from({ length: 23 }, (_, n) => n + 1));
    });
  }

  test("the end of the parent, by SIGKILL, is the end of the VNF, and its truth is written", async () => {
    using folder = new Folder();
    const path = folder.file("truth");
    const words = [...sources, "vnf", "--port=0", "--die-with-parent", `--truth=${path}`];
    const parent = `
      const child = Bun.spawn(${JSON.stringify(words)}, { stdio: ["ignore", "inherit", "ignore"] });
      await child.exited;`;
    await using started = await Running.start([process.execPath, "-e", parent]);
    await send(`127.0.0.1:${started.ready.port}`, "--count", "23");
    await started.stop("SIGKILL"); // returns when the last holder of its stdout, the VNF, has ended
    expect(readTruth(path).length).toBe(23);
  });
});
