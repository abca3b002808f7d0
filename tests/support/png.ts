/** Reads a PNG as browsers write it: 8 bits a channel, RGB or RGBA, not interlaced (RFC 2083). */
import { inflateSync } from "node:zlib";

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** The colour at a place, as 0xrrggbb. */
  readonly at: (x: number, y: number) => number;
}

export function readPng(bytes: Uint8Array): Picture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [depth, kind, interlaced] = [bytes[24], bytes[25], bytes[28]];
  const channels = kind === 6 ? 4 : kind === 2 ? 3 : 0;
  if (depth !== 8 || channels === 0 || interlaced !== 0) throw new Error("a PNG of another kind");
  const data: Uint8Array[] = [];
  for (let at = 8; at < bytes.length; ) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (name === "IDAT") data.push(bytes.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const stride = width * channels;
  const pixels = unfilter(inflateSync(Buffer.concat(data)), stride, height, channels);
  return {
    width,
    height,
    at: (x, y) => {
      const from = y * stride + x * channels;
      return (pixels[from] << 16) | (pixels[from + 1] << 8) | pixels[from + 2];
    },
  };
}

/** Undoes the filter of each row: none, left, above, mean, Paeth. */
function unfilter(raw: Uint8Array, stride: number, height: number, back: number): Uint8Array {
  const pixels = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x >= back ? pixels[at - back] : 0;
      const above = y > 0 ? pixels[at - stride] : 0;
      const corner = x >= back && y > 0 ? pixels[at - stride - back] : 0;
      pixels[at] = raw[y * (stride + 1) + 1 + x] + predict(filter, left, above, corner);
    }
  }
  return pixels;
}

function predict(filter: number, left: number, above: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return above;
  return filter === 3 ? (left + above) >> 1 : paeth(left, above, corner);
}

function paeth(left: number, above: number, corner: number): number {
  const guess = left + above - corner;
  const a = Math.abs(guess - left);
  const b = Math.abs(guess - above);
  const c = Math.abs(guess - corner);
  return a <= b && a <= c ? left : b <= c ? above : corner;
}
