import { existsSync } from "node:fs";
import { KomonError } from "../../src/base/errors.ts";

const path = `${process.env.PATH}:/usr/sbin:/sbin`;

/** The path of a program; those of the system's administrator too. */
export function programOf(name: string): string | null {
  return Bun.which(name, { PATH: path });
}

/** Where Debian has the library that komon loads. */
export const libbpf = "/usr/lib/x86_64-linux-gnu/libbpf.so.1";

/** Debian packages, and whether what is needed of them is there. */
const needs: Record<string, () => boolean> = {
  "qemu-system-x86": () => programOf("qemu-system-x86_64") !== null,
  "xz-utils": () => programOf("xz") !== null,
  iproute2: () => programOf("ip") !== null && programOf("tc") !== null,
  "iputils-ping": () => programOf("ping") !== null,
  libbpf1: () => existsSync(libbpf),
};

export interface Output {
  readonly exit: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/** Runs a command of the host to its end. */
export async function command(
  argv: string[],
  options: { cwd?: string; env?: Record<string, string>; stdin?: Uint8Array } = {},
): Promise<Output> {
  const child = Bun.spawn(argv, {
    ...(options.cwd && { cwd: options.cwd }),
    env: { ...process.env, PATH: path, LC_ALL: "C", ...options.env },
    stdin: options.stdin ?? "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, exit] = await Promise.all([
    new Response(child.stdout).bytes(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { exit, stdout, stderr };
}

/** Runs a command that has to succeed; returns what it printed. */
export async function commandOutput(
  argv: string[],
  options: Parameters<typeof command>[1] = {},
): Promise<Uint8Array> {
  const { exit, stdout, stderr } = await command(argv, options);
  if (exit === 0) return stdout;
  throw new KomonError({
    what: `cannot run ${argv.join(" ")}`,
    why: `exit code ${exit}: ${tail(withoutPassword(stderr), 3) || "it said nothing"}`,
  });
}

/** Installs the packages that are missing; needs root only then. */
export async function installMissing(): Promise<void> {
  const packages = Object.keys(needs).filter((name) => !needs[name]());
  if (packages.length === 0) return;
  // Another one may be installing just now.
  const patience = ["-o", "DPkg::Lock::Timeout=120"];
  const install = ["apt-get", ...patience, "install", "-y", "--no-install-recommends", ...packages];
  if (process.getuid?.() !== 0) {
    throw new KomonError({
      what: "cannot start another kernel",
      why: `this machine lacks ${packages.join(", ")}`,
      mend: `sudo ${install.join(" ")}`,
    });
  }
  console.error(`installing ${packages.join(", ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const first = await command(install, { env });
  if (first.exit === 0) return;
  // The host's lists may be older than its mirror, or not there at all.
  await commandOutput(["apt-get", "update", "-q"], { env });
  await commandOutput(install, { env });
}

function tail(text: string, lines: number): string {
  return text.trimEnd().split("\n").slice(-lines).join("; ");
}

/** A mirror's address may carry a user and a password. */
function withoutPassword(text: string): string {
  return text.replace(/(\/\/)[^/@\s]*@/g, "$1");
}
