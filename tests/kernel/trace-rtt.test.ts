import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { testUnless } from "../support/needs.ts";
import { ownComm, TcpListener } from "../support/tcp.ts";
import { Trace } from "../support/trace.ts";
import { lineOf, World } from "../support/world.ts";

const support = `${import.meta.dir}/../support`;
const bun = process.execPath;

/** Two namespaces with 10 ms of round trip between them. */
async function delayed(world: World): Promise<Bun.Subprocess> {
  for (const name of ["a", "b"]) await world.ip("netns", "add", name);
  const relay = Bun.spawn(world.command([bun, `${support}/delay.ts`, "a", "b", "5"]), {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await lineOf(relay.stdout, /ready/);
  for (const [name, address] of [
    ["a", "10.8.0.1"],
    ["b", "10.8.0.2"],
  ]) {
    await world.ip("-n", name, "addr", "add", `${address}/24`, "dev", "delay");
    await world.ip("-n", name, "link", "set", "delay", "up");
  }
  return relay;
}

/** Round-trip times as a capture shows them: from each segment with data to the acknowledgement of its end. */
function captured(text: string, from: string): number[] {
  const sent = new Map<number, number>();
  const times: number[] = [];
  for (const line of text.split("\n")) {
    const head = /^(\d+\.\d+) IP (\S+) > /.exec(line);
    if (!head) continue;
    const seconds = Number(head[1]);
    const end = /seq \d+:(\d+)/.exec(line);
    const ack = /ack (\d+)/.exec(line);
    if (head[2].startsWith(from)) {
      if (end) sent.set(Number(end[1]), seconds);
      else if (/Flags \[S\]/.test(line)) {
        sent.set(Number(/seq (\d+)/.exec(line)?.[1]) + 1, seconds);
      }
    } else if (ack) {
      const begin = sent.get(Number(ack[1]));
      if (begin !== undefined) times.push(seconds - begin);
      sent.delete(Number(ack[1]));
    }
  }
  return times;
}

describe("komon trace tcprtt", () => {
  const noTun = existsSync("/dev/net/tun") ? undefined : "there is no /dev/net/tun";
  testUnless(noTun, "agrees with ss -ti and with a capture", async () => {
    await using world = await World.open();
    using started = new DisposableStack();
    const killed = (process: Bun.Subprocess) => started.defer(() => process.kill("SIGKILL"));
    killed(await delayed(world));
    const netns = `/proc/${world.pid}/root/run/netns/a`;
    const capture = Bun.spawn(
      world.command(
        [
          "tcpdump",
          "-i",
          "delay",
          "-n",
          "-S",
          "-tt",
          "-l",
          "--immediate-mode",
          "tcp",
          "port",
          "7000",
        ],
        "a",
      ),
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    killed(capture);
    await lineOf(capture.stderr, /listening on/);
    const server = Bun.spawn(
      world.command([bun, `${support}/rttPeers.ts`, "server", "7000"], "b"),
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    killed(server);
    await lineOf(server.stdout, /ready/);
    await using trace = await Trace.start(
      ...["tcprtt", "--netns", netns, "--by", "connection", "--format", "jsonl"],
    );
    const client = Bun.spawn(
      world.command([bun, `${support}/rttPeers.ts`, "client", "10.8.0.2", "7000", "40"], "a"),
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    killed(client);
    await lineOf(client.stdout, /ready/);
    const ss = (await world.run(["ip", "netns", "exec", "a", "ss", "-tinH"])).stdout;
    const rows = await trace.rows();
    capture.kill("SIGINT");
    const times = captured(await capture.stdout.text(), "10.8.0.1");

    expect(rows.length).toBe(1);
    const [row] = rows as Record<string, number>[];
    const [, srtt, mdev] = (/ rtt:([\d.]+)\/([\d.]+)/.exec(ss) ?? []).map(Number);
    const minrtt = Number(/minrtt:([\d.]+)/.exec(ss)?.[1]);
    // The handshake and 40 requests, each acknowledged by its answer.
    expect(row.samples).toBe(41);
    expect(times.length).toBe(41);
    expect(row.srtt_ns).toBeCloseTo(srtt * 1e6, -4); // ss prints whole microseconds
    expect(row.mdev_ns).toBeCloseTo(mdev * 1e6, -4);
    expect(row.min_ns).toBe(minrtt * 1e6);
    // The kernel counts until the acknowledgement is processed, which on a busy machine may be long after the
    // capture has seen it: the least time and the median (to its bucket's width) tell, mean and maximum do not.
    const sorted = times.toSorted((a, b) => a - b);
    expect(Math.abs(row.min_ns / (sorted[0] * 1e9) - 1)).toBeLessThan(0.01);
    expect(Math.abs(row.p50_ns / (sorted[20] * 1e9) - 1)).toBeLessThan(0.1);
  });

  test("bcc's histogram holds every sample, and -e says more", async () => {
    using listener = new TcpListener();
    await using trace = await Trace.start("tcprtt", "-e", "-P", `${listener.port}`);
    const { client, server } = listener.pair();
    for (let i = 0; i < 22; i++) {
      client.send(1);
      server.receive(1);
      server.send(1);
      client.receive(1);
    }
    const text = await trace.text();
    expect(text).toMatch(/^All Addresses = \*+ \[AVG \d+\] \[MIN \d+ SRTT \d+ MDEV \d+\]$/m);
    expect(text).toContain("     usecs               : count     distribution");
    const counts = [...text.matchAll(/-> \d+ +: (\d+)/g)].map(([, count]) => Number(count));
    // The handshake and 22 requests; what the last answer brought is taken when the next packet comes, such as the
    // delayed acknowledgement of a slow machine.
    expect([22, 23]).toContain(counts.reduce((sum, one) => sum + one, 0));
    for (const end of [client, server]) end[Symbol.dispose]();
  });

  test("groups by address, subnet and process, and keeps them few", async () => {
    const by = ["raddr", "subnet", "process"] as const;
    const ours = ["--pid", `${process.pid}`, "-a", "127.0.0.1"]; // others may be on the loopback, too
    const traces = await Promise.all(
      by.map((one) =>
        Trace.start("tcprtt", "--by", one, "--groups", "3", "--format", "jsonl", ...ours),
      ),
    );
    await using _ended = new AsyncDisposableStack();
    for (const trace of traces) _ended.use(trace);
    const addresses = ["127.0.1.1", "127.0.2.1", "127.0.2.2", "127.0.3.1", "127.0.4.1"];
    for (const address of addresses) {
      const near = new TcpListener(address);
      const { client, server } = near.pair();
      client.send(1);
      server.receive(1);
      for (const end of [client, server, near]) end[Symbol.dispose]();
    }
    const names = await Promise.all(
      traces.map(async (trace) => (await trace.rows()).map((row) => row.group)),
    );
    expect(names[0]).toEqual(["127.0.1.1", "127.0.2.1", "127.0.2.2", "other"]);
    expect(names[1]).toEqual(["127.0.1.0/24", "127.0.2.0/24", "127.0.3.0/24", "other"]);
    expect(names[2]).toEqual([`${ownComm} ${process.pid}`]);
  });
});
