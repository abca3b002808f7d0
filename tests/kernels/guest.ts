import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { KomonError } from "../../src/base/errors.ts";
import { Scratch } from "./cache.ts";
import { consoleStory, lastWords } from "./console.ts";
import { archive, type Entry, writeArchives } from "./cpio.ts";
import type { Kernel } from "./kernel.ts";
import { directoryEntries, rootEntries } from "./root.ts";

export interface GuestOptions {
  readonly kernel: Kernel;
  /** What the guest's shell runs, in /t. */
  readonly command: string;
  /** Programs that the guest has in /bin: name → path on the host. */
  readonly programs?: Record<string, string>;
  /** A directory of the host that the guest has, copied, as /t. */
  readonly directory?: string | undefined;
  /** More files of the guest. */
  readonly entries?: readonly Entry[];
  readonly timeoutMs?: number;
  readonly memoryMb?: number;
  readonly cpus?: number;
  /** Gets standard output as far as it is there, from time to time. */
  readonly watch?: (stdout: Buffer) => void;
  /** Further words of the kernel's command line. */
  readonly append?: string | undefined;
}

/** What came of a command in a guest. `exit` is undefined when the guest did not get to its end. */
export interface GuestResult {
  readonly release: string;
  readonly exit: number | undefined;
  /** Why there is no exit code. */
  readonly failure: string | undefined;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** From the guest's clock: kernel start until the command could run. */
  readonly bootMs: number | undefined;
  /** From the host's clock: all of it, the guest's file system included. */
  readonly wallMs: number;
  readonly console: string;
}

/**
 * What makes emulation a fifth faster. Without ERMS and FSRM memory is copied and cleared by eight bytes at a time: the
 * emulator takes a step for each. And a kernel that sees two emulated CPUs run apart would leave the TSC for the HPET,
 * where each look at the clock is an access to a device.
 */
const cheapCpu = "max,-erms,-fsrm";
const cheapWords = "init_on_alloc=0 tsc=reliable";

/**
 * Runs a command under another kernel, in QEMU's software emulation: /dev/kvm may be there and
 * still not start a stock kernel. Emulation shows what loads and what is counted, never timing.
 */
export async function runInGuest(options: GuestOptions): Promise<GuestResult> {
  const { kernel, timeoutMs = 120_000, memoryMb = 1024, cpus = 1 } = options;
  const started = performance.now();
  using scratch = new Scratch();
  const at = (name: string) => join(scratch.path, name);
  const test = options.directory ? directoryEntries(options.directory, "t") : [];
  const command = { path: "command", data: new TextEncoder().encode(`${options.command}\n`) };
  writeArchives(at("initrd"), [
    archive(await rootEntries(options.programs ?? {})),
    [readFileSync(kernel.modules)],
    archive([...test, ...(options.entries ?? []), command]),
  ]);
  const words = [
    "console=ttyS0 quiet loglevel=4 panic=-1 oops=panic nokaslr mitigations=off",
    cheapWords,
    options.append ?? "",
  ];
  const serial = (name: string) => ["-serial", `file:${at(name)}`];
  const qemu = Bun.spawn(
    [
      // An emulator must not outlive who started it, however that one ends.
      ...["setpriv", "--pdeathsig", "KILL"],
      ...["qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", cheapCpu],
      ...["-smp", String(cpus), "-m", String(memoryMb)],
      ...["-nodefaults", "-no-user-config", "-nographic", "-no-reboot"],
      ...[serial("console"), serial("stdout"), serial("stderr")].flat(),
      ...["-kernel", kernel.image, "-initrd", at("initrd"), "-append", words.join(" ").trim()],
    ],
    { stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  );
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    qemu.kill("SIGKILL");
  }, timeoutMs);
  const output = (name: string) => (existsSync(at(name)) ? readFileSync(at(name)) : Buffer.of());
  const watching = options.watch && setInterval(() => options.watch?.(output("stdout")), 1000);
  const [emulator] = await Promise.all([new Response(qemu.stderr).text(), qemu.exited]);
  clearTimeout(timer);
  clearInterval(watching);

  const text = output("console").toString("latin1");
  const story = consoleStory(text);
  const failure =
    story.exit !== undefined
      ? undefined
      : late
        ? `not done after ${timeoutMs / 1000} s`
        : (story.failure ?? (emulator.trim() || "the guest stopped without a word"));
  return {
    release: story.release ?? kernel.release,
    exit: story.exit,
    failure,
    stdout: output("stdout"),
    stderr: output("stderr"),
    bootMs: story.bootMs,
    wallMs: performance.now() - started,
    console: text,
  };
}

/** The error that tells of a guest that did not get to its end, with the console's last words. */
export function guestError(result: GuestResult): KomonError {
  const tail = lastWords(result.console, 40).join("\n        ");
  return new KomonError({
    what: `the guest with ${result.release} did not finish`,
    why: `${result.failure}\n        ${tail}`,
  });
}
