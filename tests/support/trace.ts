/** A `komon trace` that has begun, read as JSON Lines. */
import { top } from "./komon.ts";
import { lineOf, restOf } from "./world.ts";

const sources = [process.execPath, `${top}/src/main.ts`];

export type TraceRow = Readonly<Record<string, string | number | boolean | null>>;

export class Trace implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #stdout: Promise<string>;
  #stderr = Promise.resolve("");

  private constructor(child: Bun.Subprocess<"ignore", "pipe", "pipe">) {
    this.#child = child;
    this.#stdout = child.stdout.text();
  }

  static async start(...words: string[]): Promise<Trace> {
    const child = Bun.spawn([...sources, "trace", ...words], {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: top,
    });
    const trace = new Trace(child);
    await lineOf(child.stderr, /Hit Ctrl-C/);
    trace.#stderr = restOf(child.stderr);
    return trace;
  }

  /** Ends it by SIGINT; what it printed. */
  async text(): Promise<string> {
    this.#child.kill("SIGINT");
    const text = await this.#stdout;
    this.code = await this.#child.exited;
    this.complaints = await this.#stderr;
    return text;
  }

  code: number | undefined;
  /** What it said of the whole when it ended. */
  complaints = "";

  /** Its JSON Lines. */
  async rows(): Promise<TraceRow[]> {
    const text = await this.text();
    return text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}
