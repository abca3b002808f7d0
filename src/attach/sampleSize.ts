/**
 * A number as KOMon's procfs file read it: kstrtol with base 0, so `0x10` is 16 and `010` is 8.
 * Undefined for what is no number.
 */
export function kernelInteger(text: string): number | undefined {
  const match = /^([+-]?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]+)|(0|[1-9]\d*))$/.exec(text);
  if (!match) return undefined;
  const [, sign, hexadecimal, octal, decimal] = match;
  const amount = hexadecimal
    ? Number.parseInt(hexadecimal, 16)
    : octal
      ? Number.parseInt(octal, 8)
      : Number(decimal);
  return sign === "-" && amount !== 0 ? -amount : amount;
}

/** The sample size that a number stands for: below 1 and above cbsize it is cbsize. */
export function sampleSizeOf(wanted: number, cbsize: number): number {
  return wanted >= 1 && wanted <= cbsize ? wanted : cbsize;
}
