import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { komon, run } from "../support/komon.ts";
import { Running, Sink, send, sources, startVnf } from "../support/traffic.ts";
import { World } from "../support/world.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n + 1);

/** Number and send time of each payload. */
function stamps(datagrams: readonly Uint8Array[]): { seq: number; timeNs: number }[] {
  return datagrams.map((bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const [seq, timeNs] = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
    return { seq: Number(seq), timeNs: Number(timeNs) };
  });
}

describe("komon load", () => {
  for (const arrivals of ["constant", "poisson", "burst"]) {
    test(`${arrivals}: as many packets as asked, numbered, none before its time`, async () => {
      using sink = new Sink();
      const words = ["--arrivals", arrivals, "--count", "2003", "--pps", "20k"];
      const report = await send(sink.address, ...words);
      expect(report).toMatchObject({
        sent: 2003,
        refused: 0,
        unsent: 0,
        bytes: 2003 * 128,
        arrivals,
      });
      const packets = stamps(sink.take());
      expect(packets.map(({ seq }) => seq)).toEqual(numbers(2003));
      const backwards = packets.filter(
        ({ timeNs }, at) => at > 0 && timeNs < packets[at - 1].timeNs,
      );
      expect(backwards).toEqual([]);
      if (arrivals === "constant") {
        // Sending begins with the schedule, so packet n leaves n gaps after the first or later,
        // less the first one's own lateness.
        const first = packets[0].timeNs - report.pacing.late_max_ns;
        const early = packets.filter(({ timeNs }, n) => timeNs < first + n * 50_000 - 1);
        expect(early).toEqual([]);
      }
    });
  }

  test("a duration is as many packets as fit in it", async () => {
    using sink = new Sink();
    expect(await send(sink.address, "--duration", "300ms", "--pps", "1k")).toMatchObject({
      sent: 300,
      unsent: 0,
    });
    expect(sink.sequence()).toEqual(numbers(300));
  });

  test("the shorter of count and duration ends it", async () => {
    using sink = new Sink();
    const both = (count: string, duration: string) =>
      send(sink.address, "--pps", "1k", "--count", count, "--duration", duration);
    expect((await both("23", "1h")).sent).toBe(23);
    expect((await both("1000000", "23ms")).sent).toBe(23);
  });

  test("over IPv6, of any size", async () => {
    using sink = new Sink("::1");
    for (const size of [0, 1, 8, 1472, 9000, 65_527]) {
      await send(sink.address, "--count", "3", "--size", String(size));
      expect(sink.take().map((bytes) => bytes.length)).toEqual([size, size, size]);
    }
  });

  test("identical payloads are identical", async () => {
    using sink = new Sink();
    await send(sink.address, "--identical", "--count", "23");
    const [first, ...others] = sink.take();
    expect(others.length).toBe(22);
    for (const other of others) expect(other).toEqual(first);
  });

  test("flows are source ports that follow each other, taken in turn", async () => {
    using free = new Sink();
    const base = free.port > 60_000 ? free.port - 1000 : free.port + 1;
    const server = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: { data: (_, __, port) => void ports.push(port) },
    });
    const ports: number[] = [];
    const words = ["--flows", "3", "--source-port", String(base), "--count", "7"];
    await send(`127.0.0.1:${server.port}`, ...words);
    while (ports.length < 7) await Bun.sleep(1);
    server.close();
    expect(ports.map((port) => port - base)).toEqual([0, 1, 2, 0, 1, 2, 0]);
  });

  test("what nobody takes is refused, counted by its errno, and the exit code says so", async () => {
    const sink = new Sink();
    sink[Symbol.dispose]();
    const words = ["load", sink.address, "--count", "100", "--format", "json"];
    const { code, stdout, stderr } = await komon(words);
    const report = JSON.parse(stdout);
    expect(report.refused).toBeGreaterThan(0);
    expect(report.sent + report.refused).toBe(100);
    expect(report.errors).toEqual({ ECONNREFUSED: report.refused });
    expect(stderr).toContain(`nobody listens on ${sink.address}`);
    expect(code).toBe(1);
  });

  test("waits for the go-ahead, and without one sends nothing", async () => {
    using sink = new Sink();
    const words = [...sources, "load", sink.address, "--wait-go", "--count", "23"];
    await using load = await Running.start([...words, "--format", "json"]);
    expect(sink.take()).toEqual([]);
    load.tell("go");
    expect(await load.ended()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching('"sent":23'),
    });
    expect(sink.sequence()).toEqual(numbers(23));

    const said = await run(words); // stdin is empty
    expect(said).toMatchObject({ code: 1, stderr: expect.stringContaining("no go-ahead") });
    expect(sink.take()).toEqual([]);
  });

  test("SIGINT ends it, also while it sleeps, with a report and exit code 0", async () => {
    using sink = new Sink();
    const words = ["load", sink.address, "--pps", "0.01", "--ready", "--format", "json"];
    await using load = await Running.start([...sources, ...words]);
    while (sink.take().length === 0) await Bun.sleep(1); // the first packet leaves at once
    const { code, stdout } = await load.stop();
    expect(code).toBe(0);
    expect(JSON.parse(stdout.trimEnd().split("\n")[1])).toMatchObject({ sent: 1, unsent: 0 });
  });

  test("is pinned where it was told to be", async () => {
    using sink = new Sink();
    const words = ["load", sink.address, "--wait-go", "--cpu", "0"];
    await using load = await Running.start([...sources, ...words]);
    const { pid, tids } = load.ready;
    const status = readFileSync(`/proc/${pid}/task/${tids[0]}/status`, "utf8");
    expect(status).toMatch(/^Cpus_allowed_list:\t0$/m);
  });

  test("sends to a VNF in another network namespace, which nobody outside sees", async () => {
    await using world = await World.open();
    await world.ip("netns", "add", "left");
    await world.ip("netns", "add", "right");
    await world.ip(..."-n left link add veth-l type veth peer name veth-r netns right".split(" "));
    await world.ip(..."-n left address add 192.0.2.1/24 dev veth-l".split(" "));
    await world.ip(..."-n right address add 192.0.2.2/24 dev veth-r".split(" "));
    await world.ip(..."-n left link set veth-l up".split(" "));
    await world.ip(..."-n right link set veth-r up".split(" "));
    const vnfWords = [...sources, "vnf", "--netns", "right", "--buffer", "64MiB"];
    await using vnf = await Running.start(world.command([...vnfWords, "--format", "json"]));
    const loadWords = ["load", "192.0.2.2:1234", "--netns", "left", "--pps", "10k"];
    const said = await world.run([...sources, ...loadWords, "--count", "2000"]);
    expect(said).toMatchObject({ code: 0, stderr: "" });
    const { stdout } = await vnf.stop();
    expect(JSON.parse(stdout.trimEnd().split("\n")[1])).toMatchObject({
      received: 2000,
      sent: 2000,
    });

    const outside = await world.run([...sources, "load", "192.0.2.2:1234", "--count", "1"]);
    expect(outside).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/cannot reach 192.0.2.2:1234\n.*ENETUNREACH/),
    });
  });

  test("ends with its parent", async () => {
    using sink = new Sink();
    const words = [...sources, "load", sink.address, "--ready", "--die-with-parent"];
    const parent = `
      const child = Bun.spawn(${JSON.stringify(words)}, { stdio: ["ignore", "inherit", "ignore"] });
      await child.exited;`;
    await using started = await Running.start([process.execPath, "-e", parent]);
    const { stdout } = await started.stop("SIGKILL"); // returns when nobody holds its stdout any more
    expect(stdout).toContain("sent"); // the report of the load, which SIGTERM ended
  });

  test("says what is wrong, and why, and what to do", async () => {
    const cases: [code: number, text: RegExp, ...words: string[]][] = [
      [2, /target/i],
      [2, /no address with a port/, "127.0.0.1"],
      [2, /no address with a port/, "127.0.0.1:70000"],
      [2, /no IPv4 or IPv6 address/, "example.org:9"],
      [2, /--pps must be above zero/, "127.0.0.1:9", "--pps", "0"],
      [2, /--pps/, "127.0.0.1:9", "--pps", "1G"],
      [2, /--pps/, "127.0.0.1:9", "--pps", "-5"],
      [2, /--size/, "127.0.0.1:9", "--size", "1M"],
      [2, /65508 bytes cannot be/, "127.0.0.1:9", "--size", "65508"],
      [2, /add --arrivals burst/, "127.0.0.1:9", "--burst", "5"],
      [2, /beyond port 65535/, "127.0.0.1:9", "--source-port", "65535", "--flows", "2"],
      [2, /there is no CPU 4000 for --cpu/, "127.0.0.1:9", "--cpu", "4000"],
      [
        3,
        /cannot enter network namespace "nowhere"\n.*ENOENT/,
        "127.0.0.1:9",
        "--netns",
        "nowhere",
      ],
      [2, /did you mean --pps/, "127.0.0.1:9", "--ppps", "5"],
    ];
    for (const [code, text, ...words] of cases) {
      const said = await komon(["load", ...words]);
      expect({ words, code: said.code, stderr: said.stderr }).toEqual({
        words,
        code,
        stderr: expect.stringMatching(text),
      });
    }
  });

  test("a source port that is taken is named", async () => {
    using taken = new Sink("0.0.0.0");
    const words = ["load", "127.0.0.1:9", "--source-port", String(taken.port)];
    const { code, stderr } = await komon(words);
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining("EADDRINUSE") });
  });

  test("through the VNF and back: what is sent is what is received", async () => {
    await using vnf = await startVnf("--format", "json", "--workers", "2");
    const report = await send(`127.0.0.1:${vnf.ready.port}`, "--count", "5003", "--pps", "20k");
    const { stdout } = await vnf.stop();
    const summary = JSON.parse(stdout.trimEnd().split("\n")[1]);
    expect(summary).toMatchObject({ received: report.sent, sent: report.sent, send_errors: {} });
  });
});
