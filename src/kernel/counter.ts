/**
 * 64-bit counters and times in memory that a BPF program writes, read as JavaScript numbers: exact up to 2^53,
 * which is 104 days of nanoseconds and more packets than a host ever sees. Little endian, as all of komon's targets.
 */
const high = 0x1_0000_0000;

export function readU64(view: DataView, offset: number): number {
  const low = view.getUint32(offset, true);
  // An upper half that is 0 after the lower one was read: the lower one is all of it.
  if (view.getUint32(offset + 4, true) === 0) return low;
  // Both in one load: between two of them the lower half may have wrapped.
  return Number(view.getBigUint64(offset, true));
}

export function writeU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % high, true);
  view.setUint32(offset + 4, Math.floor(value / high), true);
}
