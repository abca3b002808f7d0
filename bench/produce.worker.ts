/** Runs a program `rate` times a second by BPF_PROG_TEST_RUN, in bursts of a millisecond's worth, ten when late. */
import { monotonicNs } from "../src/kernel/libc.ts";
import { TestRun } from "../src/kernel/testRun.ts";

declare const self: Worker;

const frameBytes = 64;

self.onmessage = ({ data }: MessageEvent<{ fd: number; rate: number; seconds: number }>) => {
  const { fd, rate, seconds } = data;
  using program = new TestRun(fd);
  const start = monotonicNs();
  let made = 0;
  while (made < rate * seconds) {
    const due = Math.min(rate * seconds, Math.floor(((monotonicNs() - start) / 1e9) * rate));
    const burst = Math.min(due - made, Math.ceil(rate / 100));
    if (burst < 1) continue;
    program.run(frameBytes, burst);
    made += burst;
  }
  self.postMessage("done");
};
