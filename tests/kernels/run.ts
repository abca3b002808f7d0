import { guestPrograms } from "./binary.ts";
import { type GuestOptions, type GuestResult, guestError, runInGuest } from "./guest.ts";
import { installMissing } from "./host.ts";
import { kernelOf } from "./kernel.ts";
import type { Series } from "./series.ts";

export interface RunInKernel extends Omit<GuestOptions, "kernel"> {
  readonly series: Series;
}

export type KernelRun = Omit<GuestResult, "exit" | "failure"> & { readonly exit: number };

/**
 * Runs a command under the newest kernel of a series, with komon and Bun in /bin.
 * Fails with a KomonError that ends in the console's last lines when the guest did not get to the
 * command's end: a time-out, a panic, too little memory.
 */
export async function runInKernel({ series, ...options }: RunInKernel): Promise<KernelRun> {
  await installMissing();
  const kernel = await kernelOf(series);
  const result = await runInGuest({ programs: guestPrograms(), ...options, kernel });
  const { exit } = result;
  if (exit === undefined) throw guestError(result);
  return { ...result, exit };
}
