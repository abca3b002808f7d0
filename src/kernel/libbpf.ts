/**
 * The system's libbpf through bun:ffi. The C prototype stands above each symbol (libbpf 1.0 and later).
 * Everything here is raw: errors become {@link KomonError} one layer up, in object.ts, map.ts and link.ts.
 */
import { dlopen, FFIType as T } from "bun:ffi";
import { KomonError } from "../base/errors.ts";
import { cstring, libc } from "./libc.ts";

const prototypes = {
  // const char *libbpf_version_string(void);
  libbpf_version_string: { args: [], returns: T.cstring },
  // libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t fn);
  libbpf_set_print: { args: [T.ptr], returns: T.ptr },

  // struct bpf_object *bpf_object__open_mem(const void *buf, size_t size, const struct bpf_object_open_opts *opts);
  bpf_object__open_mem: { args: [T.ptr, T.u64, T.ptr], returns: T.ptr },
  // int bpf_object__load(struct bpf_object *obj);
  bpf_object__load: { args: [T.ptr], returns: T.i32 },
  // void bpf_object__close(struct bpf_object *obj);
  bpf_object__close: { args: [T.ptr], returns: T.void },
  // struct bpf_program *bpf_object__next_program(const struct bpf_object *obj, struct bpf_program *prog);
  bpf_object__next_program: { args: [T.ptr, T.ptr], returns: T.ptr },
  // struct bpf_map *bpf_object__next_map(const struct bpf_object *obj, const struct bpf_map *map);
  bpf_object__next_map: { args: [T.ptr, T.ptr], returns: T.ptr },

  // const char *bpf_program__name(const struct bpf_program *prog);
  bpf_program__name: { args: [T.ptr], returns: T.cstring },
  // const char *bpf_program__section_name(const struct bpf_program *prog);
  bpf_program__section_name: { args: [T.ptr], returns: T.cstring },
  // int bpf_program__fd(const struct bpf_program *prog);
  bpf_program__fd: { args: [T.ptr], returns: T.i32 },
  // int bpf_program__set_autoload(struct bpf_program *prog, bool autoload);
  bpf_program__set_autoload: { args: [T.ptr, T.bool], returns: T.i32 },
  // int bpf_program__set_attach_target(struct bpf_program *prog, int attach_prog_fd, const char *attach_func_name);
  bpf_program__set_attach_target: { args: [T.ptr, T.i32, T.ptr], returns: T.i32 },
  // struct bpf_link *bpf_program__attach(const struct bpf_program *prog);
  bpf_program__attach: { args: [T.ptr], returns: T.ptr },
  // struct bpf_link *bpf_program__attach_cgroup(const struct bpf_program *prog, int cgroup_fd);
  bpf_program__attach_cgroup: { args: [T.ptr, T.i32], returns: T.ptr },
  // struct bpf_link *bpf_program__attach_xdp(const struct bpf_program *prog, int ifindex);
  bpf_program__attach_xdp: { args: [T.ptr, T.i32], returns: T.ptr },
  // struct bpf_link *bpf_program__attach_iter(const struct bpf_program *prog, const struct bpf_iter_attach_opts *opts);
  bpf_program__attach_iter: { args: [T.ptr, T.ptr], returns: T.ptr },
  // int bpf_program__pin(struct bpf_program *prog, const char *path);
  bpf_program__pin: { args: [T.ptr, T.ptr], returns: T.i32 },

  // int bpf_link__destroy(struct bpf_link *link);
  bpf_link__destroy: { args: [T.ptr], returns: T.i32 },
  // int bpf_link__fd(const struct bpf_link *link);
  bpf_link__fd: { args: [T.ptr], returns: T.i32 },
  // int bpf_link__pin(struct bpf_link *link, const char *path);
  bpf_link__pin: { args: [T.ptr, T.ptr], returns: T.i32 },

  // const char *bpf_map__name(const struct bpf_map *map);
  bpf_map__name: { args: [T.ptr], returns: T.cstring },
  // int bpf_map__fd(const struct bpf_map *map);
  bpf_map__fd: { args: [T.ptr], returns: T.i32 },
  // enum bpf_map_type bpf_map__type(const struct bpf_map *map);
  bpf_map__type: { args: [T.ptr], returns: T.u32 },
  // __u32 bpf_map__key_size(const struct bpf_map *map);
  bpf_map__key_size: { args: [T.ptr], returns: T.u32 },
  // __u32 bpf_map__value_size(const struct bpf_map *map);
  bpf_map__value_size: { args: [T.ptr], returns: T.u32 },
  // __u32 bpf_map__max_entries(const struct bpf_map *map);
  bpf_map__max_entries: { args: [T.ptr], returns: T.u32 },
  // int bpf_map__set_max_entries(struct bpf_map *map, __u32 max_entries);
  bpf_map__set_max_entries: { args: [T.ptr, T.u32], returns: T.i32 },
  // void *bpf_map__initial_value(struct bpf_map *map, size_t *psize);
  bpf_map__initial_value: { args: [T.ptr, T.ptr], returns: T.ptr },
  // int bpf_map__pin(struct bpf_map *map, const char *path);
  bpf_map__pin: { args: [T.ptr, T.ptr], returns: T.i32 },
  // int bpf_map__reuse_fd(struct bpf_map *map, int fd);
  bpf_map__reuse_fd: { args: [T.ptr, T.i32], returns: T.i32 },

  // int bpf_prog_load(enum bpf_prog_type type, const char *name, const char *license, const struct bpf_insn *insns, size_t count, struct bpf_prog_load_opts *opts);
  bpf_prog_load: { args: [T.u32, T.ptr, T.ptr, T.ptr, T.u64, T.ptr], returns: T.i32 },
  // int bpf_map_lookup_elem(int fd, const void *key, void *value);
  bpf_map_lookup_elem: { args: [T.i32, T.ptr, T.ptr], returns: T.i32 },
  // int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags);
  bpf_map_update_elem: { args: [T.i32, T.ptr, T.ptr, T.u64], returns: T.i32 },
  // int bpf_map_delete_elem(int fd, const void *key);
  bpf_map_delete_elem: { args: [T.i32, T.ptr], returns: T.i32 },
  // int bpf_map_get_next_key(int fd, const void *key, void *next_key);
  bpf_map_get_next_key: { args: [T.i32, T.ptr, T.ptr], returns: T.i32 },
  // int bpf_obj_get_info_by_fd(int bpf_fd, void *info, __u32 *info_len);
  bpf_obj_get_info_by_fd: { args: [T.i32, T.ptr, T.ptr], returns: T.i32 },
  // int bpf_obj_get(const char *pathname);
  bpf_obj_get: { args: [T.ptr], returns: T.i32 },
  // int bpf_prog_get_next_id(__u32 start_id, __u32 *next_id);  (and the same for maps and links)
  bpf_prog_get_next_id: { args: [T.u32, T.ptr], returns: T.i32 },
  bpf_map_get_next_id: { args: [T.u32, T.ptr], returns: T.i32 },
  bpf_link_get_next_id: { args: [T.u32, T.ptr], returns: T.i32 },
  // int bpf_prog_get_fd_by_id(__u32 id);
  bpf_prog_get_fd_by_id: { args: [T.u32], returns: T.i32 },
  bpf_map_get_fd_by_id: { args: [T.u32], returns: T.i32 },
  bpf_link_get_fd_by_id: { args: [T.u32], returns: T.i32 },
  // int bpf_enable_stats(enum bpf_stats_type type);
  bpf_enable_stats: { args: [T.u32], returns: T.i32 },
  // int bpf_prog_test_run_opts(int prog_fd, struct bpf_test_run_opts *opts);
  bpf_prog_test_run_opts: { args: [T.i32, T.ptr], returns: T.i32 },

  // int bpf_link_create(int prog_fd, int target_fd, enum bpf_attach_type attach_type, const struct bpf_link_create_opts *opts);
  bpf_link_create: { args: [T.i32, T.i32, T.u32, T.ptr], returns: T.i32 },

  // int libbpf_num_possible_cpus(void);
  libbpf_num_possible_cpus: { args: [], returns: T.i32 },
  // struct btf *btf__load_vmlinux_btf(void);
  btf__load_vmlinux_btf: { args: [], returns: T.ptr },
  // struct btf *btf__parse(const char *path, struct btf_ext **btf_ext);
  btf__parse: { args: [T.ptr, T.ptr], returns: T.ptr },
  // __s32 btf__find_by_name_kind(const struct btf *btf, const char *type_name, __u32 kind);
  btf__find_by_name_kind: { args: [T.ptr, T.ptr, T.u32], returns: T.i32 },
  // const struct btf_type *btf__type_by_id(const struct btf *btf, __u32 id);
  btf__type_by_id: { args: [T.ptr, T.u32], returns: T.ptr },
  // void btf__free(struct btf *btf);
  btf__free: { args: [T.ptr], returns: T.void },
} as const;

const library = "libbpf.so.1";
const RTLD_NOW = 2;

/**
 * Bun's dlopen falls back to the working folder when the system has no such library, which would run a stranger's
 * code as root. The C library's own dlopen searches the system's folders only, so it is asked first.
 */
function open() {
  if (!libc.dlopen(cstring(library), RTLD_NOW)) {
    throw new KomonError({
      what: `cannot open ${library}`,
      why: String(libc.dlerror()),
      mend: "install libbpf 1.0 or later: apt install libbpf1 (Debian, Ubuntu), dnf install libbpf (Fedora)",
    });
  }
  return dlopen(library, prototypes).symbols;
}

let symbols: ReturnType<typeof open> | undefined;

/** libbpf's functions, opened at the first call. Fails with a {@link KomonError} where libbpf.so.1 is missing. */
export function libbpf(): ReturnType<typeof open> {
  symbols ??= open();
  return symbols;
}

/** For example "1.1". */
export function libbpfVersion(): string {
  return String(libbpf().libbpf_version_string()).replace(/^v/, "");
}
