import { memoryAt } from "../src/kernel/libc.ts";
import { ROW_BYTES, type RowChunk } from "./rows.ts";
import type { VnfOptions } from "./vnf.ts";

const MAGIC = "KOMONVNF";
const VERSION = 1;
const HEAD_BYTES = 64;

/** The truth file, piece by piece: its head, then the rows as they lie in memory. Layout: docs/files.md. */
export function* truthPieces(
  options: VnfOptions,
  port: number,
  chunks: readonly RowChunk[],
): Generator<Uint8Array> {
  yield truthHead(options, port, rowCount(chunks));
  for (const { address, bytes } of chunks) yield new Uint8Array(memoryAt(address, bytes));
}

export function rowCount(chunks: readonly RowChunk[]): number {
  return chunks.reduce((bytes, chunk) => bytes + chunk.bytes, 0) / ROW_BYTES;
}

function truthHead(options: VnfOptions, port: number, rows: number): Uint8Array {
  const head = new DataView(new ArrayBuffer(HEAD_BYTES));
  for (let at = 0; at < MAGIC.length; at++) head.setUint8(at, MAGIC.charCodeAt(at));
  head.setUint32(8, VERSION, true);
  head.setUint32(12, ROW_BYTES, true);
  head.setUint32(16, process.pid, true);
  head.setUint32(20, options.workers, true);
  head.setBigUint64(24, BigInt(options.seed), true);
  head.setFloat64(32, options.delayNs, true);
  head.setUint32(40, options.law, true);
  head.setUint32(44, port, true);
  head.setBigUint64(48, BigInt(rows), true);
  return new Uint8Array(head.buffer);
}
