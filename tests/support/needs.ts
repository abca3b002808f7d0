/** Tests that some machines cannot run: skipped with the reason in their name, never silently. */
import { test } from "bun:test";

/**
 * A test that runs when `lacking` is undefined and else is skipped for that reason. In CI only the
 * reasons that deploy/test.ts lists are accepted.
 */
export function testUnless(
  lacking: string | undefined,
  name: string,
  body: () => void | Promise<void>,
): void {
  if (lacking === undefined) test(name, body);
  else test.skip(`${name} (skipped: ${lacking})`, body);
}
