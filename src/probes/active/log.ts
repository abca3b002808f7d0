import { komonProbeAnswer, komonProbeCpu } from "../../kernel/generated/probe.ts";

const cpuWords = komonProbeCpu.size / 4;
const word = {
  written: komonProbeCpu.fields.written.offset / 4,
  taken: komonProbeCpu.fields.taken.offset / 4,
  rx: komonProbeAnswer.fields.rxNs.offset / 4,
} as const;
const answerWords = komonProbeAnswer.size / 4;
const high = 0x1_0000_0000;

/** Answers that each CPU's log has room for at least, and bytes of all logs together at most. */
const leastRoom = 1 << 10;
const mostBytes = 64 << 20;

/** How many answers the log of each CPU holds, a power of two: half of what is in flight at most, as far as memory goes. */
export function logRoom(slots: number, cpus: number): number {
  const most = mostBytes / komonProbeAnswer.size / cpus;
  return 2 ** Math.floor(Math.log2(Math.max(leastRoom, Math.min(slots / 2, most))));
}

/**
 * The logs of all CPUs, read as one: mapped memory, no system call. Each is written by its CPU alone, which counts
 * `written` on when an answer is whole; `taken` says up to where there is room again.
 */
export class AnswerLog {
  /** All answers, those of CPU n from n times the room on. */
  readonly words: Uint32Array;
  readonly #cpus: Int32Array;
  readonly #room: number;
  readonly #begin: Uint32Array;
  readonly #end: Uint32Array;
  /** CPUs that have something, and when their next answer came. */
  readonly #waiting: Uint32Array;
  readonly #rxNs: Float64Array;

  /** `cpus` and `answers` are the memory of the maps of these names, `count` the number of CPUs. */
  constructor(cpus: ArrayBuffer, answers: ArrayBuffer, count: number, room: number) {
    this.#cpus = new Int32Array(cpus);
    this.words = new Uint32Array(answers);
    this.#room = room;
    this.#begin = new Uint32Array(count);
    this.#end = new Uint32Array(count);
    this.#waiting = new Uint32Array(count);
    this.#rxNs = new Float64Array(count);
    for (let cpu = 0; cpu < count; cpu++) {
      this.#begin[cpu] = this.#cpus[cpu * cpuWords + word.taken];
    }
  }

  /**
   * Gives all that is whole to `take(index)`, in order of arrival, and frees it all at once at the end. Word 0 of
   * answer `index` is `words[index * 8]`. Returns the number of answers.
   */
  read(take: (index: number) => void): number {
    const waiting = this.#waiting;
    let cpus = 0;
    let answers = 0;
    for (let cpu = 0; cpu < this.#begin.length; cpu++) {
      // What stands before it in memory has been written before it, and is read behind it
      const end = Atomics.load(this.#cpus, cpu * cpuWords + word.written) >>> 0;
      this.#end[cpu] = end;
      if (end === this.#begin[cpu]) continue;
      answers += (end - this.#begin[cpu]) >>> 0;
      waiting[cpus++] = cpu;
      this.#look(cpu);
    }
    const active = cpus;
    while (cpus > 1) {
      const first = this.#earliest(cpus);
      const cpu = waiting[first];
      take(this.#next(cpu));
      if (this.#begin[cpu] !== this.#end[cpu]) this.#look(cpu);
      else {
        cpus--;
        waiting[first] = waiting[cpus];
        waiting[cpus] = cpu;
      }
    }
    if (cpus === 1) {
      const [cpu] = waiting;
      while (this.#begin[cpu] !== this.#end[cpu]) take(this.#next(cpu));
    }
    for (let n = 0; n < active; n++) {
      Atomics.store(this.#cpus, waiting[n] * cpuWords + word.taken, this.#end[waiting[n]] | 0);
    }
    return answers;
  }

  /** Among the first so many of those that have something: the one whose next answer came first. */
  #earliest(cpus: number): number {
    let first = 0;
    for (let n = 1; n < cpus; n++) {
      if (this.#rxNs[this.#waiting[n]] < this.#rxNs[this.#waiting[first]]) first = n;
    }
    return first;
  }

  #look(cpu: number): void {
    const at = this.#index(cpu) * answerWords + word.rx;
    this.#rxNs[cpu] = this.words[at] + this.words[at + 1] * high;
  }

  #next(cpu: number): number {
    const index = this.#index(cpu);
    this.#begin[cpu]++;
    return index;
  }

  #index(cpu: number): number {
    return cpu * this.#room + (this.#begin[cpu] & (this.#room - 1));
  }
}
