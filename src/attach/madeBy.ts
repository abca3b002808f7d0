/** What the pins say of who made them. */
import { KomonError } from "../base/errors.ts";
import { komonVersion } from "../base/version.ts";
import { abi, madeByText } from "../probes/vnf/pinned.ts";

export interface MadeBy {
  /** Version of komon. */
  readonly komon: string;
  /** Names programs and layouts; another build of the same version may have others. */
  readonly abi: string;
  /** ISO 8601. */
  readonly at: string;
  readonly hooks: Readonly<Record<string, string>>;
}

export function madeByUs(hooks: Readonly<Record<string, string>>): string {
  const made: MadeBy = { komon: komonVersion, abi: abi(), at: new Date().toISOString(), hooks };
  return JSON.stringify(made);
}

/** Undefined: there is nothing that says it, so the pins are not whole. */
export function madeBy(folder: string): MadeBy | undefined {
  try {
    const made = JSON.parse(madeByText(folder)) as Partial<MadeBy>;
    const { komon = "unknown", abi: its = "", at = "", hooks = {} } = made;
    return { komon, abi: its, at, hooks };
  } catch (error) {
    if (error instanceof KomonError && !/ENOENT/.test(error.why ?? "")) throw error;
    return undefined;
  }
}

/** Why pins cannot be used by this komon; undefined when they can. */
export function mismatch(made: MadeBy): string | undefined {
  if (made.komon !== komonVersion) return `komon ${made.komon} made them, this is ${komonVersion}`;
  if (made.abi !== abi()) return `another build of komon ${made.komon} made them`;
  return undefined;
}
