/** An interval as lines for people: fixed columns, so that line follows line for days. */
import { formatCount, formatNs, formatRate } from "../base/units.ts";
import type { SpanInterval } from "./interval.ts";
import type { Told } from "./rows.ts";
import { describeViolation } from "./slo.ts";
import type { Account } from "./source.ts";

const headEvery = 20;
const widths = [9, 7, 7, 7, 7, 7, 5] as const;
const heads = ["rate", "p50", "p90", "p99", "p99.9", "max", "depth"] as const;

export class LineWriter {
  #lines = Number.POSITIVE_INFINITY;
  readonly #several: boolean;

  /** `several`: lines begin with the port. */
  constructor(several: boolean) {
    this.#several = several;
  }

  write(told: Told): string {
    const { source, interval, at, violated } = told;
    const time = clock(at);
    const label = (name: string) =>
      (this.#several ? `${source.port} ${name}` : name).padEnd(this.#several ? 13 : 7);
    const lines = interval.spans.map(
      (one) => `${time} ${label(one.span)} ${numbers(one, interval.depth)}`,
    );
    const account = accountText(interval.account);
    if (account) lines.push(`${time} ${label("")} ${account}`.trimEnd());
    for (const one of violated)
      lines.push(`${time} ${label("")} VIOLATED ${describeViolation(one)}`);
    this.#lines += lines.length;
    if (this.#lines <= headEvery) return text(lines);
    this.#lines = lines.length;
    return text([
      `${"time".padEnd(8)} ${label0(label("").length)} ${columnsText(heads)}`,
      ...lines,
    ]);
  }
}

function label0(width: number): string {
  return "span".padEnd(width);
}

/** What is missing from the interval, by cause; nothing when all is well. */
export function accountText(account: Account): string {
  const causes: readonly [number, string][] = [
    [account.expiredStack, "dropped by the stack"],
    [account.expiredUnsent, "not sent"],
    [account.expiredUnread, "not read"],
    [account.collided, "collided"],
    [account.lost, "lost"],
  ];
  const told = causes.filter(([count]) => count > 0);
  if (told.length === 0) return "";
  return `missing: ${told.map(([count, cause]) => `${formatCount(count)} ${cause}`).join(", ")}`;
}

export function spanHeads(): string {
  return columnsText(heads.slice(0, 6));
}

/** A span's numbers in columns; `depth` only where it is given. */
export function numbers(one: SpanInterval, depth?: number): string {
  const times = [one.p50Ns, one.p90Ns, one.p99Ns, one.p999Ns, one.maxNs].map(formatNs);
  const shown = [formatRate(one.pps), ...times];
  return columnsText(depth === undefined ? shown : [...shown, formatCount(depth)]);
}

function columnsText(cells: readonly string[]): string {
  return cells
    .map((cell, at) => " ".repeat(Math.max(0, widths[at] - Bun.stringWidth(cell))) + cell)
    .join(" ");
}

function clock(at: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

function text(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}
