/** Runs a program `rate` times a second by BPF_PROG_TEST_RUN, in bursts of a millisecond. */
import { libbpf } from "../src/kernel/libbpf.ts";
import { monotonicNs, stableMemory } from "../src/kernel/libc.ts";

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<{ fd: number; rate: number; seconds: number }>) => {
  const { fd, rate, seconds } = data;
  const frame = stableMemory(64);
  // struct bpf_test_run_opts of libbpf's bpf.h: size, data_in, …, data_size_in at 24, repeat at 60
  const options = stableMemory(80);
  const view = new DataView(options.buffer);
  view.setBigUint64(0, 80n, true);
  view.setBigUint64(8, BigInt(frame.address), true);
  view.setUint32(24, 64, true);
  const start = monotonicNs();
  let made = 0;
  while (made < rate * seconds) {
    const due = Math.min(rate * seconds, Math.floor(((monotonicNs() - start) / 1e9) * rate));
    const burst = Math.min(due - made, Math.ceil(rate / 1000));
    if (burst < 1) continue;
    view.setInt32(60, burst, true);
    if (libbpf().bpf_prog_test_run_opts(fd, options.address) !== 0)
      throw new Error("test run failed");
    made += burst;
  }
  self.postMessage("done");
};
