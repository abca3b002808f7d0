/** Basic authentication: the same time for a wrong user as for a wrong password, and not too often. */

const failuresPerMinute = 10;
const rememberMs = 60_000;
export type Verdict = "welcome" | "unknown" | "too many";

export class Authentication {
  readonly #users: ReadonlyMap<string, string>;
  readonly #secret = crypto.getRandomValues(new Uint8Array(32));
  /** bcrypt costs some 50 ms by design; who has passed once passes by this for a minute. */
  readonly #passed = new Map<string, number>();
  readonly #failures = new Map<string, { count: number; until: number }>();

  constructor(users: ReadonlyMap<string, string>) {
    this.#users = users;
  }

  async judge(header: string | null, from: string): Promise<Verdict> {
    const now = performance.now();
    const failed = this.#failures.get(from);
    if (failed && failed.until > now && failed.count >= failuresPerMinute) return "too many";
    const given = header?.match(/^Basic ([A-Za-z0-9+/=]{1,2048})$/)?.[1];
    if (given === undefined) return "unknown";
    const key = new Bun.CryptoHasher("sha256", this.#secret).update(given).digest("hex");
    if ((this.#passed.get(key) ?? 0) > now) return "welcome";
    const [user, password] = split(Buffer.from(given, "base64").toString("utf8"));
    const hash = this.#users.get(user);
    // Without such a user somebody else's hash is compared, which takes as long and is never welcome.
    const compared = hash ?? [...this.#users.values()][0] ?? "";
    const right = await Bun.password.verify(password || " ", compared).catch(() => false);
    if (right && hash !== undefined) {
      this.#passed.set(key, now + rememberMs);
      return "welcome";
    }
    this.#fail(from, now);
    return "unknown";
  }

  #fail(from: string, now: number): void {
    if (this.#failures.size > 10_000) this.#failures.clear();
    const last = this.#failures.get(from);
    const still = last && last.until > now;
    this.#failures.set(from, {
      count: still ? last.count + 1 : 1,
      until: still ? last.until : now + 60_000,
    });
  }
}

function split(text: string): [user: string, password: string] {
  const at = text.indexOf(":");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
