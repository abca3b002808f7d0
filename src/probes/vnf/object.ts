import { readFileSync } from "node:fs";
import whole from "../../../dist/bpf/x86/vnf.bpf.o" with { type: "file" };
import noFetch from "../../../dist/bpf/x86/vnf.nofetch.bpf.o" with { type: "file" };
import noKfunc from "../../../dist/bpf/x86/vnf.nokfunc.bpf.o" with { type: "file" };
import { fetchingAtomics, kernelContext } from "../../kernel/features.ts";

/**
 * The probe's programs as this kernel takes them: without fetching atomics before 5.12, without a kernel function
 * where there is none, or no BTF to find it by.
 */
export function vnfObject(): Uint8Array {
  if (fetchingAtomics.ask().is === "no") return readFileSync(noFetch);
  return readFileSync(kernelContext.ask().is === "no" ? noKfunc : whole);
}
