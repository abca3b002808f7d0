/** How testbeds come and go, beside others, and when they are refused. */
import { describe, expect, test } from "bun:test";
import { komonCommand } from "../support/komon.ts";
import { counters, type Facts, PACKETS, program, send } from "../support/testbed.ts";
import { lineOf, World } from "../support/world.ts";

describe("a testbed", () => {
  test("is whole or not there when SIGINT comes while it is built", async () => {
    await using world = await World.open();
    const before = await world.traces();
    const moments = [
      () => world.list("/run/komon").length > 0,
      () => world.list("/run/netns").length > 0,
      () => world.devices().length > 1,
    ];
    for (const [index, hasCome] of moments.entries()) {
      const child = Bun.spawn(world.command([...komonCommand, "testbed", "up"]), {
        stdio: ["ignore", "pipe", "ignore"],
      });
      while (!hasCome() && child.exitCode === null) await Bun.sleep(0);
      child.kill("SIGINT");
      const code = await child.exited;
      const isUp = (await child.stdout.text()).includes("is up");
      expect({ index, code, signal: child.signalCode }).toEqual({
        index,
        code: isUp ? 0 : 1,
        signal: null,
      });
      if (isUp) await world.komon("testbed", "down");
      expect({ index, traces: await world.traces() }).toEqual({ index, traces: before });
    }
  });

  test("is gone without a trace after down", async () => {
    await using world = await World.open();
    await world.ip("address", "add", "10.1.2.3/24", "dev", "lo");
    await world.komon("testbed", "status"); // makes nothing
    const before = await world.traces();
    await world.komonJson("testbed", "up");
    const during = await world.traces();
    const down = await world.komon("testbed", "down");
    expect(down).toMatchObject({ code: 0, stdout: expect.stringContaining("komon-gen-") });
    expect(await world.traces()).toEqual(before);
    const changed = Object.keys(before).filter(
      (key) =>
        !Bun.deepEquals(during[key as keyof typeof during], before[key as keyof typeof before]),
    );
    expect(changed).toEqual(Object.keys(before)); // else the comparison could not fail
  });

  test("comes up beside others that come up at the same time", async () => {
    await using world = await World.open();
    const before = await world.traces();
    const beds = await Promise.all(
      Array.from({ length: 6 }, () => world.komonJson<Facts>("testbed", "up")),
    );
    expect(new Set(beds.map(({ id }) => id)).size).toBe(6);
    expect(new Set(beds.map(({ ipv4 }) => ipv4.host_in)).size).toBe(6);
    const [first, second] = beds;
    await send(world, first, "ipv4", first.ipv4.target);
    expect((await counters(world, first.id)).there).toEqual(Array(4).fill(PACKETS));
    expect((await counters(world, second.id)).there).toEqual(Array(4).fill(0));
    await world.komon("testbed", "down", "--id", first.id);
    await send(world, second, "ipv6", second.ipv6?.target ?? "");
    await world.komon("testbed", "down");
    expect(await world.traces()).toEqual(before);
  });

  test("of which room is for two: the third is refused, and nothing of it stays", async () => {
    await using world = await World.open();
    const up = ["testbed", "up", "--range", "198.18.7.0/28"];
    await Promise.all([world.komonJson(...up), world.komonJson(...up)]);
    const before = await world.traces();
    const third = await world.komon(...up);
    expect(third).toMatchObject({ code: 3, stderr: expect.stringContaining("198.18.7.0/28") });
    expect(await world.traces()).toEqual(before);
  });

  test("keeps clear of addresses and routes of the host", async () => {
    await using world = await World.open();
    await world.ip("address", "add", "198.18.0.1/24", "dev", "lo");
    await world.ip("route", "add", "198.18.1.0/25", "dev", "lo", "table", "77");
    await world.ip("route", "add", "blackhole", "198.18.0.0/15"); // leads nowhere: not in the way
    await world.ip("route", "add", "0.0.0.0/1", "dev", "lo"); // a VPN's way to say "default"
    // 128 slots, of which all but the last 16 are taken.
    const range = ["testbed", "up", "--range", "198.18.0.0/22", "--id"];
    for (const id of ["0000", "001f", "0020", "002f"]) {
      expect({ id, ...(await world.komon(...range, id)) }).toMatchObject({ id, code: 3 });
    }
    expect(await world.komon(...range, "0030")).toMatchObject({ code: 0 });
    const taken = await world.komon("testbed", "up", "--range", "198.18.0.0/24");
    expect(taken).toMatchObject({ code: 3, stderr: expect.stringContaining("--range") });
    expect(world.devices().sort()).toEqual(["kmn0030in", "kmn0030out", "lo"]);
  });

  test("leaves alone a namespace and a device that have the name it wants", async () => {
    await using world = await World.open();
    await world.ip("netns", "add", "komon-sink-0abc");
    await world.ip("link", "add", "kmn0abdout", "type", "veth", "peer", "name", "other");
    const before = await world.traces();
    for (const id of ["0abc", "0abd"]) {
      const said = await world.komon("testbed", "up", "--id", id);
      expect(said).toMatchObject({ code: 3, stderr: expect.stringContaining(id) });
      expect(await world.traces()).toEqual(before);
    }
    await world.komonJson("testbed", "up", "--id", "0abe");
    await world.komon("testbed", "down");
    expect(await world.traces()).toEqual(before);
  });

  test("goes with its process, also by process.exit()", async () => {
    await using world = await World.open();
    const before = await world.traces();
    for (const how of ["close", "exit"]) {
      const child = Bun.spawn(world.command(program("hold", how)), {
        stdio: ["pipe", "pipe", "inherit"],
      });
      await lineOf(child.stdout, /genNamespace/);
      child.stdin.end();
      expect(await child.exited).toBe(0);
      expect({ how, ...(await world.traces()) }).toEqual({ how, ...before });
    }
  });

  test("that a running komon uses is not taken from it", async () => {
    await using world = await World.open();
    const child = Bun.spawn(world.command(program("hold")), { stdio: ["pipe", "pipe", "inherit"] });
    const { id } = JSON.parse(await lineOf(child.stdout, /genNamespace/)) as { id: string };
    const during = await world.traces();
    const down = await world.komon("testbed", "down", "--id", id);
    expect(down).toMatchObject({ code: 3, stderr: expect.stringContaining(`PID ${child.pid}`) });
    expect(await world.komon("testbed", "down")).toMatchObject({ code: 0 });
    expect(await world.komon("cleanup", "--all")).toMatchObject({ code: 0 });
    expect(await world.traces()).toEqual(during);
    child.stdin.end();
    await child.exited;
  });

  test("is refused with cause and mend where it cannot be", async () => {
    await using world = await World.open();
    const up = [...komonCommand, "testbed", "up"];
    const cases: Record<string, { command: string[]; says: RegExp }> = {
      "no capability": {
        command: ["setpriv", "--bounding-set=-net_admin", ...up],
        says: /lacks CAP_NET_ADMIN\n {2}mend: .*root/,
      },
      "no namespaces left": {
        command: [
          ...["unshare", "--user", "--map-root-user", "--net", "--mount", "sh", "-c"],
          ...['echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"', "sh", ...up],
        ],
        says: /limit on network namespaces.*\n {2}mend: .*max_net_namespaces/,
      },
      "no iproute2": {
        command: [
          ...["unshare", "--mount", "sh", "-c"],
          ...['mount --bind /dev/null "$(realpath "$(command -v ip)")" && exec "$@"', "sh", ...up],
        ],
        says: /cannot run "ip"[\s\S]*mend: install iproute2/,
      },
    };
    const before = await world.traces();
    for (const [name, { command, says }] of Object.entries(cases)) {
      const { code, stdout, stderr } = await world.run(command);
      expect({ name, code, stdout }).toEqual({ name, code: 3, stdout: "" });
      expect(stderr).toMatch(says);
    }
    expect(await world.traces()).toEqual(before);
  });
});
