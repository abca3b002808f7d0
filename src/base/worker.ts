/**
 * Where a Worker's file is: a source file while developing, a bundled entry in the compiled binary.
 * The build names every `*.worker.ts` as an entry of its own. The path inside the binary is absolute,
 * so that a file of that name in the user's folder can never be run instead.
 */
export function workerUrl(pathFromTop: string): string {
  if (import.meta.url.includes("/$bunfs/")) {
    return `/$bunfs/root/${pathFromTop.replace(/\.ts$/, ".js")}`;
  }
  return new URL(`../../${pathFromTop}`, import.meta.url).href;
}
