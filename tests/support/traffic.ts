/** An example VNF and a load generator as processes of their own, for tests on the real kernel. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { socketAddress } from "../../src/kernel/address.ts";
import { libc, memoryAt, stableMemory } from "../../src/kernel/libc.ts";
import {
  bindSocket,
  closeSocket,
  localPort,
  MSG_DONTWAIT,
  setBuffer,
  udpSocket,
} from "../../src/kernel/socket.ts";
import type { LoadReport } from "../../src/load/report.ts";
import type { TruthRows } from "../../src/model/vnfRecord.ts";
import { readTruth } from "../../src/results/truth.ts";
import type { outcomeJson } from "../../vnf/summary.ts";
import { run, type Said, top } from "./komon.ts";

/** The sources: these tests are of the modules, not of the build. */
export const sources: readonly string[] = [process.execPath, join(top, "src/main.ts")];

/** Enough receive buffer that no packet of a test is lost, however busy the machine. */
const wide = ["--buffer", "64MiB"];

export type VnfSummary = ReturnType<typeof outcomeJson>;

/** A folder that goes with the test. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "komon-traffic-"));

  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

/** A `komon` that said it is ready, and runs until it is stopped. */
export class Running implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #lines: Lines;
  readonly #talk: Lines;
  readonly ready: { readonly pid: number; readonly tids: readonly number[]; readonly port: number };

  private constructor(
    child: Bun.Subprocess<"pipe", "pipe", "pipe">,
    lines: Lines,
    talk: Lines,
    ready: string,
  ) {
    this.#child = child;
    this.#lines = lines;
    this.#talk = talk;
    this.ready = JSON.parse(ready);
  }

  static async start(words: readonly string[]): Promise<Running> {
    const stdio = ["pipe", "pipe", "pipe"] as const;
    const child = Bun.spawn([...words], { stdio: [...stdio], cwd: top });
    const lines = new Lines(child.stdout);
    const talk = new Lines(child.stderr);
    const ready = await lines.until(/"ready"/);
    if (ready === undefined) throw new Error(`not ready: ${talk.text}`);
    return new Running(child, lines, talk, ready);
  }

  /** Waits until it has said on stderr what matches, `times` times since its start. */
  async said(wanted: RegExp, times = 1): Promise<void> {
    if ((await this.#talk.until(wanted, times)) === undefined) throw new Error(this.#talk.text);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`);
    this.#child.stdin.flush();
  }

  /** Waits for its end. */
  async ended(): Promise<Said> {
    const code = await this.#child.exited;
    await Promise.all([this.#lines.ended, this.#talk.ended]);
    return { code, stdout: this.#lines.text, stderr: this.#talk.text };
  }

  async stop(signal: NodeJS.Signals = "SIGINT"): Promise<Said> {
    this.signal(signal);
    return this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}

export interface Mirrored {
  readonly load: LoadReport;
  readonly summary: VnfSummary;
  readonly truth: TruthRows;
  readonly tids: readonly number[];
}

/** Starts a VNF on a free port of 127.0.0.1 (or where `words` say) with room for many packets. */
export function startVnf(...words: string[]): Promise<Running> {
  const where = words.includes("--address") ? [] : ["--address", "127.0.0.1"];
  const port = words.includes("--port") ? [] : ["--port", "0"];
  return Running.start([...sources, "vnf", ...port, ...where, ...wide, ...words]);
}

/** Sends packets and returns the report; throws when one was refused or not sent. */
export async function send(target: string, ...words: string[]): Promise<LoadReport> {
  const said = await run([...sources, "load", target, "--format", "json", ...words]);
  if (said.code !== 0) throw new Error(`komon load: ${said.code}\n${said.stderr}`);
  return JSON.parse(said.stdout);
}

/** A load through a VNF, from its start to its end by SIGINT. */
export async function mirror(
  vnfWords: readonly string[],
  loadWords: readonly string[],
): Promise<Mirrored> {
  using folder = new Folder();
  const path = folder.file("truth");
  await using vnf = await startVnf(...vnfWords, "--truth", path, "--format", "json");
  const load = await send(`127.0.0.1:${vnf.ready.port}`, ...loadWords);
  const { code, stdout, stderr } = await vnf.stop();
  if (code !== 0) throw new Error(`komon vnf: ${code}\n${stderr}`);
  const summary = JSON.parse(stdout.trimEnd().split("\n").at(-1) as string);
  return { load, summary, truth: readTruth(path), tids: vnf.ready.tids };
}

/** A UDP socket that keeps what arrives until it is asked. */
export class Sink implements Disposable {
  readonly #fd: number;
  readonly port: number;
  readonly #memory = stableMemory(65_536);

  constructor(readonly host = "127.0.0.1") {
    const address = socketAddress(host, 0);
    this.#fd = udpSocket(address.family);
    setBuffer(this.#fd, "receive", 64 * 2 ** 20);
    bindSocket(this.#fd, address);
    this.port = localPort(this.#fd);
  }

  get address(): string {
    return this.host.includes(":") ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`;
  }

  /** All datagrams that have arrived, in order. */
  take(): Uint8Array[] {
    const datagrams: Uint8Array[] = [];
    for (let datagram = this.#next(MSG_DONTWAIT); datagram; datagram = this.#next(MSG_DONTWAIT)) {
      datagrams.push(datagram);
    }
    return datagrams;
  }

  /** Sequence numbers of all that has arrived. */
  sequence(): number[] {
    return this.take().map((bytes) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      return Number(view.getBigUint64(0, true));
    });
  }

  /** Sends one datagram from this socket. */
  send(payload: Uint8Array, host: string, port: number): void {
    const to = socketAddress(host, port).bytes;
    new Uint8Array(this.#memory.buffer).set(payload);
    libc.sendto(this.#fd, this.#memory.address, payload.length, 0, to, to.length);
  }

  /** Sends one datagram from this socket and waits for one to come back. */
  exchange(payload: Uint8Array, host: string, port: number): Uint8Array {
    this.send(payload, host, port);
    const back = this.#next(0);
    if (!back) throw new Error("nothing came back");
    return back;
  }

  [Symbol.dispose](): void {
    closeSocket(this.#fd);
  }

  #next(flags: number): Uint8Array | undefined {
    const { address } = this.#memory;
    const length = libc.recvfrom(this.#fd, address, 65_536, flags, null, null);
    return length < 0 ? undefined : new Uint8Array(memoryAt(address, length)).slice();
  }
}

/** Collects a stream, and waits for lines in it. */
class Lines {
  text = "";
  readonly ended: Promise<void>;
  #over = false;
  #wake = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.ended = this.#collect(stream);
  }

  /** The line that matches for the `times`-th time; undefined when the stream ends before. */
  async until(wanted: RegExp, times = 1): Promise<string | undefined> {
    for (;;) {
      const over = this.#over;
      const found = this.text
        .split("\n")
        .slice(0, -1)
        .filter((line) => wanted.test(line));
      if (found.length >= times) return found[times - 1];
      if (over) return undefined;
      await this.#wake.promise;
    }
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      this.text += decoder.decode(bytes, { stream: true });
      this.#stir();
    }
    this.#over = true;
    this.#stir();
  }

  #stir(): void {
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers<void>();
    resolve();
  }
}
