/** komon monitor that ends while packets pass: all its figures are of the same packets. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { komonCommand } from "../support/komon.ts";
import { type Monitored, startMonitor, startProgram, startTraffic } from "../support/monitor.ts";
import { World } from "../support/world.ts";

setDefaultTimeout(60_000);

/** Each end is another moment of the traffic. */
const ends = 7;
const pps = "50k";

test("of a VNF under load: every histogram, the coverage and the deadline agree to the packet", async () => {
  await using world = await World.open();
  await using _traffic = await startTraffic(world, pps);
  for (let end = 0; end < ends; end++) {
    await using monitor = await startMonitor(world, "--port", "7001", "--deadline", "1ns");
    await monitor.until(({ sum }) => sum("sojourn") > 1009);
    const seen = await monitor.stop();
    const matched = seen.sum("sojourn", "matched");
    for (const span of ["service", "queue", "sojourn"]) {
      expect([span, seen.sum(span)]).toEqual([span, matched]);
    }
    expect(lastOf(seen).deadline_missed).toBe(matched);
    expect(accounted(seen, "sojourn")).toBe(seen.sum("sojourn", "seen"));
  }
});

test("of forwarded packets under load: the same", async () => {
  await using world = await World.open();
  const bed = await world.komonJson<Bed>("testbed", "up");
  await world.sysctl("ipv4/ip_forward", 1);
  const { host_in: router, target } = bed.ipv4;
  await world.ip("-n", bed.gen_namespace, "route", "add", `${target}/32`, "via", router);
  const flow = ["load", `${target}:9`, "--netns", bed.gen_namespace, "--pps", pps];
  {
    await using _load = await startProgram(world, [...komonCommand, ...flow]);
    const devices = ["--in-interface", bed.in_device.name, "--out-interface", bed.out_device.name];
    for (let end = 0; end < ends; end++) {
      await using monitor = await startMonitor(world, ...devices, "--deadline", "1ns");
      await monitor.until(({ sum }) => sum("total") > 1009);
      const seen = await monitor.stop();
      const matched = seen.sum("total", "matched");
      expect(seen.sum("total")).toBe(matched);
      expect(lastOf(seen).deadline_missed).toBe(matched);
      expect(accounted(seen, "total")).toBe(seen.sum("total", "seen"));
    }
  }
  await world.komon("testbed", "down");
});

interface Bed {
  readonly gen_namespace: string;
  readonly in_device: { readonly name: string };
  readonly out_device: { readonly name: string };
  readonly ipv4: { readonly host_in: string; readonly target: string };
}

/** What `seen` is the sum of. */
function accounted(seen: Monitored, span: string): number {
  const parts = ["matched", "expired", "collided", "filtered"];
  const ended = parts.reduce((total, part) => total + seen.sum(span, part), 0);
  return ended + Number(lastOf(seen).in_flight);
}

function lastOf({ rows }: Monitored) {
  const last = rows.at(-1);
  if (last === undefined) throw new Error("the monitor has told nothing");
  return last;
}
