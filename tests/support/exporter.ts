/** A `komon export` on a free port. */
import { top } from "./komon.ts";

const sources = [process.execPath, `${top}/src/main.ts`];

export class Exporting implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly base: string;
  #talk = "";
  readonly #stirred: (() => void)[] = [];

  private constructor(child: Bun.Subprocess<"ignore", "pipe", "pipe">, base: string) {
    this.#child = child;
    this.base = base;
  }

  static start(...words: string[]): Promise<Exporting> {
    return Exporting.startBy([], ...words);
  }

  /** Run by another command, such as setpriv. */
  static startBy(by: readonly string[], ...words: string[]): Promise<Exporting> {
    return Exporting.spawn([...by, ...sources, "export"], words);
  }

  /** Another command that serves: dashboard. */
  static startAs(verb: string, ...words: string[]): Promise<Exporting> {
    return Exporting.spawn([...sources, verb], words);
  }

  static async spawn(command: readonly string[], words: readonly string[]): Promise<Exporting> {
    const listen = words.includes("--web.listen-address")
      ? []
      : ["--web.listen-address", "127.0.0.1:0"];
    const child = Bun.spawn([...command, ...listen, ...words], {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: top,
      env: process.env, // as it is now
    });
    const reader = child.stderr.getReader();
    const decoder = new TextDecoder();
    let talk = "";
    for (;;) {
      const { value, done } = await reader.read();
      talk += decoder.decode(value, { stream: !done });
      const url = /serving (https?:\/\/[^/]+)/.exec(talk)?.[1];
      if (url) {
        const exporting = new Exporting(child, url);
        exporting.#talk = talk;
        void exporting.#listen(reader, decoder);
        return exporting;
      }
      if (done) throw new Error(talk);
    }
  }

  /** All it has said on stderr. */
  get talk(): string {
    return this.#talk;
  }

  get pid(): number {
    return this.#child.pid;
  }

  async page(path = "/metrics", init: RequestInit & { tls?: object } = {}): Promise<string> {
    return (await fetch(`${this.base}${path}`, init)).text();
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Waits until it has said so on stderr. */
  async said(wanted: RegExp): Promise<void> {
    while (!wanted.test(this.#talk)) await new Promise<void>((wake) => this.#stirred.push(wake));
  }

  async stop(): Promise<number> {
    this.#child.kill("SIGTERM");
    return this.#child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #listen(
    reader: { read(): Promise<{ value?: Uint8Array | undefined; done: boolean }> },
    decoder: TextDecoder,
  ) {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      this.#talk += decoder.decode(value, { stream: true });
      for (const wake of this.#stirred.splice(0)) wake();
    }
  }
}
