import { expect, test } from "bun:test";
import { TcpProbe } from "../../src/probes/tcp/probe.ts";
import { TcpListener } from "../support/tcp.ts";

test("two connections of one group that begin at the same moment are in one group", async () => {
  const count = 2_000; // so many times two CPUs may meet
  using listener = new TcpListener("0.0.0.0");
  using probe = TcpProbe.open({
    ...{
      rtt: true,
      groupBy: "raddr",
      groups: count + 10,
      filter: { remotePorts: [listener.port] },
    },
  });
  const shared = new SharedArrayBuffer(4);
  const threads = [1, 2].map(() => new Worker(`${import.meta.dir}/../support/connector.worker.ts`));
  try {
    await Promise.all(
      threads.map((thread) => {
        const { promise, resolve, reject } = Promise.withResolvers<unknown>();
        thread.onmessage = resolve;
        thread.onerror = reject;
        thread.postMessage({ port: listener.port, fd: listener.fd, count, shared });
        return promise;
      }),
    );
  } finally {
    for (const thread of threads) thread.terminate();
  }
  const names = probe.groups().map(({ name }) => name);
  expect(new Set(names).size).toBe(count);
  expect(names.length).toBe(count);
});
