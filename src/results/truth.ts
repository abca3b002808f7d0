import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { KomonError } from "../base/errors.ts";
import { noSeq, sequenceOf } from "../model/records.ts";
import type { TruthHead, TruthRows } from "../model/vnfRecord.ts";
import { reasonOf } from "./system.ts";

/** Layout of the truth file, little endian; docs/files.md has the table. */
export const truthMagic = "KOMONVNF";
const truthVersion = 1;
export const truthHeadBytes = 64;
export const truthRowBytes = 48;

const rowWords = truthRowBytes / 4;
const chunkRows = 32_768;

/**
 * Reads the ground truth that the example VNF wrote, in pieces of 1.5 MB.
 * *Fails when* the file is missing, no truth file, of another version, or shorter than its head says.
 */
export function readTruth(path: string): TruthRows {
  try {
    const file = openSync(path, "r");
    try {
      return read(file, path);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof KomonError) throw error;
    throw new KomonError({
      what: `cannot read the truth file ${path}`,
      why: reasonOf(error),
      mend: "start the VNF with --truth, and end it with SIGINT so that it writes the file",
    });
  }
}

function read(file: number, path: string): TruthRows {
  const head = new DataView(new ArrayBuffer(truthHeadBytes));
  if (readSync(file, head, 0, truthHeadBytes, 0) < truthHeadBytes || magicOf(head) !== truthMagic) {
    throw broken(path, `it does not begin with "${truthMagic}"`);
  }
  const version = head.getUint32(8, true);
  const rowBytes = head.getUint32(12, true);
  if (version !== truthVersion || rowBytes !== truthRowBytes) {
    throw broken(
      path,
      `version ${version} with rows of ${rowBytes} bytes is unknown to this komon`,
    );
  }
  const length = Number(head.getBigUint64(48, true));
  const present = Math.floor((fstatSync(file).size - truthHeadBytes) / truthRowBytes);
  if (present < length) {
    throw broken(path, `it has ${present} whole rows and its head says ${length}`);
  }
  return readRows(file, headOf(head), length);
}

function broken(path: string, why: string): KomonError {
  return new KomonError({ what: `${path} is not a whole truth file`, why });
}

function magicOf(head: DataView): string {
  return new TextDecoder("latin1").decode(new Uint8Array(head.buffer, 0, truthMagic.length));
}

function headOf(head: DataView): TruthHead {
  return {
    pid: head.getUint32(16, true),
    workers: head.getUint32(20, true),
    seed: head.getBigUint64(24, true),
    delayNs: head.getFloat64(32, true),
    law: head.getUint32(40, true),
    port: head.getUint32(44, true),
  };
}

/** Empty columns for `length` rows. */
export function truthRows(head: TruthHead, length: number): TruthRows {
  return {
    head,
    length,
    seq: new Float64Array(length).fill(noSeq),
    recvNs: new Float64Array(length),
    sendNs: new Float64Array(length),
    askedNs: new Float64Array(length),
    tid: new Uint32Array(length),
    payloadBytes: new Uint32Array(length),
    flags: new Uint32Array(length),
    interval: new Uint32Array(length),
  };
}

function readRows(file: number, head: TruthHead, length: number): TruthRows {
  const rows = truthRows(head, length);
  const words = new Uint32Array(Math.min(length, chunkRows) * rowWords);
  for (let from = 0; from < length; from += chunkRows) {
    const count = Math.min(chunkRows, length - from);
    fill(file, words.subarray(0, count * rowWords), truthHeadBytes + from * truthRowBytes);
    for (let row = 0; row < count; row++) decode(words, row * rowWords, rows, from + row);
  }
  return rows;
}

/** A read may return less than was asked for. */
function fill(file: number, words: Uint32Array, position: number): void {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  for (let done = 0; done < bytes.length; ) {
    const got = readSync(file, bytes, done, bytes.length - done, position + done);
    if (got === 0) throw new KomonError({ what: "the truth file shrank while it was read" });
    done += got;
  }
}

function decode(words: Uint32Array, at: number, rows: TruthRows, row: number): void {
  rows.seq[row] = sequenceOf(words[at], words[at + 1]);
  rows.recvNs[row] = words[at + 2] + words[at + 3] * 0x1_0000_0000;
  rows.sendNs[row] = words[at + 4] + words[at + 5] * 0x1_0000_0000;
  rows.askedNs[row] = words[at + 6] + words[at + 7] * 0x1_0000_0000;
  rows.tid[row] = words[at + 8];
  rows.payloadBytes[row] = words[at + 9];
  rows.flags[row] = words[at + 10];
  rows.interval[row] = words[at + 11];
}
