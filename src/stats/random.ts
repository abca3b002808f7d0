/**
 * Seeded pseudo-random numbers: the same seed gives the same numbers on every machine.
 * xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators",
 * ACM TOMS 47(4), 2021), its state spread from the seed by splitmix32.
 */
export class Random {
  readonly #state = new Uint32Array(4);

  /** `seed`: any whole number up to 2^53. */
  constructor(seed: number) {
    let low = seed >>> 0;
    const high = Math.floor(seed / 0x1_0000_0000) >>> 0;
    for (let word = 0; word < 4; word++) {
      low = (low + 0x9e37_79b9) >>> 0;
      this.#state[word] = mix(low) ^ mix((high + word) >>> 0);
    }
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1;
  }

  uint32(): number {
    const s = this.#state;
    const scrambled = Math.imul(rotl(Math.imul(s[1], 5), 7), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotl(s[3], 11);
    return scrambled;
  }

  /** Uniform in [0, 1) with 53 bits. */
  next(): number {
    return ((this.uint32() >>> 5) * 0x400_0000 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  /** A whole number, uniform in 0…below - 1. */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** Negative exponential by inversion; never infinite because 1 - u > 0. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** Standard normal, polar method (Marsaglia and Bray 1964). */
  normal(): number {
    for (;;) {
      const x = 2 * this.next() - 1;
      const y = 2 * this.next() - 1;
      const square = x * x + y * y;
      if (square > 0 && square < 1) return x * Math.sqrt((-2 * Math.log(square)) / square);
    }
  }

  /** Gamma with this shape (≥ 1) and scale 1 (Marsaglia and Tsang, ACM TOMS 26(3), 2000). */
  gamma(shape: number): number {
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(1 - this.next()) < (x * x) / 2 + d - d * v + d * Math.log(v)) {
        return d * v;
      }
    }
  }

  /** Beta(a, b) with a, b ≥ 1: the law of order statistics of uniform numbers. */
  beta(a: number, b: number): number {
    const x = this.gamma(a);
    return x / (x + this.gamma(b));
  }

  /** Fisher and Yates, in place. */
  shuffle<Item>(items: Item[]): Item[] {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.int(last + 1);
      [items[last], items[other]] = [items[other] as Item, items[last] as Item];
    }
    return items;
  }
}

function rotl(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

/** The finaliser of MurmurHash3. */
function mix(word: number): number {
  let bits = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
