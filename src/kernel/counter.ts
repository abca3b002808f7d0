/**
 * 64-bit counters and times in memory that a BPF program writes, read as JavaScript numbers: exact up to 2^53,
 * which is 104 days of nanoseconds and more packets than a host ever sees. Little endian, as all of komon's targets.
 */
const high = 0x1_0000_0000;

export function readU64(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * high;
}

export function writeU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % high, true);
  view.setUint32(offset + 4, Math.floor(value / high), true);
}
