#!/usr/bin/env bun
/**
 * One command under another kernel:
 *   bun tests/kernels/vm.ts --kernel 6.1 --dir DIR [options] -- sh /t/run.sh
 * DIR is /t in the guest; what stands after -- is one command and its words: sh -c '…' for a shell's line. Output and exit code are the command's; 124 is a time-out,
 * 125 a guest that did not finish (its console goes to stderr).
 */
import { parseArgs } from "node:util";
import { usageError } from "../../src/base/errors.ts";
import { guestPrograms } from "./binary.ts";
import { endWith } from "./ending.ts";
import { guestError, runInGuest } from "./guest.ts";
import { installMissing } from "./host.ts";
import { kernelOf } from "./kernel.ts";

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      kernel: { type: "string", default: "6.1" },
      dir: { type: "string" },
      timeout: { type: "string", default: "120" },
      memory: { type: "string", default: "1024" },
      cpus: { type: "string", default: "1" },
      append: { type: "string" },
      console: { type: "string" },
      verbose: { type: "boolean", default: false },
    },
  });
  if (positionals.length === 0) throw usageError("no command", "give one after --");
  await installMissing();
  const result = await runInGuest({
    kernel: await kernelOf(values.kernel),
    command: positionals.map(quoted).join(" "),
    directory: values.dir,
    programs: guestPrograms(),
    timeoutMs: Number(values.timeout) * 1000,
    memoryMb: Number(values.memory),
    cpus: Number(values.cpus),
    append: values.append,
  });
  await written(process.stdout, result.stdout);
  await written(process.stderr, result.stderr);
  if (values.console) await Bun.write(values.console, result.console);
  if (values.verbose) {
    const [boot, wall] = [result.bootMs, Math.round(result.wallMs)];
    console.error(`${result.release}: booted in ${boot} ms, all in ${wall} ms`);
  }
  if (result.exit !== undefined) return result.exit;
  console.error(guestError(result).message);
  return result.failure?.startsWith("not done") ? 124 : 125;
}

/** A word as the guest's shell has to read it. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Not Bun.write: it would begin at the start of a file that others write to as well. */
function written(stream: NodeJS.WriteStream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

await endWith(main);
