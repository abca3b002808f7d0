/** What `bun test` printed of the tests that failed. */

/** @returns the lines up to each `(fail)` line from the test or the file before it */
export function failuresIn(printed: string): string[] {
  const ends = /^(?:\(pass\)|\(skip\)|\(todo\)|tests\/\S+\.test\.ts:$).*\n/m;
  return printed
    .split(/(?<=^\(fail\) .*\n)/m)
    .filter((part) => /^\(fail\) /m.test(part))
    .map((part) => part.split(ends).at(-1)?.trim().slice(-4000) ?? "");
}
