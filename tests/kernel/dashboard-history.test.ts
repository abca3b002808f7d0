import { Database } from "bun:sqlite";
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Exporting } from "../support/exporter.ts";
import { komonCommand, run } from "../support/komon.ts";
import { samplesOf } from "../support/prometheus.ts";
import { TcpSocket } from "../support/tcp.ts";

setDefaultTimeout(120_000); // the file is tried again every ten seconds
const folder = mkdtempSync(join(tmpdir(), "komon-disk-"));
afterAll(() => rmSync(folder, { recursive: true }));
const key = "process_resident_memory_bytes";

const path = join(folder, "sub/history.db");

/** A dashboard whose history lies on a small file system of its own, which nobody else sees. */
async function onSmallDisk(options: string, more = "true", ...words: string[]): Promise<Exporting> {
  const mount = `mount -t tmpfs -o ${options} tmpfs ${folder} && cd ${folder} && ${more} && cd / && exec "$@"`;
  return Exporting.spawn(
    [
      ...["unshare", "--mount", "--propagation", "private", "sh", "-c", mount, "sh"],
      ...[...komonCommand, "dashboard", "--no-tcp", "--history", path],
    ],
    words,
  );
}

async function remount(dashboard: Exporting, options: string): Promise<void> {
  const enter = ["nsenter", `--target=${dashboard.pid}`, "--mount"];
  const said = await run([...enter, "mount", "-o", `remount,${options}`, folder]);
  expect(said).toMatchObject({ code: 0, stderr: "" });
}

const times = async (dashboard: Exporting) => {
  const range = new URLSearchParams({ key, from: String(Date.now() - 600e3) });
  const points = JSON.parse(await dashboard.page(`/api/history?${range}`));
  return (points as { at: number }[]).map(({ at }) => Math.floor(at / 1000));
};

describe("a history that cannot be written", () => {
  test("read-only: said, kept in memory, written once it can be", async () => {
    await using dashboard = await onSmallDisk("ro");
    await dashboard.said(/cannot be used: .*; kept in memory/);
    while ((await times(dashboard)).length < 3) await Bun.sleep(50);
    expect(await liveProblem(dashboard)).toBeString();
    const [first] = await times(dashboard);
    await remount(dashboard, "rw");
    await dashboard.said(/is in use again/);
    expect((await times(dashboard))[0]).toBe(first);
    expect(await liveProblem(dashboard)).toBeUndefined();
    expect(await dashboard.page()).toContain("komon_build_info");
  });

  test("damaged, where it cannot be set aside: said, and measuring goes on", async () => {
    const damage =
      "mkdir sub && seq 5000 > bad && touch sub/history.db && mount --bind bad sub/history.db";
    await using dashboard = await onSmallDisk("size=4m", damage);
    await dashboard.said(/cannot be used: .*; it cannot be set aside: EBUSY.*; kept in memory/);
    while ((await times(dashboard)).length < 12) await Bun.sleep(50); // it is tried again meanwhile
    expect(await liveProblem(dashboard)).toContain("EBUSY");
    const enter = ["nsenter", `--target=${dashboard.pid}`, "--mount"];
    expect(await run([...enter, "umount", path])).toMatchObject({ code: 0 });
    await dashboard.said(/is in use again/);
  });

  test.each([
    ["root", []],
    ["nobody", ["--user", "nobody"]],
  ])(
    "full, as %s: said, measuring goes on, nothing is lost when there is room again",
    async (user, words) => {
      await using dashboard = await onSmallDisk("size=4m", "true", ...words);
      while ((await times(dashboard)).length < 3) await Bun.sleep(50);
      const disk = `/proc/${dashboard.pid}/root${folder}`;
      const owner = await run(["stat", "-c", "%U", `${disk}/sub/history.db`, `${disk}/sub`]);
      expect(owner.stdout).toBe(`${user}\n${user}\n`);
      await run(["sh", "-c", `cat /dev/zero > ${disk}/filler`]);
      await dashboard.said(/cannot be used: database or disk is full; kept in memory/);
      const known = (await times(dashboard)).length;
      while ((await times(dashboard)).length < known + 3) await Bun.sleep(50);
      const before = await times(dashboard);
      expect(await dashboard.page()).toContain("komon_build_info");
      rmSync(`${disk}/filler`);
      await dashboard.said(/is in use again/);
      expect(await times(dashboard)).toEqual(expect.arrayContaining(before));
    },
  );
});

describe("komon dashboard --user", () => {
  test("leaves a folder that is there whose it is, and says that it cannot write there", async () => {
    const make = "mkdir -m 755 sub";
    await using dashboard = await onSmallDisk("size=4m", make, "--user", "nobody");
    await dashboard.said(/cannot be used: .*; kept in memory/);
    const folderNow = `/proc/${dashboard.pid}/root${folder}/sub`;
    expect((await run(["stat", "-c", "%U", folderNow])).stdout).toBe("root\n");
    while ((await times(dashboard)).length < 3) await Bun.sleep(50);
  });
});

test("SIGTERM writes what has not been written yet", async () => {
  const path = join(folder, "flushed.db");
  const words = ["--no-tcp", "--history", path];
  await using dashboard = await Exporting.startAs("dashboard", ...words);
  const seen: number[] = [];
  for await (const { at } of live(dashboard)) if (seen.push(Math.floor(at / 1000)) === 7) break;
  expect(await dashboard.stop()).toBe(0);
  using database = new Database(path, { readonly: true });
  const rows = database
    .query("SELECT tier, at FROM points JOIN series ON id = series WHERE key = ? ORDER BY at")
    .all(key) as { tier: number; at: number }[];
  const stored = rows.filter(({ tier }) => tier === 0).map(({ at }) => at / 1000);
  expect(stored).toEqual(expect.arrayContaining(seen));
  expect(new Set(rows.map(({ tier }) => tier))).toEqual(new Set([0, 1, 2]));
});

describe("a browser that", () => {
  test("goes away mid-stream leaves nothing behind", async () => {
    await using dashboard = await Exporting.startAs("dashboard", ...memoryOnly);
    const openFiles = async () => samplesOf(await dashboard.page()).get("process_open_fds");
    await dashboard.page();
    const before = await openFiles();
    const leaves = Array.from({ length: 23 }, () => new AbortController());
    await Promise.all(
      leaves.map(async ({ signal }) => {
        const answer = await fetch(`${dashboard.base}/api/live`, { signal });
        await answer.body?.getReader().read();
      }),
    );
    expect(await openFiles()).toBe((before ?? 0) + 23);
    for (const leave of leaves) leave.abort();
    while (((await openFiles()) ?? 0) > (before ?? 0)) await Bun.sleep(50);
    for await (const { values } of live(dashboard)) {
      expect(values[key]).toBeGreaterThan(0);
      break;
    }
  });

  test("never reads its stream holds up neither the others nor the end", async () => {
    await using dashboard = await Exporting.startAs("dashboard", ...memoryOnly);
    const { hostname, port } = new URL(dashboard.base);
    const { socket } = TcpSocket.connect(hostname, Number(port));
    socket.write("GET /api/live HTTP/1.1\r\nHost: komon\r\n\r\n");
    let events = 0;
    for await (const _ of live(dashboard)) if (++events === 5) break;
    expect(await dashboard.stop()).toBe(0);
    socket[Symbol.dispose]();
  });
});

const memoryOnly = ["--no-tcp", "--history", "/proc/none.db"];

interface Live {
  readonly at: number;
  readonly values: Readonly<Record<string, number>>;
  readonly problem?: string;
}

/** What the page is sent. */
async function* live({ base }: Exporting): AsyncGenerator<Live> {
  const { body } = await fetch(`${base}/api/live`);
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body as ReadableStream<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) yield JSON.parse(event.slice("data: ".length));
  }
}

async function liveProblem(dashboard: Exporting): Promise<string | undefined> {
  for await (const { problem } of live(dashboard)) return problem;
}
