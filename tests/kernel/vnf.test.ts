import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { readTruth } from "../../src/results/truth.ts";
import { komon, komonCommand } from "../support/komon.ts";
import { Folder, mirror, Running, Sink, send, startVnf } from "../support/traffic.ts";
import { World } from "../support/world.ts";

const many = ["--pps", "10k", "--count", "2000"];

describe("komon vnf", () => {
  test("answers the sender over IPv4 and IPv6, with datagrams up to the largest", async () => {
    const cases = [
      { listen: "127.0.0.1", from: "127.0.0.1", to: "127.0.0.1", most: 65_507 },
      { listen: "::1", from: "::1", to: "::1", most: 65_527 },
      { listen: "::", from: "::1", to: "::1", most: 65_527 },
      { listen: "::", from: "127.0.0.1", to: "127.0.0.1", most: 65_507 },
    ];
    for (const { listen, from, to, most } of cases) {
      await using vnf = await startVnf("--address", listen);
      using sink = new Sink(from);
      for (const bytes of [0, 1, 1472, most]) {
        const payload = crypto.getRandomValues(new Uint8Array(65_536)).subarray(0, bytes);
        expect(sink.exchange(payload, to, vnf.ready.port)).toEqual(payload);
      }
      const { stderr } = await vnf.stop();
      expect(stderr).toContain("received 4, sent 4");
    }
  });

  test("sends to a target, of another family too", async () => {
    using sink = new Sink("::1");
    for (const words of [[], ["--unconnected"]]) {
      await mirror(["--target", sink.address, ...words], ["--count", "23"]);
      expect(sink.sequence()).toEqual(Array.from({ length: 23 }, (_, n) => n + 1));
    }
  });

  test("works as the built binary", async () => {
    await using vnf = await Running.start([...komonCommand, "vnf", "--port=0", "--delay=3us"]);
    await send(`127.0.0.1:${vnf.ready.port}`, "--count", "23");
    expect(await vnf.stop()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("received 23, sent 23"),
    });
  });

  test("several workers share the flows, or one socket, and no packet is lost or seen twice", async () => {
    for (const words of [[], ["--shared-socket"]]) {
      const { truth, tids, summary } = await mirror(
        ["--workers", "4", "--delay", "20us", ...words],
        [...many, "--flows", "64"],
      );
      expect(summary.received).toBe(2000);
      expect([...truth.seq].sort((a, b) => a - b)).toEqual(Array.from(truth.seq, (_, n) => n + 1));
      expect(new Set(tids).size).toBe(4);
      const busy = new Set(truth.tid);
      expect([...busy].filter((tid) => !tids.includes(tid))).toEqual([]);
      // 64 flows by hash over 4 sockets: one left without any has a chance of 1 in 25 million.
      if (words.length === 0) expect(busy.size).toBe(4);
      // Worker after worker, each in order of receipt.
      const turns = truth.tid.filter((tid, row) => row > 0 && tid !== truth.tid[row - 1]).length;
      expect(turns).toBe(busy.size - 1);
    }
  });

  test("is pinned where it was told to be", async () => {
    await using vnf = await startVnf("--cpu", "0", "--nice", "5", "--workers", "2");
    for (const tid of vnf.ready.tids) {
      const task = `/proc/${vnf.ready.pid}/task/${tid}`;
      expect(readFileSync(`${task}/status`, "utf8")).toMatch(/^Cpus_allowed_list:\t0$/m);
      expect(readFileSync(`${task}/stat`, "utf8").split(") ")[1].split(" ")[16]).toBe("5");
    }
  });

  test("SIGUSR1 samples intervals, written as 2019 wrote them", async () => {
    using folder = new Folder();
    const [log, path] = [folder.file("VNF.log"), folder.file("truth")];
    const labels = ["-p", "1000", "-b", "128", "-i", "100ms", "-d", "10"];
    await using vnf = await startVnf("-v", "-s", "10", "-w", log, "--truth", path, ...labels);
    for (const interval of [1, 2, 3]) {
      vnf.signal("SIGUSR1");
      await vnf.said(/sampling the next 10/, interval);
      await send(`127.0.0.1:${vnf.ready.port}`, "--count", "23");
    }
    await vnf.stop();
    const truth = readTruth(path);
    const sampled = [...truth.interval.keys()].filter((row) => truth.interval[row] > 0);
    expect(sampled).toEqual(
      [0, 23, 46].flatMap((at) => Array.from({ length: 10 }, (_, n) => at + n)),
    );
    const rows = sampled.map((row, at) => {
      const service = truth.sendNs[row] - truth.recvNs[row];
      return `${at + 1};${Math.floor(at / 10) + 1};${at % 10};1000;128;0.1;10;${service}\n`;
    });
    expect(readFileSync(log, "utf8")).toBe(rows.join(""));
  });

  test("without a log file the sampled rows go to stdout, counted from 1; -a takes all packets", async () => {
    await using vnf = await startVnf("-a", "-f", "-d", "100", "-r", "1");
    await send(`127.0.0.1:${vnf.ready.port}`, "--count", "3", "--size", "64");
    const { stdout } = await vnf.stop();
    const [, ...rows] = stdout.trimEnd().split("\n");
    expect(rows.map((row) => row.split(";").slice(0, 7).join(";"))).toEqual([
      "1;0;1;0;64;0;0",
      "2;0;2;0;64;0;0",
      "3;0;3;0;64;0;0",
    ]);
  });

  test("a file that cannot be written costs neither the other one nor the summary", async () => {
    await using world = await World.open();
    const small = "mkdir /tmp/small && mount -t tmpfs -o size=4k tmpfs /tmp/small";
    expect((await world.run(["sh", "-c", small])).code).toBe(0);
    const files = ["--truth", "/tmp/small/truth", "--log", "/tmp/log"];
    const words = ["--port", "7001", "--all", ...files, "--format", "json"];
    await using vnf = await Running.start(world.command([...komonCommand, "vnf", ...words]));
    const load = await world.komon("load", "127.0.0.1:7001", "--count", "500", "--pps", "10k");
    expect(load.code).toBe(0);
    const { code, stdout, stderr } = await vnf.stop();
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("/tmp/small/truth\n  why:  ENOSPC"),
    ]);
    expect(world.read("/tmp/log").trimEnd().split("\n")).toHaveLength(500);
    expect(JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({ received: 500 });
  });

  test("says what is wrong, and why, and what to do", async () => {
    using folder = new Folder();
    const old = folder.file("old");
    writeFileSync(old, "something");
    using taken = new Sink();
    const port = ["--port", String(taken.port), "--address", "127.0.0.1"];
    const cases: [code: number, text: RegExp, ...words: string[]][] = [
      [3, /cannot bind to 127.0.0.1:\d+\n.*EADDRINUSE.*\n.*ss -lunp/, ...port],
      [3, /cannot bind to 192.0.2.1:1\n.*EADDRNOTAVAIL/, "--address", "192.0.2.1", "--port", "1"],
      [2, /"here" is no IPv4 or IPv6 address/, "--address", "here"],
      [2, /"10.0.0.1" is no address with a port\n.*10.0.0.2:1234/, "--target", "10.0.0.1"],
      [2, /there is no law "6"; the laws are 0 constant, 1 negexp/, "--law", "6"],
      [2, /exclude each other/, "--echo", "--target", "127.0.0.1:9"],
      [2, /--drop/, "--drop", "1.5"],
      [2, /there is no CPU 4000 for --cpu/, "--cpu", "4000", "--port", "0"],
      [2, /EEXIST, file exists\n.*name another file/, "--truth", old, "--port", "0"],
      [3, /ENOENT/, "--truth", "/no/such/folder/t", "--port", "0"],
      [3, /cannot enter network namespace "nowhere"\n.*ENOENT/, "--netns", "nowhere"],
    ];
    for (const [code, text, ...words] of cases) {
      const said = await komon(["vnf", ...words]);
      expect({ words, code: said.code, stderr: said.stderr }).toEqual({
        words,
        code,
        stderr: expect.stringMatching(text),
      });
    }
    expect(readFileSync(old, "utf8")).toBe("something");
  });
});
