/** A monitor that runs beside a test's traffic, and what the test counts against it. */
import { inNamespace } from "../../src/testbed/inside.ts";
import { komonCommand } from "./komon.ts";
import { Sink } from "./traffic.ts";
import { lineOf, type World } from "./world.ts";

/** The spans of a VNF, as each interval has a line of. */
export const spans = ["service", "queue", "sojourn", "egress", "total"];

export interface MonitorRow {
  readonly schema: string;
  readonly port: number | null;
  readonly span: string;
  readonly packets: number;
  readonly [key: string]: number | string | null;
}

export interface Monitored {
  readonly code: number;
  readonly rows: readonly MonitorRow[];
  readonly stderr: string;
  /** Sum of a column over all intervals of one span. */
  sum(span: string, column?: string): number;
}

/** A monitor in JSON lines, with short intervals, that watches already. */
export async function startMonitor(world: World, ...words: string[]) {
  const given = words.includes("--interval") ? words : ["--interval", "100ms", ...words];
  const child = Bun.spawn(
    world.command([...komonCommand, "monitor", "--format", "jsonl", ...given]),
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let text = "";
  let lines = 0;
  let over = false;
  let told = Promise.withResolvers<void>();
  const output = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of child.stdout) {
      const more = decoder.decode(bytes, { stream: true });
      lines += more.split("\n").length - 1;
      text += more;
      told.resolve();
      told = Promise.withResolvers<void>();
    }
    over = true;
    told.resolve();
  })();
  const [watched, talk] = child.stderr.tee();
  const said = talk.text();
  await lineOf(watched, /^watching/);
  const end = async (signal?: NodeJS.Signals): Promise<Monitored> => {
    if (signal) child.kill(signal);
    const code = await child.exited;
    await output;
    return { code, ...rowsOf(text), stderr: await said };
  };
  return {
    pid: child.pid,
    /** Rows so far. */
    lines: () => lines,
    /** Waits until what it has told so far is so. */
    async until(so: (seen: Pick<Monitored, "rows" | "sum">) => boolean): Promise<void> {
      while (!so(rowsOf(text))) {
        if (over) throw new Error("the monitor has ended");
        await told.promise;
      }
    },
    /** Waits for its own end. */
    ended: () => end(),
    /** Ends it as Ctrl-C does. */
    stop: () => end("SIGINT"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** The whole lines of a monitor's output. */
function rowsOf(text: string): Pick<Monitored, "rows" | "sum"> {
  const rows = text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as MonitorRow);
  const sum = (span: string, column = "packets") =>
    rows.filter((row) => row.span === span).reduce((total, row) => total + Number(row[column]), 0);
  return { rows, sum };
}

/** A socket in the world's network. */
export function sinkIn(world: World, host = "127.0.0.1"): Sink {
  return inNamespace(`/proc/${world.pid}/ns/net`, () => new Sink(host));
}

/** Waits until as many datagrams have come as were sent. */
export async function received(sink: Sink, count: number): Promise<Uint8Array[]> {
  const datagrams: Uint8Array[] = [];
  for (;;) {
    datagrams.push(...sink.take());
    if (datagrams.length >= count) return datagrams;
    await Bun.sleep(2);
  }
}

/** Starts a program of this world that stays; ready when it listens on `port`, or at once. */
export async function startProgram(world: World, words: readonly string[], port?: number) {
  const child = Bun.spawn(world.command(words), { stdio: ["ignore", "pipe", "pipe"] });
  const talk = Promise.all([child.stdout.text(), child.stderr.text()]);
  while (port !== undefined && !(await listens(world, port))) {
    if (child.exitCode !== null) throw new Error(`${words[0]} ended: ${(await talk).join("")}`);
    await Bun.sleep(5);
  }
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 2000);
      await child.exited;
      clearTimeout(late);
    },
  };
}

/** Starts the example VNF and waits until it says that it is ready. */
export async function startVnf(world: World, port: number, ...words: string[]) {
  const given = ["--port", `${port}`, "--address", "127.0.0.1", "--buffer", "64MiB", ...words];
  const child = Bun.spawn(world.command([...komonCommand, "vnf", ...given]), {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await lineOf(child.stdout, /"ready"/);
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Sends to a port of the world. */
export async function load(
  world: World,
  port: number,
  count: number,
  pps: string,
  ...words: string[]
): Promise<void> {
  const to = `127.0.0.1:${port}`;
  const said = await world.komon("load", to, "--count", `${count}`, "--pps", pps, ...words);
  if (said.code !== 0) throw new Error(said.stderr);
}

/** A VNF on port 7001 and a load that passes through it, until the test's end. */
export async function startTraffic(world: World, pps: string, ...words: string[]) {
  const stack = new AsyncDisposableStack();
  const sink = stack.use(sinkIn(world));
  stack.use(await startVnf(world, 7001, "--target", `127.0.0.1:${sink.port}`, ...words));
  const flow = ["load", "127.0.0.1:7001", "--pps", pps, "--duration", "60s"];
  stack.use(await startProgram(world, [...komonCommand, ...flow]));
  await received(sink, 1);
  return stack;
}

/** Whether somebody in the world has bound the UDP port. */
export async function listens(world: World, port: number): Promise<boolean> {
  const { stdout } = await world.run(["ss", "-lunH", `sport = :${port}`]);
  return stdout.trim() !== "";
}

/** Installs a Debian package whose program is not there. Undefined: it is there now; else why not. */
export function lackingPackage(program: string, ...packages: string[]): string | undefined {
  if (Bun.which(program)) return undefined;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const install = ["apt-get", "install", "-y", "--no-install-recommends", ...packages];
  Bun.spawnSync(["apt-get", "update"], { env });
  Bun.spawnSync(install, { env });
  return Bun.which(program)
    ? undefined
    : `${program} is missing and \`${install.join(" ")}\` failed`;
}
