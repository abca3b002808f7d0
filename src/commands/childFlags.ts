/** --vnf-args and --load-args: read as the child will read them, so that a slip is told before anything is built. */
import { KomonError, usageError } from "../base/errors.ts";
import { readLoadFlags } from "./load.ts";
import { readVnfFlags } from "./vnf.ts";

/** Words for `komon vnf`. */
export function vnfWords(text = ""): string[] {
  return checked("--vnf-args", text, readVnfFlags);
}

/** Words for `komon load`, without its target. */
export function loadWords(text = ""): string[] {
  return checked("--load-args", text, (words) => readLoadFlags(["[::1]:1", ...words]));
}

function checked(flag: string, text: string, read: (words: string[]) => void): string[] {
  const words = split(text);
  try {
    read(words);
  } catch (error) {
    if (!(error instanceof KomonError)) throw error;
    throw usageError(`${flag}: ${error.what}`, error.mend, error.why);
  }
  return words;
}

/** At blanks; quotes keep words together. */
function split(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((m) => m[1] ?? m[2] ?? m[3]);
}
