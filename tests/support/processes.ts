import { readFileSync } from "node:fs";

/** Looks until it is so; the test's own time-out ends a wait in vain. */
export async function until(so: () => boolean): Promise<void> {
  while (!so()) await Bun.sleep(5);
}

/** Whether `pid` has a descendant whose command line has this word. */
export function hasChild(pid: number, word: string): boolean {
  try {
    return descendant(pid, word) !== undefined;
  } catch {
    return false; // one that ended while it was looked at
  }
}

/** The pid of that descendant. */
export function childOf(pid: number, word: string): number {
  const found = descendant(pid, word);
  if (found === undefined) throw new Error(`no descendant of ${pid} with "${word}"`);
  return found;
}

function descendant(pid: number, word: string): number | undefined {
  const todo = [pid];
  for (let at = todo.shift(); at !== undefined; at = todo.shift()) {
    const words = readFileSync(`/proc/${at}/cmdline`, "utf8").split("\0");
    if (words.includes(word)) return at;
    const children = readFileSync(`/proc/${at}/task/${at}/children`, "utf8").trim();
    todo.push(...children.split(" ").filter(Boolean).map(Number));
  }
  return undefined;
}
