import { Exit, KomonError } from "../../src/base/errors.ts";

/**
 * Runs a program's main function; what a user can mend ends in a message, not in a trace.
 * A signal ends it by `process.exit`, so that what it opened is closed and removed.
 */
export async function endWith(main: () => Promise<number>): Promise<void> {
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
  try {
    process.exitCode = await main();
  } catch (error) {
    const wrongFlag = error instanceof TypeError && "code" in error;
    if (!wrongFlag && !(error instanceof KomonError)) throw error;
    console.error(error.message);
    process.exitCode = wrongFlag ? Exit.usage : error.exit;
  }
}
