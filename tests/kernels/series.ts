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
 * The kernels a series may mean, best first.
 * `stable` is the newest that is no release candidate, `next` the newest of all.
 */
export function releasesOf(series: Series, releases: readonly Release[]): Release[] {
  const meant = ({ name, version }: Release): boolean => {
    if (series === "next") return true;
    if (series === "stable") return !version.includes("~rc");
    return (
      name === series ||
      version === series ||
      new RegExp(`^${RegExp.escape(series)}[.~-]`).test(version)
    );
  };
  return releases.filter(meant).sort((a, b) => compareVersions(b.version, a.version));
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
