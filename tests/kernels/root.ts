import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { KomonError } from "../../src/base/errors.ts";
import { Apt } from "./apt.ts";
import { cached, Scratch } from "./cache.ts";
import type { Entry } from "./cpio.ts";
import { command, libbpf, programOf } from "./host.ts";

/**
 * The host's programs that every guest has; busybox has the rest. Those that start others cannot
 * be busybox's, nor can the shell: it would run its own `ip` and `ping` whatever the PATH says.
 */
const hostPrograms = [
  ...["ip", "tc", "ss", "ping"],
  ...["env", "nice", "nohup", "timeout", "xargs", "find"],
  ...["setsid", "setpriv", "unshare", "nsenter", "taskset", "chrt", "flock"],
];

/** The guest's root: /init, tools, libbpf, the libraries of all of them, `programs` in /bin. */
export async function rootEntries(programs: Record<string, string>): Promise<Entry[]> {
  const files = [...hostPrograms.map(programOf).filter((path) => path !== null), libbpf];
  const libraries = await librariesOf(["/bin/dash", ...files, ...Object.values(programs)]);
  return [
    ...["proc", "sys", "dev", "tmp", "run", "root", "t"].map((path) => ({ path })),
    { path: "init", data: readFileSync(new URL("guest/init", import.meta.url)), mode: 0o755 },
    { path: "bin/busybox", data: readFileSync(await busybox()), mode: 0o755 },
    executable("bin/dash", "/bin/dash"),
    { path: "bin/sh", link: "dash" },
    text("etc/passwd", "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"),
    text("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
    text("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    ...Object.entries(programs).map(([name, path]) => executable(`bin/${name}`, path)),
    ...[...files, ...libraries].map((path) => executable(path, path)),
  ];
}

/** A directory of the host as entries below a directory of the guest. */
export function directoryEntries(host: string, guest: string): Entry[] {
  const names = readdirSync(host, { recursive: true, encoding: "utf8" }).sort();
  return names.flatMap((name): Entry[] => {
    const [from, path] = [join(host, name), join(guest, name)];
    // A file may go between listing and reading: a build's temporary one.
    const kind = statSync(from, { throwIfNoEntry: false });
    if (kind?.isDirectory()) return [{ path }];
    return kind?.isFile() ? [{ path, data: readFileSync(from), mode: kind.mode & 0o777 }] : [];
  });
}

/** What the loader would load for these files; nothing for a static one. */
async function librariesOf(files: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const file of files) {
    const { stdout } = await command(["ldd", file]);
    for (const [path] of new TextDecoder().decode(stdout).matchAll(/\/\S+\.so\S*/g))
      found.add(path);
  }
  return [...found];
}

async function busybox(): Promise<string> {
  const directory = cached("busybox");
  const path = join(directory, "busybox");
  if (existsSync(path)) return path;
  using scratch = new Scratch(cached("partial"));
  const apt = new Apt();
  await apt.update();
  await apt.unpack(["busybox-static"], scratch.path);
  const found = ["bin/busybox", "usr/bin/busybox"]
    .map((name) => join(scratch.path, name))
    .find((name) => existsSync(name) && !lstatSync(name).isSymbolicLink());
  if (!found) throw new KomonError({ what: "the package busybox-static holds no busybox" });
  await Bun.write(path, Bun.file(found));
  return path;
}

function executable(path: string, from: string): Entry {
  return { path, data: readFileSync(realpathSync(from)), mode: 0o755 };
}

function text(path: string, content: string): Entry {
  return { path, data: new TextEncoder().encode(content) };
}
