import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { KomonError } from "../../src/base/errors.ts";
import { Apt } from "./apt.ts";
import { cached, Scratch } from "./cache.ts";
import { archive, writeArchives } from "./cpio.ts";
import { commandOutput } from "./host.ts";
import { guestModules, loadOrder } from "./modules.ts";
import { type Release, releasesOf, type Series } from "./series.ts";

/** A kernel that can be booted. */
export interface Kernel {
  readonly series: Series;
  /** As `uname -r` says it. */
  readonly release: string;
  /** The package's version, which has the upstream one in front. */
  readonly version: string;
  /** The bzImage. */
  readonly image: string;
  /** A cpio archive with its modules as /lib/modules/NN-name.ko, in order of loading. */
  readonly modules: string;
}

/** What is kept of a kernel has these modules in it. */
const moduleSet = Bun.hash(guestModules.join(" ")).toString(36);

/** The newest Debian cloud kernel of a series, from the cache or the mirror. */
export async function kernelOf(series: Series): Promise<Kernel> {
  const apt = new Apt();
  await apt.update();
  try {
    return await kernelFrom(apt, series);
  } catch (error) {
    if (!(error instanceof KomonError)) throw error;
    // A mirror drops superseded packages: the lists may name what is no longer there.
    await apt.update(true);
    return await kernelFrom(apt, series);
  }
}

async function kernelFrom(apt: Apt, series: Series): Promise<Kernel> {
  const release =
    releasesOf(series, await offered(apt))[0] ?? releasesOf(series, cachedReleases())[0];
  if (!release) {
    throw new KomonError({
      what: `cannot find a kernel ${series}`,
      why: "no suite of the package mirror has a cloud-amd64 package of it",
      mend: "name another series or a full release, e.g. 6.12 or 6.1.0-40-cloud-amd64",
    });
  }
  const directory = join(cached("releases"), `${release.name}_${release.version}_${moduleSet}`);
  if (!existsSync(directory)) await fetchKernel(apt, release, directory);
  return {
    series,
    release: release.name,
    version: release.version,
    image: join(directory, "vmlinuz"),
    modules: join(directory, "modules.cpio"),
  };
}

/** The kernels of all suites. */
async function offered(apt: Apt): Promise<Release[]> {
  const versions = await apt.versions("linux-");
  return [...versions].flatMap(([name, version]) => {
    const release = /^linux-image-(\d.*-cloud-amd64)$/.exec(name)?.[1];
    if (!release) return [];
    // Without three numbers it is a name for "the newest of these", unless it has its own parts;
    // and a mirror in the middle of an update may name an image before it has the parts.
    const split = ["binary", "modules"].map((part) => versions.has(`linux-${part}-${release}`));
    const whole = /^\d+\.\d+\.\d+/.test(release) && isWhole(version);
    return whole || split.every(Boolean) ? [{ name: release, version }] : [];
  });
}

/** Since 6.19 Debian splits a kernel into parts that its image package only names. */
function isWhole(version: string): boolean {
  const [major, minor] = version.split(/[.~-]/).map(Number);
  return major < 6 || (major === 6 && minor < 19);
}

async function fetchKernel(apt: Apt, release: Release, directory: string): Promise<void> {
  using scratch = new Scratch(cached("partial"));
  const tree = join(scratch.path, "tree");
  const packages = isWhole(release.version) ? ["image"] : ["base", "binary", "modules"];
  await apt.unpack(
    packages.map((part) => `linux-${part}-${release.name}`),
    tree,
  );
  const files = readdirSync(tree, { recursive: true, encoding: "utf8" });
  const image = files.find((file) => /(^|\/)vmlinuz[^/]*$/.test(file));
  if (!image) throw new KomonError({ what: `the packages of ${release.name} hold no vmlinuz` });
  const order = await loadOrder(guestModules, async (name) => {
    const pattern = new RegExp(`/${name.replaceAll("_", "[-_]")}\\.ko(\\.xz|\\.zst)?$`);
    const file = files.find((path) => pattern.test(path));
    return file === undefined ? undefined : uncompressed(join(tree, file));
  });
  const modules = [...order].map(([name, data], index) => ({
    path: `lib/modules/${String(index).padStart(2, "0")}-${name}.ko`,
    data,
  }));
  const done = join(scratch.path, "done");
  mkdirSync(done);
  writeArchives(join(done, "modules.cpio"), [archive(modules)]);
  renameSync(join(tree, image), join(done, "vmlinuz"));
  rmSync(directory, { recursive: true, force: true });
  renameSync(done, directory);
  for (const entry of supersededBy(basename(directory), readdirSync(dirname(directory)))) {
    rmSync(join(dirname(directory), entry), { recursive: true, force: true });
  }
}

/** What is kept of earlier kernels of the same series, or with other modules. */
export function supersededBy(entry: string, entries: readonly string[]): string[] {
  const series = (name: string) => /^\d+\.\d+/.exec(name.split("_")[1] ?? "")?.[0];
  return entries.filter((other) => other !== entry && series(other) === series(entry));
}

function cachedReleases(): Release[] {
  return readdirSync(cached("releases"))
    .map((entry) => entry.split("_"))
    .filter(([, , modules]) => modules === moduleSet)
    .map(([name, version]) => ({ name, version }));
}

async function uncompressed(file: string): Promise<Uint8Array> {
  if (file.endsWith(".xz")) return commandOutput(["xz", "-dc", file]);
  const bytes = readFileSync(file);
  return file.endsWith(".zst") ? Bun.zstdDecompressSync(bytes) : bytes;
}
