import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cached } from "./cache.ts";
import { command, commandOutput } from "./host.ts";
import { hostMirror, sourceList } from "./mirror.ts";
import { compareVersions } from "./series.ts";

/** Package lists older than this are fetched again: a mirror drops superseded kernels. */
const listsAgeMs = 24 * 3600 * 1000;

/**
 * Package lists of our own, beside the host's: suites that the host must never install from.
 * Mirror, proxy and passwords are the host's; nothing of the host's apt state is written.
 */
export class Apt {
  readonly #directory = cached("apt");

  /** Fetches the lists unless they are fresh; `force` fetches them in any case. */
  async update(force = false): Promise<void> {
    const stamp = join(this.#directory, "updated");
    const fresh = existsSync(stamp) && Date.now() - statSync(stamp).mtimeMs < listsAgeMs;
    if (fresh && !force) return;
    await this.#configure();
    // Two runs that begin at once must not write the same lists.
    const { exit, stderr } = await command(
      ["flock", join(this.#directory, "lock"), "apt-get", "update", "-q"],
      { env: this.#env },
    );
    // One suite that the mirror no longer has must not hide the others.
    if (exit !== 0 || stderr.trim()) console.error(stderr.trim());
    writeFileSync(stamp, "");
  }

  /** Every package whose name starts so, with its newest version. */
  async versions(prefix: string): Promise<Map<string, string>> {
    const names = await this.#output("apt-cache", ["pkgnames", prefix]);
    const listing = await this.#output("apt-cache", [
      "madison",
      ...names.split("\n").filter(Boolean),
    ]);
    const newest = new Map<string, string>();
    for (const [, name, version] of listing.matchAll(/^ *(\S+) \| +(\S+) \| .* Packages$/gm)) {
      const known = newest.get(name);
      if (!known || compareVersions(version, known) > 0) newest.set(name, version);
    }
    return newest;
  }

  /** Unpacks packages into a directory: what dpkg would install, nothing run. */
  async unpack(packages: readonly string[], target: string): Promise<void> {
    const archives = join(target, ".archives");
    mkdirSync(archives, { recursive: true });
    await commandOutput(["apt-get", "download", "-q", ...packages], {
      cwd: archives,
      env: this.#env,
    });
    for (const archive of readdirSync(archives)) {
      await commandOutput(["dpkg-deb", "-x", join(archives, archive), target]);
    }
    await commandOutput(["rm", "-r", archives]);
  }

  get #env() {
    return { APT_CONFIG: join(this.#directory, "apt.conf") };
  }

  async #output(program: string, args: string[]): Promise<string> {
    return new TextDecoder().decode(await commandOutput([program, ...args], { env: this.#env }));
  }

  async #configure(): Promise<void> {
    const at = (...parts: string[]) => join(this.#directory, ...parts);
    for (const directory of ["lists/partial", "cache/archives/partial", "empty"]) {
      mkdirSync(at(directory), { recursive: true });
    }
    writeFileSync(at("status"), "");
    writeFileSync(at("sources.list"), sourceList(hostMirror(hostSources())));
    const settings: Record<string, string> = {
      "Dir::Etc::main": "/dev/null",
      "Dir::Etc::parts": at("empty"),
      "Dir::Etc::preferences": "/dev/null",
      "Dir::Etc::preferencesparts": at("empty"),
      "Dir::Etc::sourcelist": at("sources.list"),
      "Dir::Etc::sourceparts": at("empty"),
      "Dir::State::lists": at("lists"),
      "Dir::State::status": at("status"),
      "Dir::Cache": at("cache"),
      "Dir::Cache::srcpkgcache": "",
      "APT::Architecture": "amd64",
      "APT::Sandbox::User": "root",
      "Debug::NoLocking": "1",
      // Lists stay compressed: they are six times as large without.
      "Acquire::GzipIndexes": "true",
      "Acquire::Languages": "none",
      "Acquire::Retries": "5",
      // The host's mirror may be a snapshot of an earlier day.
      "Acquire::Check-Valid-Until": "false",
      "Acquire::Check-Date": "false",
      "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    };
    const own = Object.entries(settings).map(([key, value]) => `${key} "${value}";\n`);
    writeFileSync(at("apt.conf"), [await hostTransport(), ...own].join(""));
  }
}

/** The host's proxies, certificates and time limits, as apt states them. */
async function hostTransport(): Promise<string> {
  const dump = new TextDecoder().decode(await commandOutput(["apt-config", "dump"]));
  return dump
    .split("\n")
    .filter((line) => /^Acquire::(https?|ftp|tor|Proxy)\b.*"[^"]+";$/.test(line))
    .map((line) => `${line}\n`)
    .join("");
}

function hostSources(): string[] {
  const parts = "/etc/apt/sources.list.d";
  const files = existsSync(parts)
    ? readdirSync(parts).filter((name) => /\.(sources|list)$/.test(name))
    : [];
  return ["/etc/apt/sources.list", ...files.map((name) => join(parts, name))]
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, "utf8"));
}
