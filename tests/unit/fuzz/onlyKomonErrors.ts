import { KomonError } from "../../../src/base/errors.ts";

/** What bytes of others may bring about: a result, or an error that was foreseen. */
export function expectOnlyKomonErrors(attempt: () => unknown): void {
  try {
    attempt();
  } catch (error) {
    if (error instanceof KomonError) return;
    throw error;
  }
}
