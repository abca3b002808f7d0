import { type Check, Complaint, isSince, same } from "./check.ts";

/** Programs that not every kernel takes. */
interface Exception {
  readonly programs: RegExp;
  /** The first version that takes them. */
  readonly since: string;
  /** What the refusal has to say, so that no other defect hides behind it. */
  readonly refusal: RegExp;
  /** Some of them are taken before as well. */
  readonly some?: true;
}

const noFetch = /BPF_STX uses reserved fields/;

const exceptions: readonly Exception[] = [
  // Attaches to the tracepoint by its BTF: 6e6eda44b939 "sock: add tracepoint for send recv length"
  { programs: /^vnf.*\/read_tp$/, since: "6.3", refusal: /no sock_recv_length/ },
  // fd264ca02094 "bpf: Add a kfunc to type cast from bpf uapi ctx to kernel ctx"
  { programs: /^vnf.*\/rx_cgroup$/, since: "6.2", refusal: /!read_ok|reserved fields/ },
  // a35b9af4ec2c "bpf: Add a kfunc for generic type cast": before, those of vnf.nokfunc are used
  {
    programs: /^vnf\/(nic_tp|tx_tp)$/,
    since: "6.2",
    refusal: /!read_ok|invalid mem access 'scalar'|reserved fields/,
  },
  // c2f2cdbeffda "bpf: introduce BPF_F_XDP_HAS_FRAGS flag in prog_flags loading the ebpf program"
  { programs: /^probe\/rx_xdp_frags$/, since: "5.18", refusal: /EINVAL/ },
  // 5ca419f2864a "bpf: Add BPF_FETCH field / create atomic_fetch_add instruction": komon trace needs them
  { programs: /^tcp\/(state|older|packet|ops|returned)$/, since: "5.12", refusal: noFetch },
  // Before, their twins without it are used: all of those have to load.
  { programs: /^(vnf|vnf\.nokfunc|forward)\//, since: "5.12", refusal: noFetch, some: true },
];

/** Whether the verifier of each kernel takes the programs: compiled once, for all of them. */
export const programsCheck: Check = {
  name: "BPF programs",
  komon: true,
  project: true,
  script: "bun /t/project/tests/kernels/guest/programs.ts",
  expected: () => "works",
  judge: ({ exit, stdout, stderr }, version) => {
    same("the exit code", exit, 0);
    const lines = stdout.trimEnd().split("\n");
    if (lines.length < 4) throw new Complaint(`only ${lines.length} programs: ${stderr}`);
    const wrong = lines.map((line) => complaintOf(JSON.parse(line), version)).filter(Boolean);
    if (wrong.length > 0) throw new Complaint([`${wrong.length} wrong`, ...wrong].join("\n"));
    const refused = lines.filter((line) => JSON.parse(line).refusal).length;
    return `${lines.length - refused} of ${lines.length}`;
  },
};

function complaintOf(
  { program, refusal }: { program: string; refusal: string | null },
  version: string,
): string | undefined {
  const exception = exceptions.find(
    ({ programs, since }) => programs.test(program) && !isSince(version, since),
  );
  if (refusal === null) {
    const wrong = exception && !exception.some;
    return wrong ? `${program} is taken, against what is written of this version` : undefined;
  }
  return exception?.refusal.test(refusal) ? undefined : `${program}: ${refusal}`;
}
