/** A headless Chromium, told what to do through its DevTools protocol. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lineOf } from "./world.ts";

export const chromium = Bun.which("chromium") ?? Bun.which("google-chrome") ?? undefined;

export class Page implements AsyncDisposable {
  readonly #child: Bun.Subprocess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #session: string | undefined;
  #id = 0;

  private constructor(child: Bun.Subprocess, profile: string, socket: WebSocket) {
    this.#child = child;
    this.#profile = profile;
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      const answer = JSON.parse(String(data)) as Answer;
      this.#waiting.get(answer.id)?.(answer);
    };
  }

  static async open(url: string, width = 1200): Promise<Page> {
    const profile = mkdtempSync(join(tmpdir(), "komon-browser-"));
    const child = Bun.spawn(
      [
        ...[chromium as string, "--headless", "--no-sandbox", "--disable-gpu"],
        ...["--remote-debugging-port=0", `--user-data-dir=${profile}`],
        ...[`--window-size=${width},900`, "about:blank"],
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    const line = await lineOf(child.stderr, /DevTools listening on ws:/);
    const socket = new WebSocket(/ws:\S+/.exec(line)?.[0] as string);
    await new Promise((open) => {
      socket.onopen = open;
    });
    const page = new Page(child, profile, socket);
    const { targetId } = (await page.#call("Target.createTarget", { url })) as { targetId: string };
    const attached = await page.#call("Target.attachToTarget", { targetId, flatten: true });
    page.#session = (attached as { sessionId: string }).sessionId;
    return page;
  }

  /** Goes to another page. */
  async go(url: string): Promise<void> {
    await this.#call("Page.navigate", { url });
  }

  /** Waits until the expression gives something true, and returns it. */
  async until<T>(expression: string): Promise<T> {
    for (;;) {
      const value = await this.evaluate<T>(expression);
      if (value) return value;
      await Bun.sleep(50);
    }
  }

  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.#call("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    return (answer as { result: { value: T } }).result?.value;
  }

  async screenshot(path: string): Promise<void> {
    const { data } = (await this.#call("Page.captureScreenshot", {})) as { data: string };
    await Bun.write(path, Buffer.from(data, "base64"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    rmSync(this.#profile, { recursive: true, force: true });
  }

  async #call(method: string, params: object): Promise<unknown> {
    const id = ++this.#id;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.set(id, resolve);
    this.#socket.send(JSON.stringify({ id, method, params, sessionId: this.#session }));
    const { result, error } = await promise;
    this.#waiting.delete(id);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}
