/** Basic authentication: the same time for a wrong user as for a wrong password, and not too often. */

const guessesPerMinute = 10;
/** bcrypt takes a core for some 50 ms by design. */
const verificationsAtOnce = 4;
const minuteMs = 60_000;
const mostPlaces = 10_000;
export type Verdict = "welcome" | "unknown" | "too many";

interface Guesses {
  count: number;
  readonly until: number;
}

export class Authentication {
  #users: ReadonlyMap<string, string>;
  readonly #secret = crypto.getRandomValues(new Uint8Array(32));
  /** Who has passed once passes without bcrypt for a minute. */
  readonly #passed = new Map<string, number>();
  /** Verifications under way: the same words sent twice are one. */
  readonly #verifying = new Map<string, Promise<boolean>>();
  /** By place, the oldest first. */
  readonly #guesses = new Map<string, Guesses>();

  /** bcrypt hashes by user. */
  constructor(users: ReadonlyMap<string, string>) {
    this.#users = users;
  }

  /** From now on these; wrong guesses stay counted. */
  set users(users: ReadonlyMap<string, string>) {
    this.#users = users;
    this.#passed.clear();
    this.#verifying.clear();
  }

  async judge(header: string | null, from: string): Promise<Verdict> {
    const now = performance.now();
    const place = placeOf(from);
    if ((this.#known(place, now)?.count ?? 0) >= guessesPerMinute) return "too many";
    const given = header?.match(/^Basic ([A-Za-z0-9+/=]{1,2048})$/)?.[1];
    if (given === undefined) return "unknown";
    const key = new Bun.CryptoHasher("sha256", this.#secret).update(given).digest("hex");
    if ((this.#passed.get(key) ?? 0) > now) return "welcome";
    const running = this.#verifying.get(key);
    if (running) return (await running) ? "welcome" : "unknown";
    if (this.#verifying.size >= verificationsAtOnce) return "too many";
    // Counted before it is known to be wrong: else all that come at the same moment were let through.
    const guesses = this.#known(place, now) ?? this.#begin(place, now);
    guesses.count++;
    if (!(await this.#verify(key, given))) return "unknown";
    guesses.count--;
    return "welcome";
  }

  #verify(key: string, given: string): Promise<boolean> {
    const users = this.#users;
    const [user, password] = split(Buffer.from(given, "base64").toString("utf8"));
    const hash = users.get(user);
    // Without such a user somebody else's hash is compared, which takes as long and is never welcome.
    const compared = hash ?? [...users.values()][0] ?? "";
    const verified = Bun.password
      .verify(password || " ", compared)
      .catch(() => false)
      .then((matches) => {
        const right = matches && hash !== undefined && users === this.#users;
        if (right) this.#passed.set(key, performance.now() + minuteMs);
        if (this.#verifying.get(key) === verified) this.#verifying.delete(key);
        return right;
      });
    this.#verifying.set(key, verified);
    return verified;
  }

  /** What it has guessed in its minute. */
  #known(place: string, now: number): Guesses | undefined {
    const known = this.#guesses.get(place);
    return known && known.until > now ? known : undefined;
  }

  #begin(place: string, now: number): Guesses {
    this.#guesses.delete(place);
    if (this.#guesses.size >= mostPlaces) {
      const [oldest] = this.#guesses.keys();
      this.#guesses.delete(oldest);
    }
    const fresh = { count: 0, until: now + minuteMs };
    this.#guesses.set(place, fresh);
    return fresh;
  }
}

/** Who has one address of an IPv6 network has all of them: its 64 bits are one place. */
function placeOf(address: string): string {
  const bare = address.replace(/^::ffff:(?=\d+\.)/, "");
  if (!bare.includes(":")) return bare;
  const [left, right] = bare.split("::").map((half) => half.split(":").filter(Boolean));
  const zeros = right ? 8 - left.length - right.length : 0;
  return [...left, ...Array(Math.max(0, zeros)).fill("0"), ...(right ?? [])].slice(0, 4).join(":");
}

function split(text: string): [user: string, password: string] {
  const at = text.indexOf(":");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
