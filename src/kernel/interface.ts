import { dlopen, FFIType as T } from "bun:ffi";
import { readFileSync } from "node:fs";
import { Exit, KomonError } from "../base/errors.ts";
import { cstring } from "./memory.ts";

const { symbols } = dlopen("libc.so.6", {
  // unsigned int if_nametoindex(const char *ifname);   0 = there is none
  if_nametoindex: { args: [T.ptr], returns: T.u32 },
});

/** The index of a network device in the network namespace that the calling thread is in. */
export function interfaceIndex(name: string): number {
  const index = symbols.if_nametoindex(cstring(name));
  if (index > 0) return index;
  throw new KomonError({
    what: `there is no network device ${JSON.stringify(name)}`,
    why: `this network namespace has ${namesHere().join(", ")}`,
    mend: "`ip link` lists them; --netns says in which namespace to look",
    exit: Exit.usage,
  });
}

function namesHere(): string[] {
  const text = readFileSync("/proc/thread-self/net/dev", "utf8");
  return [...text.matchAll(/^ *([^\s:|]+):/gm)].map(([, name]) => name);
}
