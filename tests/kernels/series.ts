/** What a kernel is asked by: `6.1` (its newest), `stable`, `next`, or a full release name. */
export type Series = string;

/** The series that the matrix runs on. */
export const matrixSeries: readonly Series[] = ["5.10", "6.1", "6.12", "stable", "next"];

/** A kernel that a mirror has: its release as `uname -r` says it, and the package's version. */
export interface Release {
  readonly name: string;
  readonly version: string;
}

/**
 * The kernels a series may mean, best first. `next` is the newest of all, `stable` the newest that is no release
 * candidate; between a release and the first candidate after it these would be one kernel, so `stable` then is the
 * newest of the series before.
 */
export function releasesOf(series: Series, releases: readonly Release[]): Release[] {
  const newestFirst = releases.toSorted((a, b) => compareVersions(b.version, a.version));
  if (series === "next") return newestFirst;
  if (series === "stable") {
    const next = seriesOf(newestFirst[0]?.version ?? "");
    const older = newestFirst.filter(({ version }) => seriesOf(version) !== next);
    return older.filter(({ version }) => !version.includes("~rc"));
  }
  const meant = new RegExp(`^${RegExp.escape(series)}[.~-]`);
  return newestFirst.filter(
    ({ name, version }) => name === series || version === series || meant.test(version),
  );
}

/** `7.2` of a package's version; of a candidate for it too. */
function seriesOf(version: string): string | undefined {
  return /^\d+\.\d+/.exec(version)?.[0];
}

/**
 * Orders versions as Debian does: digits by value, a tilde before the end of the text, and that
 * before everything else (deb-version(7); without epochs, which kernels do not have).
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.match(/\d+|\D/g) ?? [], b.match(/\d+|\D/g) ?? []];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = rank(left[i]) - rank(right[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function rank(part: string | undefined): number {
  if (part === undefined) return -1;
  if (part === "~") return -2;
  return /\d/.test(part) ? Number(part) : part.charCodeAt(0);
}
