/** What a guest's console tells: /init writes lines `komon-vm: …`, the kernel its panic. */
export interface ConsoleStory {
  readonly release: string | undefined;
  readonly bootMs: number | undefined;
  readonly exit: number | undefined;
  readonly failure: string | undefined;
  /** Modules that the kernel would not load. */
  readonly missing: readonly string[];
}

export function consoleStory(text: string): ConsoleStory {
  const up = /komon-vm: up (\S+) ([\d.]+)/.exec(text);
  const exit = /komon-vm: exit (\d+) /.exec(text);
  return {
    release: up?.[1],
    bootMs: up ? Math.round(Number(up[2]) * 1000) : undefined,
    exit: exit ? Number(exit[1]) : undefined,
    failure: failureOf(text),
    missing: [...text.matchAll(/komon-vm: no-module (\S+)/g)].map(([, module]) => module),
  };
}

/** The last lines, and all since the kernel began to die; without what the firmware sends to steer a terminal. */
export function lastWords(text: string, count: number): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's escape is what is meant
  const plain = text.replace(/\x1b(\[[^A-Za-z]*[A-Za-z]|[^[])/g, "");
  const lines = plain.trimEnd().split(/[\r\n]+/);
  const crash = lines.findIndex((line) => /Kernel panic|\bBUG: |\bOops: |cut here/.test(line));
  const last = Math.max(0, lines.length - count);
  return lines.slice(crash < 0 ? last : Math.min(crash, last)).slice(0, mostLines);
}

/** A trace has fewer; what dies again and again has more. */
const mostLines = 300;

function failureOf(text: string): string | undefined {
  const panic = /Kernel panic - not syncing: [^\r\n]*/.exec(text)?.[0];
  const small = text.includes("komon-vm: truncated") || panic?.includes("deadlocked on memory");
  return small ? "its file system did not fit into its memory: give it more" : panic;
}
