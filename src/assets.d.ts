/** A BPF object, imported `with { type: "file" }`: the path to read it from, also in the binary. */
declare module "*.bpf.o" {
  const path: string;
  export default path;
}
