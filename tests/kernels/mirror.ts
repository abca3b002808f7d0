/** The Debian mirror that the host itself uses. */
export interface Mirror {
  readonly archive: string;
  readonly security: string;
  readonly signedBy: string;
}

interface Source {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly signedBy: string | undefined;
}

const archiveKeys = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * Finds the mirror in the host's source files: both `*.sources` stanzas and lines of `*.list`.
 * A host without a Debian entry gets deb.debian.org.
 */
export function hostMirror(files: readonly string[]): Mirror {
  const debian = files
    .flatMap((file) => [...stanzas(file), ...lines(file)])
    .filter((source) => source.components.includes("main"));
  const isSecurity = (source: Source) =>
    source.suites.some((suite) => /-security$|\/updates$/.test(suite));
  const archive = debian.find((source) => !isSecurity(source) && /debian/.test(source.uri));
  const security = debian.find(isSecurity);
  const uri = archive?.uri ?? "http://deb.debian.org/debian";
  return {
    archive: uri,
    security: security?.uri ?? `${uri}-security`,
    signedBy: archive?.signedBy ?? archiveKeys,
  };
}

/** The lines of a source list that has every suite a kernel is taken from. */
export function sourceList(mirror: Mirror): string {
  const archive = [
    "bookworm",
    "bookworm-backports",
    "trixie",
    "trixie-backports",
    "sid",
    "experimental",
  ];
  const security = ["bullseye-security", "bookworm-security", "trixie-security"];
  const line = (uri: string, suite: string) =>
    `deb [arch=amd64 signed-by=${mirror.signedBy}] ${uri} ${suite} main\n`;
  return [
    ...archive.map((suite) => line(mirror.archive, suite)),
    ...security.map((suite) => line(mirror.security, suite)),
  ].join("");
}

function stanzas(file: string): Source[] {
  return file.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = new Map<string, string>();
    for (const line of stanza.split("\n")) {
      const field = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
      if (field) fields.set(field[1].toLowerCase(), field[2].trim());
    }
    const uri = words(fields.get("uris"))[0];
    if (!uri || !words(fields.get("types")).includes("deb")) return [];
    const signedBy = fields.get("signed-by");
    return {
      uri: uri.replace(/\/$/, ""),
      suites: words(fields.get("suites")),
      components: words(fields.get("components")),
      signedBy: signedBy?.startsWith("/") ? signedBy : undefined,
    };
  });
}

function lines(file: string): Source[] {
  return file.split("\n").flatMap((line) => {
    const source = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)$/.exec(line.trim());
    if (!source) return [];
    const [, options, uri, suite, components] = source;
    return {
      uri: uri.replace(/\/$/, ""),
      suites: [suite],
      components: words(components),
      signedBy: /signed-by=(\/\S+)/.exec(options ?? "")?.[1],
    };
  });
}

function words(text: string | undefined): string[] {
  return text?.split(/\s+/).filter(Boolean) ?? [];
}
