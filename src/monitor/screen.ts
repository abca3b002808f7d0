/** A terminal that is drawn over and over: its alternate screen, its size, its keys. */
import { print } from "../base/output.ts";

const enter = "\x1b[?1049h\x1b[?25l";
const leave = "\x1b[?25h\x1b[?1049l";
const home = "\x1b[H";
const clearLine = "\x1b[K";
const clearBelow = "\x1b[J";
const CTRL_C = "\x03";

export class Screen implements Disposable {
  readonly #onKey: (key: string) => void;
  readonly #onResize: () => void;
  #open = true;
  readonly #read = (bytes: Uint8Array): void => {
    for (const key of new TextDecoder().decode(bytes)) this.#onKey(key);
  };
  readonly #restore = (): void => this[Symbol.dispose]();

  /** `onKey` gets each key; Ctrl-C comes as `q`. Where stdin is no terminal there are no keys. */
  constructor(onKey: (key: string) => void, onResize: () => void) {
    this.#onKey = (key) => onKey(key === CTRL_C ? "q" : key);
    this.#onResize = onResize;
    print(enter);
    process.on("exit", this.#restore);
    process.stdout.on("resize", this.#onResize);
    if (process.stdin.isTTY) {
      process.stdin.setRawMode(true);
      process.stdin.on("data", this.#read);
      process.stdin.resume();
    }
  }

  get columns(): number {
    return process.stdout.columns || 80;
  }

  get rows(): number {
    return process.stdout.rows || 24;
  }

  /** Lines that do not fit are cut. */
  draw(lines: readonly string[]): void {
    const { rows, columns } = this;
    const shown = lines.slice(0, rows).map((line) => cut(line, columns) + clearLine);
    print(home + shown.join("\n") + clearBelow);
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    process.off("exit", this.#restore);
    process.stdout.off("resize", this.#onResize);
    if (process.stdin.isTTY) {
      process.stdin.off("data", this.#read);
      process.stdin.setRawMode(false);
      process.stdin.pause();
      process.stdin.unref();
    }
    print(leave);
  }
}

function cut(line: string, columns: number): string {
  return Bun.stringWidth(line) > columns ? `${Bun.sliceAnsi(line, 0, columns - 1)}…` : line;
}
