/** attach, ctl, detach: measuring with no process, as a shell script of 2019 used it. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { AttachHost, PINS } from "../support/attachHost.ts";
import { komonCommand } from "../support/komon.ts";
import { startProgram, startVnf } from "../support/monitor.ts";

let host: AttachHost;
beforeAll(async () => {
  host = await AttachHost.open();
});
afterAll(() => host[Symbol.asyncDispose]());

setDefaultTimeout(300_000); // each step is a process of its own, which takes a second in an emulated kernel

describe("komon attach and ctl", () => {
  test("states and texts of 2019", async () => {
    await using attached = await host.attach(1234, "--cbsize", "10");
    await using _vnf = await startVnf(host.world, 1234);
    const send = (count: number) => host.load(1234, count);

    expect(await host.cat(1234)).toBe("WAITING. Activate first!\n");
    await send(3); // not measured: nobody has started
    expect(await host.cat(1234)).toBe("WAITING. Activate first!\n");
    expect((await host.ctl(1234, "start")).code).toBe(0);
    expect(await host.cat(1234)).toBe("ACTIVE. 0 Packets monitored.\n");
    await send(4);
    await host.shows(1234, "ACTIVE. 4 Packets monitored.\n");

    // A number is ignored while it is active, and that is said.
    expect(await host.ctl(1234, "5")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("ignored"),
    });
    expect(await host.cat(1234)).toBe("ACTIVE. 4 Packets monitored.\n");
    expect((await host.ctl(1234, "reset_packets")).code).toBe(0);
    expect(await host.cat(1234)).toBe("ACTIVE. 4 Packets monitored.\n");
    expect((await host.ctl(1234, "reset_proc")).code).toBe(0);
    expect(await host.cat(1234)).toBe("ACTIVE. 0 Packets monitored.\n");
    await send(3);
    await host.shows(1234, "ACTIVE. 3 Packets monitored.\n");
    expect(await host.ctl(1234, "start")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("was ACTIVE with 3 of 10 packets"),
    });
    expect(await host.cat(1234)).toBe("ACTIVE. 0 Packets monitored.\n");

    await send(23);
    const text = await host.shows(1234, /^(\d+;){9}\d+\n$/);
    expect(await host.cat(1234)).toBe(text); // not consumed
    await send(5);
    await host.shows(1234, text); // the interval is over
    expect((await host.ctl(1234, "reset_packets")).code).toBe(0);
    expect(await host.cat(1234)).toBe(text);
    expect((await host.ctl(1234, "10")).code).toBe(0); // the size it has
    expect(await host.cat(1234)).toBe(text);

    // Another size hides them, and they do not come back: that was a fault of 2019.
    for (const size of ["7", "10"]) expect((await host.ctl(1234, size)).code).toBe(0);
    expect(await host.cat(1234)).toBe("WAITING. Activate first!\n");

    for (const [word, values] of [
      ["3", 3],
      ["0x4", 4],
      ["010", 8],
      ["-1", 10],
      ["99", 10],
      ["0", 10],
      ["1", 1],
    ] as const) {
      expect((await host.ctl(1234, word)).code).toBe(0);
      expect((await host.ctl(1234, "start")).code).toBe(0);
      await send(12);
      await host.shows(1234, new RegExp(`^(\\d+;){${values - 1}}\\d+\n$`));
    }
    const stopped = await host.ctl(1234, "stop");
    expect(stopped.stderr).toContain("stopped after 1 of 1 packets, they are forgotten");
    await host.ctl(1234, "reset_proc");
    expect(await host.cat(1234)).toBe("WAITING. Activate first!\n");
    await host.ctl(1234, "start");
    await send(1);
    await host.ctl(1234, "start");
    await host.ctl(1234, "stop");
    await send(1);
    expect(await host.cat(1234)).toBe("WAITING. Activate first!\n");
    expect(await host.ctl(1234, "startfoo")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("start"),
    });
    expect((await host.ctl(1234, "")).code).toBe(2);

    const status = JSON.parse((await host.ctl(1234, "status", "--format", "json")).stdout);
    expect(status).toMatchObject({
      port: 1234,
      state: "WAITING",
      counter: 0,
      sample_size: 1,
      cbsize: 10,
    });
    expect(status.coverage).toMatchObject({
      unaccounted: 0,
      in_flight: 0,
      expired: 0,
      collided: 0,
    });
    // Other network namespaces of this machine may use the port, too.
    expect(status.coverage.matched).toBe(status.coverage.seen - status.coverage.filtered);
    await attached.end();
  });

  test("values are the sojourn: they hold the service time that the VNF was asked for", async () => {
    await using attached = await host.attach(1234, "--cbsize", "23");
    await using _vnf = await startVnf(host.world, 1234, "--delay", "300us");
    await host.ctl(1234, "start");
    await host.load(1234, 23, "200");
    const values = (await host.shows(1234, /;/)).trim().split(";").map(Number);
    expect(values).toHaveLength(23);
    expect(values.filter((ns) => ns < 300_000)).toEqual([]);
    await attached.end();
  });

  test("several ports side by side, each with its own state", async () => {
    await using first = await host.attach(1234, "--cbsize", "5");
    await using second = await host.attach(4321, "--cbsize", "1000");
    await using _vnf1 = await startVnf(host.world, 1234);
    await using _vnf2 = await startVnf(host.world, 4321);
    await host.ctl(1234, "start");
    await host.ctl(4321, "start");
    await host.load(1234, 7);
    await host.load(4321, 11);
    await host.shows(1234, /^(\d+;){4}\d+\n$/);
    await host.shows(4321, "ACTIVE. 11 Packets monitored.\n");
    await first.end();
    await host.load(4321, 2);
    await host.shows(4321, "ACTIVE. 13 Packets monitored.\n");
    await second.end();
  });

  test("many results: the text is whole beyond the kernel's buffer of 32 KiB", async () => {
    await using attached = await host.attach(1234, "--cbsize", "20000");
    await using _vnf = await startVnf(host.world, 1234);
    await host.ctl(1234, "start");
    const flood = [...komonCommand, "load", "127.0.0.1:1234", "--pps", "20k", "--duration", "60s"];
    await using _load = await startProgram(host.world, flood); // until it is enough, whatever is dropped
    const values = (await host.shows(1234, /;/)).trim().split(";").map(Number);
    expect(values).toHaveLength(20_000);
    expect(values.every((ns) => Number.isInteger(ns) && ns > 0)).toBe(true);
    await attached.end();
  });

  test("a loop in the manner of run_test.sh, with ctl and cat alone", async () => {
    await using attached = await host.attach(1234, "--cbsize", "50");
    await using _vnf = await startVnf(host.world, 1234);
    const script = `
      set -e
      komon() { ${komonCommand.join(" ")} "$@" 2>/dev/null; }
      text=${PINS}/1234/vnfinfo_udp
      komon ctl --port 1234 stop
      komon ctl --port 1234 20
      ${komonCommand.join(" ")} load 127.0.0.1:1234 --pps 2000 --duration 60s >/dev/null 2>&1 &
      load=$!
      for interval in 1 2 3; do
        komon ctl --port 1234 start
        while grep -q ACTIVE $text; do :; done
        cat $text
        komon ctl --port 1234 reset_proc
      done
      kill $load; wait $load || true
      cat $text
    `;
    const said = await host.world.run(["sh", "-c", script]);
    const lines = said.stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(4);
    for (const line of lines.slice(0, 3)) expect(line).toMatch(/^(\d+;){19}\d+$/);
    expect(lines[3]).toBe("WAITING. Activate first!");
    await attached.end();
  });

  test("a second attach says what is so, and harms nothing", async () => {
    await using attached = await host.attach(1234, "--cbsize", "10");
    await host.ctl(1234, "start");
    expect(await host.world.komon("attach", "--port", "1234")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/port 1234 is attached already[\s\S]*ACTIVE, 0 of 10 packets/),
    });
    expect(await host.cat(1234)).toBe("ACTIVE. 0 Packets monitored.\n");
    await attached.end();
  });
});
