/** How the server is to be reached. */
export interface WebConfig {
  readonly tls: Bun.TLSOptions | undefined;
  /** bcrypt hashes by user; undefined: everybody may read. */
  readonly users: ReadonlyMap<string, string> | undefined;
}

export const openWeb: WebConfig = { tls: undefined, users: undefined };

/** Reads the ecosystem's web configuration file. */
export async function readWeb(path: string): Promise<WebConfig> {
  const { readWebConfig } = await import("./web.ts");
  return readWebConfig(path);
}
