import { type Row, type RowProblem, readLines } from "./lines.ts";
import type { NameScheme } from "./names.ts";

/** The packets of a VNF_ or KERNEL_ file, one column per field; `length` rows are filled. */
export interface PacketLog {
  readonly file: string;
  length: number;
  /** The row's own number, 1…: what pairs the rows of VNF_ and KERNEL_. */
  number: Uint32Array;
  interval: Uint32Array;
  valueNs: Float64Array;
  /** Whether values have decimals: they are µs for certain. */
  decimals: boolean;
  /** The unit that the file was read in; else ns. */
  microseconds: boolean;
  /** Interval numbers that are missing between the first and the last. */
  readonly missingIntervals: number;
}

export interface LogContext {
  readonly scheme: NameScheme;
  /** Rows to expect: only a first guess. */
  readonly rows: number;
  /** What the file name says, to be found in every row. */
  readonly pps: number;
  readonly sizeBytes: number;
  readonly onProblem: (problem: RowProblem) => void;
}

/**
 * Reads a KERNEL_ file (8 columns; 7 as KOMon's monitor_kernel.sh wrote them). Whole µs in 2018; with decimals µs, too.
 * *Fails when* the file cannot be read; bad rows are left out and told to `onProblem`.
 */
export function readKernelLog(file: string, context: LogContext): PacketLog {
  return readPackets(file, [7, 8], context, context.scheme === "2018");
}

/**
 * Reads a VNF_ file. Values with decimals are the µs of 2018; then every row must have them.
 */
export function readVnfLog(file: string, context: LogContext): PacketLog {
  return readPackets(file, [8], context, false);
}

/** The time of a row in ns; a text when it is not in the unit of those before it. */
function timeOf(row: Row, log: PacketLog, wholeMicroseconds: boolean): number | string {
  const value = row.cells[row.columns - 1];
  const decimals = row.decimals >= 0;
  const microseconds = decimals || wholeMicroseconds;
  if (log.length > 0 && log.microseconds !== microseconds) {
    return "mixed units: some values have decimals (µs), some not (ns)";
  }
  log.microseconds = microseconds;
  log.decimals ||= decimals;
  return microseconds ? Math.round(value * 1000) : value;
}

function readPackets(
  file: string,
  columns: readonly number[],
  context: LogContext,
  wholeMicroseconds: boolean,
): PacketLog {
  const rows = Math.max(16, Math.min(context.rows, 20_000_000));
  const log = {
    file,
    ...{ decimals: false, microseconds: wholeMicroseconds },
    length: 0,
    number: new Uint32Array(rows),
    interval: new Uint32Array(rows),
    valueNs: new Float64Array(rows),
    missingIntervals: 0,
  };
  let begunAgain = false;
  const append = (row: Row): string | undefined => {
    if (begunAgain) return undefined;
    begunAgain = row.cells[0] === 1 && log.length > 0;
    if (begunAgain) return "the numbering begins again: of two runs in one file the first is read";
    const ns = misplaced(row, log, context) ?? timeOf(row, log, wholeMicroseconds);
    if (typeof ns === "string") return ns;
    if (ns < 0 || ns > Number.MAX_SAFE_INTEGER) return `${ns} ns is no time that a packet took`;
    if (log.length === log.number.length) grow(log);
    const gap = log.length === 0 ? 0 : row.cells[1] - log.interval[log.length - 1] - 1;
    log.missingIntervals += Math.max(0, gap);
    log.number[log.length] = row.cells[0];
    log.interval[log.length] = row.cells[1];
    log.valueNs[log.length++] = ns;
    return undefined;
  };
  readLines(file, { columns, onRow: append, onProblem: context.onProblem });
  if (log.length === 0) context.onProblem({ file, line: 0, what: "no rows" });
  return log;
}

/** Why a row cannot belong to this file at this place. */
function misplaced({ cells }: Row, log: PacketLog, context: LogContext): string | undefined {
  const { pps, sizeBytes } = context;
  if (cells[3] !== pps || cells[4] !== sizeBytes) {
    const found = `${cells[3]} pps and ${cells[4]} bytes`;
    return `${found}, but the file's name says ${pps} and ${sizeBytes}`;
  }
  const last = log.length === 0 ? 0 : log.number[log.length - 1];
  return cells[0] > last ? undefined : `row number ${cells[0]} after ${last}`;
}

function grow(log: PacketLog): void {
  const rows = Math.ceil(log.length * 1.5);
  log.number = longer(log.number, new Uint32Array(rows));
  log.interval = longer(log.interval, new Uint32Array(rows));
  log.valueNs = longer(log.valueNs, new Float64Array(rows));
}

function longer<Column extends Uint32Array | Float64Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}

/** The socket's queue at the start of each interval. */
export interface BufferLog {
  readonly file: string;
  readonly interval: number[];
  readonly bytes: number[];
  /** Empty where the file has the two columns of 2019 only. */
  readonly packets: number[];
  readonly drops: number[];
}

/** Reads a BUFFER_ file of two columns (2019) or four. */
export function readBufferLog(file: string, onProblem: (problem: RowProblem) => void): BufferLog {
  const log: BufferLog = { file, interval: [], bytes: [], packets: [], drops: [] };
  readLines(file, {
    columns: [2, 4],
    onProblem,
    onRow: ({ cells, columns }) => {
      log.interval.push(cells[0]);
      log.bytes.push(cells[1]);
      if (columns === 4) {
        log.packets.push(cells[2]);
        log.drops.push(cells[3]);
      }
      return undefined;
    },
  });
  return log;
}
