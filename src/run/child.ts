/** komon's own commands as child processes: the example VNF and the load run in processes of their own. */
import type { Subprocess } from "bun";
import { Exit, KomonError } from "../base/errors.ts";
import { ownedEnvironment } from "../testbed/owner.ts";

/** How to start this very program again: the executable, or the sources under Bun. */
function selfCommand(): string[] {
  const sources = new URL("../main.ts", import.meta.url).pathname;
  return import.meta.url.includes("/$bunfs/") ? [process.execPath] : [process.execPath, sources];
}

/** What a child says in its first line. */
export interface Ready {
  readonly ready: string;
  readonly pid: number;
  readonly tids: readonly number[];
  readonly port?: number;
  readonly seed?: number;
}

/**
 * A child that ends with its parent, says when it is ready, and is stopped by SIGINT. It has a session of its own:
 * Ctrl-C reaches komon alone, which stops the load before the VNF.
 */
export class Child implements AsyncDisposable {
  readonly #process: Subprocess<"pipe", "pipe", "pipe">;
  readonly #lines: AsyncGenerator<string>;
  readonly #errors: Promise<string>;

  constructor(
    readonly name: string,
    args: readonly string[],
  ) {
    this.#process = Bun.spawn([...selfCommand(), ...args, "--die-with-parent"], {
      env: ownedEnvironment(),
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      detached: true,
    });
    this.#lines = linesOf(this.#process.stdout);
    this.#errors = new Response(this.#process.stderr).text();
  }

  get exited(): Promise<number> {
    return this.#process.exited;
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Ended by itself with work left to do: not when it has done all of it. */
  get failed(): boolean {
    return !this.running && this.#process.exitCode !== 0;
  }

  /** Waits for the first line. Fails with what the child said when it ended instead. */
  async ready(): Promise<Ready> {
    const { value, done } = await this.#lines.next();
    if (done) throw await this.failure("could not start");
    return JSON.parse(value) as Ready;
  }

  /** Lets a child begin that was told to wait for it. */
  go(): void {
    this.#process.stdin.write("go\n");
    this.#process.stdin.flush();
  }

  /** Ends it the ordinary way, unless it has ended, and gives the rest of its output. */
  async stop(): Promise<string> {
    if (this.running) this.#process.kill("SIGINT");
    let rest = "";
    for await (const line of this.#lines) rest += `${line}\n`;
    await this.#process.exited;
    return rest;
  }

  /** The error to show for a child that ended when it should not. What it was told wrongly, komon was told wrongly. */
  async failure(what: string): Promise<KomonError> {
    const code = await this.#process.exited;
    const said = (await this.#errors).trim();
    const how = this.#process.signalCode ? `killed by ${this.#process.signalCode}` : `exit ${code}`;
    const exit = code === Exit.usage ? Exit.usage : Exit.cannot;
    return new KomonError({ what: `${this.name} ${what}`, why: said || how, exit });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running) this.#process.kill("SIGKILL");
    await this.#process.exited;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    rest += decoder.decode(bytes, { stream: true });
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      yield rest.slice(0, end);
      rest = rest.slice(end + 1);
    }
  }
  if (rest) yield rest;
}
