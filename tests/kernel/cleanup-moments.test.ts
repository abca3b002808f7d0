/** komon is killed while it makes and removes testbeds, at any moment; the seed says at which. */
import { expect, test } from "bun:test";
import { Random } from "../../src/stats/random.ts";
import { cleanup, killAt } from "../support/cleanup.ts";
import { World } from "../support/world.ts";

const seed = Number(process.env.KOMON_TEST_SEED ?? Date.now() % 1e6);

test(`up, down and cleanup, killed at 40 moments (KOMON_TEST_SEED=${seed}), leave nothing behind`, async () => {
  await using world = await World.open();
  const before = await world.traces();
  const random = new Random(seed);
  const later = (words: string[]) => {
    const at = performance.now() + random.next() * 120;
    return killAt(world, words, () => performance.now() >= at);
  };
  let killed = 0;
  for (let round = 0; round < 20; round++) {
    if (await later(["testbed", "up"])) killed += 1;
    if (await later(round % 2 ? ["testbed", "down"] : ["cleanup", "--all"])) killed += 1;
    await cleanup(world);
    await world.komon("testbed", "down"); // what was complete before the kill is there to stay
    expect({ round, traces: await world.traces() }).toEqual({ round, traces: before });
  }
  expect(killed).toBeGreaterThan(0); // else nothing was shown
}, 120_000);
