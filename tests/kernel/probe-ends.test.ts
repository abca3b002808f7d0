/** How probing ends: by a signal, by force, by the loss of its interface. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { attachedTo } from "../support/links.ts";
import { far, Pair, rungs } from "../support/pair.ts";

setDefaultTimeout(120_000); // emulated kernels are slow
let pair: Pair;
beforeAll(async () => {
  pair = await Pair.open();
});
afterAll(() => pair[Symbol.asyncDispose]());

describe("the end", () => {
  test("SIGINT prints the summary; the code says whether all answered", async () => {
    for (const [target, code] of [
      [far.v4, 0],
      ["10.77.0.99", 1],
    ] as const) {
      await using probing = pair.spawn(target, "-p", "20ms", "-t", "30ms");
      await probing.says(/(icmp|seq)=\d+/);
      probing.kill("SIGINT");
      expect(await probing.exited).toBe(code);
      expect(probing.stdout).toMatch(/probe statistics ---\n\d+ sent/);
    }
  });

  test.each(rungs)("SIGKILL leaves nothing at %s", async (hooks) => {
    await using probing = pair.spawn(far.v4, "-l", "-p", "10ms", "--hooks", hooks);
    await probing.says(/icmp_seq=2 /);
    expect(attachedTo(pair.nearIndex)).toBe(1);
    const inner = await pair.run("pgrep", "-P", String(probing.pid));
    for (const pid of [probing.pid, ...inner.stdout.split("\n").filter(Boolean).map(Number)]) {
      process.kill(pid, "SIGKILL");
    }
    await probing.exited;
    while (attachedTo(pair.nearIndex) > 0) await Bun.sleep(1);
    expect(await pair.world.ip("-d", "link", "show", "near")).not.toContain("xdp");
  });

  test("an interface that is removed while probing ends it with a word", async () => {
    await pair.world.ip(..."link add gone type veth peer name gone2".split(" "));
    await pair.world.ip(..."addr add 10.90.0.1/24 dev gone".split(" "));
    await pair.world.ip("link", "set", "gone", "up");
    await pair.world.ip("link", "set", "gone2", "up");
    await using probing = pair.spawn("10.90.0.2", "-p", "20ms", "-t", "50ms");
    await probing.says(/seq=2/);
    await pair.world.ip("link", "del", "gone");
    expect(await probing.exited).toBe(1);
    expect(probing.stderr).toContain("the interface gone was removed while probing");
  });
});
