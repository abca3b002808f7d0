/**
 * iproute2, the testbed's tool. Commands go in as a batch on stdin: one process for many of them,
 * and no shell. The process is put in a session of its own, so that Ctrl-C reaches komon alone and
 * komon undoes what was begun.
 */
import { KomonError } from "../base/errors.ts";
import { ownedEnvironment } from "./owner.ts";

export interface IpOptions {
  /** Run inside this named network namespace. */
  readonly namespace?: string;
  readonly json?: boolean;
  readonly family?: 4 | 6;
  /** Go on after a line that fails. */
  readonly force?: boolean;
}

export interface IpResult {
  readonly stdout: string;
  /** Index of the line that failed → what the kernel or ip said of it. */
  readonly failures: ReadonlyMap<number, string>;
}

/** Runs the lines; ip's own failures are in the result. Throws only when there is no usable ip. */
export async function runIp(lines: readonly string[], options: IpOptions = {}): Promise<IpResult> {
  const child = Bun.spawn(command(options), {
    stdin: input(lines),
    stdout: "pipe",
    stderr: "pipe",
    env: ownedEnvironment(),
    detached: true,
  });
  const [stdout, stderr, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return toResult(stdout, stderr, code ?? -1);
}

export function runIpSync(lines: readonly string[], options: IpOptions = {}): IpResult {
  const { stdout, stderr, exitCode } = Bun.spawnSync(command(options), {
    stdin: input(lines),
    stdout: "pipe",
    stderr: "pipe",
    env: ownedEnvironment(),
    detached: true,
  });
  return toResult(stdout.toString(), stderr.toString(), exitCode ?? -1);
}

function command({ namespace, json, family, force }: IpOptions): string[] {
  return [
    ipPath(),
    ...(namespace ? ["-netns", namespace] : []),
    ...(json ? ["-json"] : []),
    ...(family ? [`-${family}`] : []),
    ...(force ? ["-force"] : []),
    ...["-batch", "-"],
  ];
}

function input(lines: readonly string[]): Uint8Array {
  return new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
}

let foundPath: string | undefined;

function ipPath(): string {
  // Users other than root often have no sbin in PATH.
  const path = `${process.env.PATH ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin`;
  foundPath ??= Bun.which("ip", { PATH: path }) ?? undefined;
  if (foundPath) return foundPath;
  throw new KomonError({
    what: 'cannot run "ip"',
    why: "it is neither in PATH nor in /usr/sbin, /sbin, /usr/bin or /bin",
    mend: "install iproute2: apt install iproute2, dnf install iproute, apk add iproute2",
  });
}

/** ip writes what went wrong, then "Command failed -:LINE" (from 1). */
function toResult(stdout: string, stderr: string, code: number): IpResult {
  if (/busybox/i.test(stderr)) {
    throw new KomonError({
      what: `cannot use ${foundPath}`,
      why: "it is BusyBox's ip, which knows no -batch and no -json",
      mend: "install iproute2 (apk add iproute2)",
    });
  }
  const failures = new Map<number, string>();
  let said: string[] = [];
  for (const line of stderr.split("\n")) {
    const failed = /^Command failed .*:(\d+)$/.exec(line);
    if (!failed) {
      if (line.trim() !== "") said.push(line.trim());
      continue;
    }
    failures.set(Number(failed[1]) - 1, said.join("; ") || `exit code ${code}`);
    said = [];
  }
  if (code !== 0 && failures.size === 0) failures.set(-1, said.join("; ") || `exit code ${code}`);
  return { stdout, failures };
}
